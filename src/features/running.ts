import type { RunningNormalize } from './contract.js';
import { scaleOf } from './normalize.js';

/** Frames on each side over which the level of a frame is smoothed: about the 128 ms over which silence is trimmed. */
const AROUND = 4;

interface FrameSums {
  readonly energy: number;
  readonly values: number;
  readonly sum: number;
  readonly squares: number;
}

/**
 * Utterance normalisation while the utterance is being spoken: mean and deviation of all values that were heard so far,
 * which become those of the whole utterance as it goes on (for one known to its end they are). Live counterpart of
 * KoSpeech's normalisation; of its silence trimming, too: with `withinDb` frames that much quieter than the loudest one
 * so far do not count, so that a pause does not make a voice seem louder. Which ones those are is decided anew each time.
 *
 * One object for one utterance. Memory and the cost of a call do not depend on how much was heard.
 */
export class RunningNormalizer {
  /** Sums over all settled frames of a level, in whole decibels. */
  private readonly levels = new Map<number, FrameSums>();
  private loudest = -Infinity;
  /** The last frames, as many as others' levels may depend on; so many of them are in `levels`. */
  private recent: FrameSums[] = [];
  private settled = 0;

  /** @param power whether values are logarithms of power; of magnitudes otherwise */
  constructor(
    private readonly config: RunningNormalize,
    private readonly dims: number,
    private readonly power = true,
  ) {}

  /** Takes notice of frames that were heard. @param data row-major [frames, dims], natural logarithms */
  add(data: Float32Array): void {
    const { dims, recent } = this;
    const exponent = this.power ? 1 : 2;
    for (let from = 0; from < data.length; from += dims) {
      let energy = 0;
      let sum = 0;
      let squares = 0;
      for (let i = from; i < from + dims; i++) {
        energy += Math.exp(exponent * data[i]);
        sum += data[i];
        squares += data[i] * data[i];
      }
      recent.push({ energy, values: dims, sum, squares });
      if (recent.length - this.settled <= AROUND) continue;
      this.settle();
    }
  }

  /** Frames as the model takes them, a copy. */
  apply(data: Float32Array): Float32Array {
    const { mean, scale } = this.statistics();
    return data.map((value) => (value - mean) * scale);
  }

  fork(): RunningNormalizer {
    const copy = new RunningNormalizer(this.config, this.dims, this.power);
    for (const [level, sums] of this.levels) copy.levels.set(level, sums);
    copy.loudest = this.loudest;
    copy.recent = [...this.recent];
    copy.settled = this.settled;
    return copy;
  }

  /** The first of the recent frames whose neighbours are all known goes to the others of its level. */
  private settle(): void {
    const { levels, recent } = this;
    const level = this.levelOf(this.settled);
    const before = levels.get(level);
    const frame = recent[this.settled];
    levels.set(level, before === undefined ? frame : joined(before, frame));
    this.loudest = Math.max(this.loudest, level);
    if (this.settled === AROUND) recent.shift();
    else this.settled += 1;
  }

  private levelOf(index: number): number {
    if (this.config.withinDb === undefined) return 0;
    const around = this.recent.slice(Math.max(0, index - AROUND), index + AROUND + 1);
    const energy = around.reduce((total, frame) => total + frame.energy, 0) / around.length;
    return Math.round(10 * Math.log10(energy));
  }

  private statistics(): { mean: number; scale: number } {
    const { prior, withinDb = Infinity } = this.config;
    const all = [...this.levels];
    for (let index = this.settled; index < this.recent.length; index++) {
      all.push([this.levelOf(index), this.recent[index]]);
    }
    const loudest = all.reduce((most, [level]) => Math.max(most, level), this.loudest);
    let values = 0;
    let sum = 0;
    let squares = 0;
    if (prior !== undefined) {
      values = prior.frames * this.dims;
      sum = values * prior.mean;
      squares = values * (prior.deviation ** 2 + prior.mean ** 2);
    }
    for (const [level, frame] of all) {
      if (level < loudest - withinDb) continue;
      values += frame.values;
      sum += frame.sum;
      squares += frame.squares;
    }
    if (values === 0) return { mean: 0, scale: 0 };
    const mean = sum / values;
    return { mean, scale: scaleOf(Math.sqrt(Math.max(0, squares / values - mean * mean))) };
  }
}

function joined(a: FrameSums, b: FrameSums): FrameSums {
  return {
    energy: 0,
    values: a.values + b.values,
    sum: a.sum + b.sum,
    squares: a.squares + b.squares,
  };
}
