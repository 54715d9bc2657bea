import type { CtcDecoder, DecodedHypothesis, DecodeOptions } from '../../decoding/contract.js';
import { bestClasses } from '../../decoding/select.js';
import { MalgwiError } from '../../errors.js';

/** A search that takes the model's frames as they come. */
export interface FrameSearch {
  /** @param probabilities row-major [frames, classes] */
  next(probabilities: Float32Array, frames: number, classes: number): void;
  /** Best first, at least one, for the frames so far; the search can go on afterwards. */
  decode(alternatives: number): readonly DecodedHypothesis[];
  /** A search in the same place that goes its own way from here. */
  fork(): FrameSearch;
}

/** The smallest positive normal float32: what Coqui adds before it takes a logarithm, so that 0 has one. */
const TINY = 2 ** -126;

/**
 * Any CTC decoder as such a search. It looks at all frames again for every result, so the frames are kept, and there
 * may be no more of them than the model package says.
 */
export class KeptFrames implements FrameSearch {
  private logProbs = new Float32Array(0);
  private frames = 0;
  private classes = 0;

  constructor(
    private readonly decoder: CtcDecoder,
    private readonly options: DecodeOptions,
    private readonly maxFrames: number,
  ) {}

  next(probabilities: Float32Array, frames: number, classes: number): void {
    if (this.frames + frames > this.maxFrames) {
      const detail = `The utterance is beyond the model's ${String(this.maxFrames)} frames.`;
      throw new MalgwiError('inference_failed', { detail });
    }
    this.classes = classes;
    const from = this.frames * classes;
    this.frames += frames;
    const needed = this.frames * classes;
    if (needed > this.logProbs.length) {
      const grown = new Float32Array(Math.max(needed, 2 * this.logProbs.length));
      grown.set(this.logProbs.subarray(0, from));
      this.logProbs = grown;
    }
    for (let i = 0; i < frames * classes; i++) this.logProbs[from + i] = Math.log(probabilities[i] + TINY);
  }

  decode(alternatives: number): DecodedHypothesis[] {
    const { frames, classes } = this;
    const data = this.logProbs.subarray(0, frames * classes);
    return this.decoder.decode({ data, frames, classes }, { ...this.options, alternatives });
  }

  fork(): KeptFrames {
    const copy = new KeptFrames(this.decoder, this.options, this.maxFrames);
    copy.logProbs = this.logProbs.slice(0, this.frames * this.classes);
    copy.frames = this.frames;
    copy.classes = this.classes;
    return copy;
  }
}

/** The best class of every frame, repeats collapsed and blanks dropped: best-path decoding (Graves et al. 2006). */
export class BestClasses implements FrameSearch {
  readonly ids: number[] = [];
  private last = -1;

  constructor(private readonly blank: number) {}

  next(probabilities: Float32Array, frames: number, classes: number): void {
    for (let frame = 0; frame < frames; frame++) {
      const [best] = bestClasses(probabilities, frame, classes, 1);
      if (best !== this.last && best !== this.blank) this.ids.push(best);
      this.last = best;
    }
  }

  /** Ids are all it has. */
  decode(): DecodedHypothesis[] {
    return [];
  }

  fork(): BestClasses {
    const copy = new BestClasses(this.blank);
    copy.ids.push(...this.ids);
    copy.last = this.last;
    return copy;
  }
}
