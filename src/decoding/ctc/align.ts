/** Forced alignment: the most probable path of one token sequence. */

export interface Alignment {
  /** First and last frame (inclusive) of each token. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Log-probability of the path. */
  readonly logProb: number;
}

/** What an alignment looks at: row-major [frames, classes], and the blank of each frame. */
export interface Emissions {
  readonly data: Float32Array;
  readonly frames: number;
  readonly classes: number;
  /** Control symbols included, as the search counts them. */
  readonly blanks: readonly number[];
}

const STAY = 0;
const STEP = 1;
const SKIP = 2;

/**
 * Viterbi over the states blank, token, blank, token ... blank of CTC (Graves et al. 2006): from a state to itself, to
 * the next, or past a blank that separates different tokens. One byte for each frame and state.
 * @returns undefined when no path of these frames gives the tokens
 */
export function align(
  { data, frames, classes, blanks }: Emissions,
  ids: readonly number[],
): Alignment | undefined {
  const states = 2 * ids.length + 1;
  let scores = new Float64Array(states).fill(-Infinity);
  let next = new Float64Array(states);
  const moves = new Uint8Array(frames * states);
  for (let frame = 0; frame < frames; frame++) {
    // Where it must be to reach the end in time, and where it can be by now.
    const first = Math.max(0, states - 2 * (frames - frame));
    const last = Math.min(states - 1, 2 * frame + 1);
    next.fill(-Infinity);
    for (let state = first; state <= last; state++) {
      let score = frame === 0 ? 0 : scores[state];
      let move = STAY;
      if (frame > 0 && state > 0 && scores[state - 1] > score) {
        score = scores[state - 1];
        move = STEP;
      }
      const skips = frame > 0 && state > 1 && (state & 1) === 1 && ids[state >> 1] !== ids[(state >> 1) - 1];
      if (skips && scores[state - 2] > score) {
        score = scores[state - 2];
        move = SKIP;
      }
      const emitted = (state & 1) === 0 ? blanks[frame] : data[frame * classes + ids[state >> 1]];
      next[state] = emitted > -Infinity ? score + emitted : -Infinity;
      moves[frame * states + state] = move;
    }
    [scores, next] = [next, scores];
  }
  let state = states > 1 && scores[states - 2] > scores[states - 1] ? states - 2 : states - 1;
  const logProb = frames === 0 ? (states === 1 ? 0 : -Infinity) : scores[state];
  if (!(logProb > -Infinity)) return undefined;
  const starts = new Int32Array(ids.length);
  const ends = new Int32Array(ids.length).fill(-1);
  for (let frame = frames - 1; frame >= 0; frame--) {
    if ((state & 1) === 1) {
      const token = state >> 1;
      starts[token] = frame;
      if (ends[token] < 0) ends[token] = frame;
    }
    state -= moves[frame * states + state];
  }
  return { starts, ends, logProb };
}
