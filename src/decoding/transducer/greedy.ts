import type { TransducerScorer } from '../contract.js';
import { bestClasses, throwIfAborted } from '../select.js';
import type { Emission, TransducerResult } from './contract.js';

export interface TransducerGreedyOptions {
  /** What the prediction network is fed first. */
  readonly sos: number;
  readonly blank: number;
  /** Tokens of one frame at most; the next frame follows then, as after a blank. */
  readonly maxTokensPerFrame: number;
  /** Ends the search, itself kept; without it every token is one like another. */
  readonly eos?: number;
  readonly signal?: AbortSignal;
}

/** Frames that are joined at once with one state. They are looked at in order up to the first that is no blank. */
const AHEAD = { least: 4, most: 32 };

/**
 * Greedy search (Graves 2012): in each frame the best class; a token advances the prediction network, blank the frame.
 * The state stays the same from one token to the next, so the frames up to it are joined several at a time.
 * @throws MalgwiError cancelled; inference_failed, also of the scorer
 */
export async function transducerGreedy<S>(
  scorer: TransducerScorer<S>,
  { sos, blank, maxTokensPerFrame, eos, signal }: TransducerGreedyOptions,
): Promise<TransducerResult> {
  const { frames, classes } = scorer;
  const emissions: Emission[] = [];
  let score = 0;
  if (frames === 0) return { emissions, score, pathLogProb: score };
  let [state] = await scorer.predict([scorer.initial()], [sos]);
  let ahead = AHEAD.least;
  let ofFrame = 0;
  for (let frame = 0; frame < frames;) {
    throwIfAborted(signal);
    const count = Math.min(ahead, frames - frame);
    const logProbs = await scorer.join(
      Array.from({ length: count }, (_, index) => frame + index),
      new Array<S>(count).fill(state),
    );
    let token = -1;
    for (let row = 0; row < count && token === -1; row++) {
      const [best] = bestClasses(logProbs, row, classes, 1);
      const logProb = logProbs[row * classes + best];
      score += logProb;
      if (best === blank) {
        frame += 1;
        ofFrame = 0;
      } else {
        token = best;
        emissions.push({ id: token, frame, logProb });
        ofFrame += 1;
      }
    }
    ahead = token === -1 ? Math.min(AHEAD.most, 2 * ahead) : AHEAD.least;
    if (token === -1) continue;
    if (token === eos) break;
    [state] = await scorer.predict([state], [token]);
    if (ofFrame === maxTokensPerFrame) {
      frame += 1;
      ofFrame = 0;
    }
  }
  return { emissions, score, pathLogProb: score };
}
