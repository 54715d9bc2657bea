import { MalgwiError } from '../errors.js';
import type {
  CtcDecoder,
  CtcUtterance,
  DecodedHypothesis,
  DecodedToken,
  LogProbs,
  PartialText,
  TokenTable,
} from './contract.js';
import { calibrate, type Calibration } from './confidence.js';
import type { StrayJamo } from './jamo.js';
import { Pieces } from './ctc/pieces.js';
import { geometricMean, tokenText, toWords, wholeWordsOf } from './text.js';

export interface GreedyConfig {
  readonly method: 'greedy';
  /** Default `drop`. */
  readonly strayJamo?: StrayJamo;
  readonly confidence?: Calibration;
}

/** The most probable class of every frame. */
interface BestPath {
  readonly ids: Int32Array;
  readonly logProbs: Float32Array;
}

/**
 * Best-path CTC decoding (Graves et al. 2006, 3.2): the best class of each frame, repeats collapsed, blanks dropped,
 * cut before the first eos. Ties go to the lower id.
 *
 * A token's probability is the mean over its frames; a word's confidence the geometric mean over its tokens, and so
 * the hypothesis' over all of its tokens (of the path's frames where it has none).
 */
export class GreedyCtcDecoder implements CtcDecoder {
  readonly name = 'greedy';
  private readonly strayJamo: StrayJamo;

  constructor(
    private readonly table: TokenTable,
    private readonly config: GreedyConfig,
  ) {
    this.strayJamo = config.strayJamo ?? 'drop';
  }

  /** @throws MalgwiError inference_failed when the matrix does not fit the tokens or holds no numbers */
  decode(logProbs: LogProbs): DecodedHypothesis[] {
    const path = bestPath(logProbs, this.table);
    const { tokens, frames } = this.collapse(path);
    const words = calibrate(toWords(this.table, tokens, this.strayJamo), this.config.confidence);
    let sum = 0;
    for (let frame = 0; frame < frames; frame++) sum += path.logProbs[frame];
    const avgLogProb = frames === 0 ? 0 : sum / frames;
    const confidence = tokens.length === 0 ? Math.exp(avgLogProb) : geometricMean(tokens);
    const text = words.map(({ word }) => word).join(' ');
    return [{ text, tokens, words, avgLogProb, confidence, score: sum }];
  }

  begin(): CtcUtterance {
    return new GreedyUtterance(this, this.table, this.strayJamo);
  }

  /** Also returns the frames up to the end of the utterance, an eos included. */
  private collapse({ ids, logProbs }: BestPath): { tokens: DecodedToken[]; frames: number } {
    const { blank, eos, silent } = this.table;
    const tokens: DecodedToken[] = [];
    for (let frame = 0; frame < ids.length;) {
      const id = ids[frame];
      const startFrame = frame;
      let probability = 0;
      for (; frame < ids.length && ids[frame] === id; frame++) probability += Math.exp(logProbs[frame]);
      if (id === eos) return { tokens, frames: frame };
      if (id === blank || silent.has(id)) continue;
      const endFrame = frame - 1;
      probability = Math.min(1, probability / (frame - startFrame));
      tokens.push({ id, text: tokenText(this.table, id), startFrame, endFrame, probability });
    }
    return { tokens, frames: ids.length };
  }
}

/** Best-path decoding is cheap: whenever something is asked, all frames are decoded. */
class GreedyUtterance implements CtcUtterance {
  private readonly pieces: Pieces;
  private settled: PartialText | undefined;

  constructor(
    private readonly decoder: GreedyCtcDecoder,
    private readonly table: TokenTable,
    private readonly strayJamo: StrayJamo,
  ) {
    this.pieces = new Pieces(table.tokens.length);
  }

  push(logProbs: LogProbs): void {
    if (logProbs.frames > 0) this.pieces.push(logProbs);
  }

  peek<T>(logProbs: LogProbs, look: () => T): T {
    if (logProbs.frames === 0) return look();
    this.settled = this.partial();
    this.pieces.push(logProbs);
    try {
      return look();
    } finally {
      this.pieces.pop();
      this.settled = undefined;
    }
  }

  partial(ahead?: LogProbs): PartialText {
    if (ahead !== undefined && ahead.frames > 0) return this.peek(ahead, () => this.partial());
    const [{ text, tokens }] = this.finish();
    const ids = tokens.map(({ id }) => id);
    const whole = wholeWordsOf(this.table, ids, this.strayJamo);
    return { text, stable: this.settled?.stable ?? whole.join(' ').length };
  }

  finish(): DecodedHypothesis[] {
    const { frames } = this.pieces;
    return this.decoder.decode({ data: this.pieces.joined(), frames, classes: this.table.tokens.length });
  }
}

function bestPath({ data, frames, classes }: LogProbs, table: TokenTable): BestPath {
  if (frames > 0 && classes !== table.tokens.length) {
    const detail = `The model gives ${String(classes)} classes, its token list has ${String(table.tokens.length)}.`;
    throw new MalgwiError('inference_failed', { detail });
  }
  if (data.length < frames * classes) {
    throw new MalgwiError('inference_failed', { detail: 'The model gave fewer values than its shape says.' });
  }
  const ids = new Int32Array(frames);
  const logProbs = new Float32Array(frames);
  for (let frame = 0, row = 0; frame < frames; frame++, row += classes) {
    let best = -1;
    let value = -Infinity;
    for (let id = 0; id < classes; id++) {
      if (data[row + id] > value) {
        value = data[row + id];
        best = id;
      }
    }
    if (best < 0 || value === Infinity) {
      throw new MalgwiError('inference_failed', { detail: 'The model gave values that are not numbers.' });
    }
    ids[frame] = best;
    logProbs[frame] = value;
  }
  return { ids, logProbs };
}
