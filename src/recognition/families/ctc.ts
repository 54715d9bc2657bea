import { asksForBeam, BeamCtcDecoder, checkDecodeOptions, createCtcDecoder } from '../../decoding/index.js';
import { throwIfAborted } from '../../decoding/select.js';
import type {
  CtcDecoder,
  CtcUtterance,
  DecodedHypothesis,
  DecodeOptions,
  LogProbs,
  TokenTable,
} from '../../decoding/contract.js';
import type { FeatureMatrix, StreamingFbankConfig } from '../../features/contract.js';
import { createStreamingFrontEnd, type StreamingFrontEnd } from '../../features/index.js';
import type { CtcRuntime } from '../../models/contract.js';
import { meanLogProb } from '../../decoding/lm/likelihood.js';
import { OnnxCtcRuntime, type ModelPackage } from '../../models/index.js';
import { SharedEncoder } from '../ctc/shared-encoder.js';
import { CtcStream } from '../ctc/stream.js';
import type { DecodedUtterance, Family, StreamingFamily } from './contract.js';
import { openLanguageModel, type OpenLanguageModel } from './language-model.js';

/** Milliseconds of search after which the thread looks whether the call was cancelled. */
const TURN_MS = 50;
/** Frames between two looks at the clock. */
const PIECE = 32;

/**
 * CTC: one pass of the encoder, then a search over its log-probabilities: the package's own, or, where a request asks for
 * what only a beam can give (hot words, alternatives, a width, weights of the language model), a beam search.
 */
export class CtcFamily implements Family {
  protected constructor(
    protected readonly runtime: CtcRuntime,
    private readonly greedy: CtcDecoder | undefined,
    private readonly beam: CtcDecoder,
    private readonly languageModel: OpenLanguageModel | undefined,
    private readonly table: TokenTable,
    private readonly judgesLanguage: boolean,
  ) {}

  static async load(model: ModelPackage, table: TokenTable): Promise<CtcFamily> {
    const { decoder } = model.manifest;
    const greedy = decoder.method === 'beam' ? undefined : createCtcDecoder(table, decoder);
    const runtime = await OnnxCtcRuntime.load(model);
    try {
      const opened = await openLanguageModel(model);
      const beam = new BeamCtcDecoder(table, { ...decoder, method: 'beam' }, opened?.languageModel);
      const judges = opened !== undefined && decoder.rejection?.minLanguageLogProb !== undefined;
      const kind = runtime.streaming === undefined ? CtcFamily : StreamingCtcFamily;
      return new kind(runtime, greedy, beam, opened, table, judges);
    } catch (error) {
      await runtime.close();
      throw error;
    }
  }

  async decode(
    features: FeatureMatrix,
    options: DecodeOptions = {},
    signal?: AbortSignal,
  ): Promise<DecodedUtterance> {
    checkDecodeOptions(options);
    throwIfAborted(signal);
    const t0 = performance.now();
    const [logProbs] = await this.runtime.run([features]);
    throwIfAborted(signal);
    const t1 = performance.now();
    const hypotheses =
      this.decoder(options) === this.greedy
        ? this.greedy.decode(logProbs!)
        : await this.search(logProbs!, options, signal);
    return { hypotheses: this.judged(hypotheses), encoderMs: t1 - t0, decodingMs: performance.now() - t1 };
  }

  /** Says of the best hypothesis how probable it is as a text, where the package wants that. */
  protected judged(hypotheses: DecodedHypothesis[]): DecodedHypothesis[] {
    const [best, ...others] = hypotheses;
    const languageLogProb = this.languageLogProb(best!.text);
    return languageLogProb === undefined ? hypotheses : [{ ...best!, languageLogProb }, ...others];
  }

  languageLogProb(text: string): number | undefined {
    if (!this.judgesLanguage || this.languageModel === undefined) return undefined;
    const { model, unit } = this.languageModel.languageModel;
    return meanLogProb(model, unit, text);
  }

  async greedyIds(features: FeatureMatrix): Promise<number[]> {
    const [logProbs] = await this.runtime.run([features]);
    const { data, frames, classes } = logProbs!;
    const ids: number[] = [];
    let last = -1;
    for (let frame = 0, row = 0; frame < frames; frame++, row += classes) {
      let best = 0;
      for (let id = 1; id < classes; id++) if (data[row + id] > data[row + best]) best = id;
      if (best !== last && best !== this.table.blank) ids.push(best);
      last = best;
    }
    return ids;
  }

  async close(): Promise<void> {
    await this.runtime.close();
    this.languageModel?.close();
  }

  /** The package's own search, or a beam where a request asks for what only that can give. */
  protected decoder(options: DecodeOptions): CtcDecoder {
    return this.greedy === undefined || asksForBeam(options) ? this.beam : this.greedy;
  }

  private async search(
    { data, frames, classes }: LogProbs,
    options: DecodeOptions,
    signal: AbortSignal | undefined,
  ): Promise<DecodedHypothesis[]> {
    const utterance = this.beam.begin(options);
    let turn = performance.now();
    for (let from = 0; from < frames; from += PIECE) {
      const count = Math.min(PIECE, frames - from);
      utterance.push({
        data: data.subarray(from * classes, (from + count) * classes),
        frames: count,
        classes,
      });
      if (performance.now() - turn < TURN_MS) continue;
      await new Promise((resolve) => setImmediate(resolve));
      throwIfAborted(signal);
      turn = performance.now();
    }
    return utterance.finish();
  }
}

/** Models whose manifest says how they take a live stream in chunks. */
export class StreamingCtcFamily extends CtcFamily implements StreamingFamily {
  private frontEnd: StreamingFrontEnd | undefined;
  private encoder: SharedEncoder | undefined;

  async warmUp(): Promise<void> {
    const { frontEnd, encoder } = this.shared();
    await encoder.warmUp(frontEnd.dims);
  }

  openStream(options: DecodeOptions = {}): CtcStream {
    const { streaming } = this.runtime.manifest.encoder;
    // Who asks for alternatives wants what begins otherwise, too.
    const settleFrames = (options.alternatives ?? 1) > 1 ? undefined : streaming!.settleFrames;
    const utterance: CtcUtterance = this.decoder(options).begin(options, settleFrames);
    const { frontEnd, encoder } = this.shared();
    const judged = this.judged.bind(this);
    return new CtcStream(encoder, frontEnd.fork(), utterance, judged, options.alternatives);
  }

  private shared(): { readonly frontEnd: StreamingFrontEnd; readonly encoder: SharedEncoder } {
    const { frontEnd, encoder } = this.runtime.manifest;
    // parseManifest has looked that it is one.
    const config = { ...frontEnd, ...encoder.streaming!.frontEnd } as StreamingFbankConfig;
    this.frontEnd ??= createStreamingFrontEnd(config);
    this.encoder ??= new SharedEncoder(this.runtime.streaming!);
    return { frontEnd: this.frontEnd, encoder: this.encoder };
  }
}
