import { SAMPLE_RATE } from '../../audio/contract.js';
import type { DecodedHypothesis } from '../../decoding/contract.js';
import { throwIfAborted } from '../../decoding/select.js';
import type { RecognitionEngine } from '../engine.js';
import type { DecodingStream, StreamingFamily } from '../families/index.js';
import type { EarlyResult, LiveAudio, LivePartial, UtteranceDecoding, UtteranceOptions } from './contract.js';

/** Samples between two looks whether the call was cancelled. */
const PIECE = SAMPLE_RATE / 4;

export interface StreamedOptions extends UtteranceOptions {
  /** The utterance is cut nowhere before this sample. */
  readonly earliestCut: number;
  /**
   * Whether the final result is decoded from the whole utterance at once (the second pass of Zhang et al. 2020). No
   * word is stable then.
   */
  readonly secondPass: boolean;
  /** Whether words of this text may be called stable: what is rejected in the end must not have been promised. */
  readonly mayPromise: (text: string) => boolean;
}

/**
 * For models that take an utterance while it is being spoken: each sample is computed on once, and what a partial says
 * is already there.
 *
 * An utterance that grew too long is cut in hindsight, at its quietest moment. What was decoded beyond the cut cannot
 * be taken back, so everything up to the cut is decoded again: at most once in so many seconds as an utterance may
 * last. Up to the place of the earliest cut that gives the same hypotheses as before. No word is declared stable later.
 */
export class StreamedUtterance implements UtteranceDecoding {
  private stream: DecodingStream;
  private fed: number;
  private lastPartialEnd: number;
  private last: LivePartial;
  private early: EarlyResult | undefined;

  constructor(
    private readonly engine: RecognitionEngine,
    private readonly family: StreamingFamily,
    private readonly audio: LiveAudio,
    readonly from: number,
    private readonly options: StreamedOptions,
  ) {
    this.stream = family.openStream(options.decoding);
    this.fed = from;
    this.lastPartialEnd = from;
    this.last = { text: '', stable: 0, end: from };
  }

  get stable(): number {
    return this.last.stable;
  }

  async advance(to: number, signal?: AbortSignal): Promise<void> {
    while (this.fed < to) {
      throwIfAborted(signal);
      const end = Math.min(to, this.fed + PIECE);
      await this.stream.feed(this.audio.slice(this.fed, end));
      this.fed = end;
    }
  }

  async partial(to: number): Promise<LivePartial | undefined> {
    const { fed, last, options } = this;
    if (to - this.lastPartialEnd < (options.partialIntervalMs / 1000) * SAMPLE_RATE) return undefined;
    const { text, stable } = await this.stream.partial();
    // Nothing has been heard yet.
    if (text === '' && last.text === '') return undefined;
    const open =
      !options.secondPass && fed <= options.earliestCut && (last.stable > 0 || options.mayPromise(text));
    const settled = open ? stable : last.stable;
    this.lastPartialEnd = to;
    this.last = { text, stable: settled, end: fed };
    return this.last;
  }

  async heard(): Promise<string> {
    return (await this.stream.partial()).text;
  }

  async eager(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]> {
    if (!this.options.secondPass) await this.advance(to, signal);
    const hypotheses = await (this.options.secondPass ? this.whole(to, signal) : this.stream.flush());
    this.early = { to, hypotheses };
    return hypotheses;
  }

  async final(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]> {
    if (this.early?.to === to) {
      this.stream.close();
      return this.early.hypotheses;
    }
    if (this.options.secondPass) {
      this.stream.close();
      return this.whole(to, signal);
    }
    if (to < this.fed) {
      this.stream.close();
      this.stream = this.family.openStream(this.options.decoding);
      this.fed = this.from;
    }
    await this.advance(to, signal);
    throwIfAborted(signal);
    return this.stream.finish();
  }

  private async whole(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]> {
    const { audio, from, options } = this;
    return (await this.engine.recognize(audio.slice(from, to), options.decoding, signal)).hypotheses;
  }
}
