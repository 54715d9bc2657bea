import type { CtcUtterance, DecodedHypothesis, LogProbs, PartialText } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { RunningNormalizer, StreamingFrontEnd } from '../../features/index.js';
import type { CtcStreamState } from '../../models/contract.js';
import type { DecodingStream } from '../families/contract.js';
import { InTurn } from '../in-turn.js';
import type { SharedEncoder } from './shared-encoder.js';

const NOTHING: LogProbs = { data: new Float32Array(0), frames: 0, classes: 0 };

/**
 * An utterance for a CTC model that takes chunks: samples become frames of features, frames become windows of the
 * encoder, and what the encoder gives for a window's chunk goes into the search. What it gives for the look-ahead only
 * shows in partial texts: the next window has it again, with more behind it.
 */
export class CtcStream implements DecodingStream {
  private readonly turns: InTurn<CtcUtterance>;
  private state: CtcStreamState;
  private readonly normalizer: RunningNormalizer | undefined;
  /** Features of the next window, as far as they are there. */
  private readonly window: Float32Array;
  private frames = 0;
  /** The look-ahead of the last window; before the first one what its frames give as far as they are there. */
  private ahead = NOTHING;
  /** Feature frames behind `ahead`, before the first window. */
  private seen = 0;
  private begun = false;
  /** The partial text since the last window. */
  private shown: PartialText | undefined;

  /**
   * @param finished what is said of a result besides what the search says
   * @param alternatives hypotheses of a result where a call names no number
   */
  constructor(
    private readonly encoder: SharedEncoder,
    private readonly frontEnd: StreamingFrontEnd,
    utterance: CtcUtterance,
    private readonly finished: (hypotheses: DecodedHypothesis[]) => DecodedHypothesis[],
    private readonly alternatives = 1,
  ) {
    this.turns = new InTurn(utterance);
    this.state = encoder.initial();
    this.normalizer = frontEnd.normalizer();
    this.window = new Float32Array(encoder.windowFrames * frontEnd.dims);
  }

  feed(samples: Float32Array): Promise<void> {
    // The caller may use its memory again before it is this call's turn.
    const own = samples.slice();
    return this.turns.run((utterance) => this.take(this.frontEnd.push(own), utterance));
  }

  partial(): Promise<PartialText> {
    return this.turns.run(async (utterance) => {
      const ahead = await this.lookahead();
      this.shown ??= utterance.partial(ahead);
      return this.shown;
    });
  }

  intermediate(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    return this.turns.run(async (utterance) => {
      const ahead = await this.lookahead();
      return utterance.peek(ahead, () => this.finished(utterance.finish(alternatives)));
    });
  }

  flush(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    return this.turns.run(async (utterance) => {
      const rest = await this.rest(this.frontEnd.fork());
      return utterance.peek(rest, () => this.finished(utterance.finish(alternatives)));
    });
  }

  finish(alternatives = this.alternatives): Promise<readonly DecodedHypothesis[]> {
    const result = this.turns.run(async (utterance) => {
      utterance.push(await this.rest(this.frontEnd));
      return this.finished(utterance.finish(alternatives));
    });
    this.turns.endAfterwards(() => this.letGo());
    return result;
  }

  close(): void {
    this.turns.end();
    this.turns.endAfterwards(() => this.letGo());
  }

  private letGo(): void {
    this.encoder.release(this.state);
    this.state = this.encoder.initial();
  }

  private async take({ data, frames, dims }: FeatureMatrix, utterance: CtcUtterance): Promise<void> {
    const { windowFrames, hopFrames, chunkFrames } = this.encoder;
    for (let at = 0; at < frames;) {
      const count = Math.min(frames - at, windowFrames - this.frames);
      const heard = data.subarray(at * dims, (at + count) * dims);
      this.window.set(heard, this.frames * dims);
      // Up to the end of a window, so that results do not depend on how much was fed at once.
      this.normalizer?.add(heard);
      this.frames += count;
      at += count;
      if (this.frames < windowFrames) return;
      const features = {
        data: this.normalizer?.apply(this.window) ?? this.window,
        frames: windowFrames,
        dims,
      };
      const { logProbs, state } = await this.encoder.step({
        features,
        state: this.state,
        givesUpState: true,
      });
      this.state = state!;
      this.begun = true;
      this.shown = undefined;
      const { data: values, frames: given, classes } = logProbs;
      utterance.push({ data: values.slice(0, chunkFrames * classes), frames: chunkFrames, classes });
      const behind = values.slice(chunkFrames * classes);
      this.ahead = { data: behind, frames: given - chunkFrames, classes };
      this.window.copyWithin(0, hopFrames * dims);
      this.frames -= hopFrames;
    }
  }

  /** A first window takes a while to fill: until then someone who asks gets what there is of it, computed on once more. */
  private async lookahead(): Promise<LogProbs> {
    if (this.begun || this.seen === this.frames) return this.ahead;
    this.ahead = await this.rest(this.frontEnd.fork());
    this.seen = this.frames;
    this.shown = undefined;
    return this.ahead;
  }

  /** What the encoder gives for the frames that fill no window any more. Nothing here is changed but the front end. */
  private async rest(frontEnd: StreamingFrontEnd): Promise<LogProbs> {
    const { dims } = frontEnd;
    const { data: last, frames: more } = frontEnd.flush();
    const frames = this.frames + more;
    const data = new Float32Array(frames * dims);
    data.set(this.window.subarray(0, this.frames * dims));
    data.set(last, this.frames * dims);
    const normalizer = this.normalizer?.fork();
    normalizer?.add(last);
    const features = { data: normalizer?.apply(data) ?? data, frames, dims };
    const { logProbs } = await this.encoder.step({ features, state: this.state });
    return logProbs;
  }
}
