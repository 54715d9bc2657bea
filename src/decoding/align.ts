/** Where the tokens of a finished hypothesis lie in time, for decoders that are not bound to frames. */
import type { LogProbs } from './contract.js';

/** First and last encoder frame, inclusive. */
export interface Span {
  readonly startFrame: number;
  readonly endFrame: number;
}

/** Attention below this counts as none. */
const FLOOR = 1e-6;
/** A token lasts as long as its attention stays above this share of its peak. */
const PEAK_SHARE = 0.5;
/** Cells of the search lattice at most. */
const MAX_CELLS = 1 << 26;

/**
 * From attention weights: the strictly rising frames t_1 < t_2 < ... with the largest product of the weights a_u(t_u)
 * (dynamic time warping, each token one frame), each then widened to its neighbourhood. Attention wanders; speech does
 * not.
 * @param rows weights [frames] of each token
 */
export function alignByAttention(rows: readonly Float32Array[], frames: number): Span[] {
  if (rows.length > frames || rows.length * frames > MAX_CELLS) return spread(rows.length, frames);
  const from = rows.map(() => new Int32Array(frames));
  let before = new Float64Array(frames);
  rows.forEach((weights, token) => {
    const scores = new Float64Array(frames).fill(-Infinity);
    let best = token === 0 ? 0 : -Infinity;
    let bestFrame = -1;
    for (let frame = 0; frame < frames; frame++) {
      // `best` is over all frames before this one.
      scores[frame] = best + Math.log(Math.max(weights[frame], FLOOR));
      from[token][frame] = bestFrame;
      if (token > 0 && before[frame] > best) {
        best = before[frame];
        bestFrame = frame;
      }
    }
    before = scores;
  });
  const peaks = new Array<number>(rows.length);
  let frame = 0;
  for (let one = 1; one < frames; one++) if (before[one] > before[frame]) frame = one;
  for (let token = rows.length - 1; token >= 0; token--) {
    peaks[token] = frame;
    frame = from[token][frame];
  }
  let free = 0;
  return rows.map((weights, token) => {
    const peak = peaks[token];
    const limit = (peaks[token + 1] ?? frames) - 1;
    const enough = weights[peak] * PEAK_SHARE;
    let startFrame = peak;
    let endFrame = peak;
    while (startFrame > free && weights[startFrame - 1] >= enough) startFrame--;
    while (endFrame < limit && weights[endFrame + 1] >= enough) endFrame++;
    free = endFrame + 1;
    return { startFrame, endFrame };
  });
}

/**
 * CTC forced alignment: the most probable path of the labels through the frames (Graves et al. 2006, Viterbi).
 * Labels that do not fit into the frames are spread evenly.
 */
export function alignByCtc(
  { data, frames, classes }: LogProbs,
  labels: readonly number[],
  blank: number,
): Span[] {
  const states = 2 * labels.length + 1;
  const repeats = labels.filter((label, index) => label === labels[index - 1]).length;
  const impossible = labels.some((label) => label >= classes || label === blank);
  if (labels.length + repeats > frames || states * frames > MAX_CELLS || impossible) {
    return spread(labels.length, frames);
  }
  /** Odd states are labels, even ones the blanks around them. */
  const labelOf = (state: number): number => (state % 2 === 0 ? blank : labels[(state - 1) / 2]);
  const steps = new Uint8Array(states * frames);
  let scores = new Float64Array(states).fill(-Infinity);
  for (let frame = 0; frame < frames; frame++) {
    const next = new Float64Array(states).fill(-Infinity);
    for (let state = 0; state < states; state++) {
      const label = labelOf(state);
      let best = frame === 0 ? (state < 2 ? 0 : -Infinity) : scores[state];
      let step = 0;
      if (frame > 0 && state > 0 && scores[state - 1] > best) {
        best = scores[state - 1];
        step = 1;
      }
      const skips = frame > 0 && state % 2 === 1 && state > 1 && label !== labelOf(state - 2);
      if (skips && scores[state - 2] > best) {
        best = scores[state - 2];
        step = 2;
      }
      next[state] = best + data[frame * classes + label];
      steps[frame * states + state] = step;
    }
    scores = next;
  }
  let state = states === 1 || scores[states - 1] >= scores[states - 2] ? states - 1 : states - 2;
  if (scores[state] === -Infinity) return spread(labels.length, frames);
  const spans: { startFrame: number; endFrame: number }[] = labels.map(() => ({
    startFrame: -1,
    endFrame: -1,
  }));
  for (let frame = frames - 1; frame >= 0; frame--) {
    if (state % 2 === 1) {
      const span = spans[(state - 1) / 2];
      if (span.endFrame === -1) span.endFrame = frame;
      span.startFrame = frame;
    }
    state -= steps[frame * states + state];
  }
  return spans;
}

/** Evenly over all frames: for a model that tells nothing of where it looked. */
export function spread(tokens: number, frames: number): Span[] {
  return Array.from({ length: tokens }, (_, token) => {
    const startFrame = Math.floor((token * frames) / tokens);
    return { startFrame, endFrame: Math.max(startFrame, Math.floor(((token + 1) * frames) / tokens) - 1) };
  });
}
