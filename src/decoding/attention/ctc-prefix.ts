import type { LogProbs } from '../contract.js';
import { logAdd } from '../log-add.js';

/** Forward variables of a prefix, natural logarithms: paths of the first t frames that end in its last label, or in blank. */
export interface CtcPrefix {
  readonly last: number;
  readonly nonBlank: Float64Array;
  readonly blank: Float64Array;
}

/**
 * Probability, under CTC, that the labels of an utterance begin with a prefix: what a joint model's search adds to the
 * attention decoder's score so that it neither skips nor repeats speech (Watanabe et al. 2017, algorithm 2).
 */
export class CtcPrefixScorer {
  private readonly columns = new Map<number, Float64Array>();

  /** @param eos label of the end, where the CTC targets hold one (KoSpeech's do); elsewhere its probability is about 0 */
  constructor(
    private readonly logProbs: LogProbs,
    private readonly blank: number,
    private readonly eos: number,
  ) {}

  /** The empty prefix. */
  initial(): CtcPrefix {
    const { frames } = this.logProbs;
    const blank = new Float64Array(frames);
    const column = this.column(this.blank);
    for (let frame = 0, sum = 0; frame < frames; frame++) blank[frame] = sum += column[frame];
    return { last: -1, nonBlank: new Float64Array(frames).fill(-Infinity), blank };
  }

  /** Natural logarithm of the probability of `prefix` followed by each of `labels` and by anything after that. */
  score(prefix: CtcPrefix, labels: readonly number[]): number[] {
    const other = arrivals(prefix, false);
    return labels.map((label) => {
      if (label === this.blank) return -Infinity;
      const column = this.column(label);
      const arriving = label === prefix.last ? arrivals(prefix, true) : other;
      let largest = -Infinity;
      for (let frame = 0; frame < column.length; frame++) {
        largest = Math.max(largest, arriving[frame] + column[frame]);
      }
      if (largest === -Infinity) return -Infinity;
      let sum = 0;
      for (let frame = 0; frame < column.length; frame++) {
        sum += Math.exp(arriving[frame] + column[frame] - largest);
      }
      // Rounding must not make a longer prefix more probable than a certain one.
      return Math.min(0, largest + Math.log(sum));
    });
  }

  extend(prefix: CtcPrefix, label: number): CtcPrefix {
    const { frames } = this.logProbs;
    const nonBlank = new Float64Array(frames);
    const blank = new Float64Array(frames);
    const own = this.column(label);
    const none = this.column(this.blank);
    const arriving = arrivals(prefix, label === prefix.last);
    let inLabel = -Infinity;
    let inBlank = -Infinity;
    for (let frame = 0; frame < frames; frame++) {
      const before = logAdd(inBlank, inLabel);
      inLabel = logAdd(inLabel, arriving[frame]) + own[frame];
      inBlank = before + none[frame];
      nonBlank[frame] = inLabel;
      blank[frame] = inBlank;
    }
    return { last: label, nonBlank, blank };
  }

  /**
   * Natural logarithm of the probability that the labels are this prefix and nothing else. A CTC head whose targets
   * hold an eos says so with that label, another one by blanks alone; both count, they exclude each other.
   */
  end(prefix: CtcPrefix): number {
    const whole = total(prefix);
    if (this.eos >= this.logProbs.classes || this.eos === this.blank) return whole;
    return Math.min(0, logAdd(whole, total(this.extend(prefix, this.eos))));
  }

  /** The log-probabilities of one label in all frames; kept, for the search asks for the same few again and again. */
  private column(label: number): Float64Array {
    let column = this.columns.get(label);
    if (column === undefined) {
      const { data, frames, classes } = this.logProbs;
      column = new Float64Array(frames);
      if (label >= classes) column.fill(-Infinity);
      else for (let frame = 0; frame < frames; frame++) column[frame] = data[frame * classes + label];
      this.columns.set(label, column);
    }
    return column;
  }
}

/** Paths that have the prefix just before each frame, such that a label in the frame is a new one. */
function arrivals({ last, nonBlank, blank }: CtcPrefix, repeated: boolean): Float64Array {
  const result = new Float64Array(blank.length);
  if (result.length > 0) result[0] = last === -1 ? 0 : -Infinity;
  for (let frame = 1; frame < result.length; frame++) {
    result[frame] = repeated ? blank[frame - 1] : logAdd(blank[frame - 1], nonBlank[frame - 1]);
  }
  return result;
}

function total({ nonBlank, blank }: CtcPrefix): number {
  return blank.length === 0 ? 0 : logAdd(nonBlank[nonBlank.length - 1], blank[blank.length - 1]);
}
