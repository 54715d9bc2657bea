import { SAMPLE_RATE } from '../../audio/contract.js';
import type { DecodedHypothesis, DecodeOptions } from '../../decoding/contract.js';
import type { RecognitionEngine } from '../engine.js';
import type { EarlyResult, LiveAudio, LivePartial, UtteranceDecoding, UtteranceOptions } from './contract.js';

/** A partial may cost this share of the audio time it covers. */
const PARTIAL_GROWTH = 0.02;
/** A partial is replaced soon: where the package asks for a beam, a narrow one does. */
const PARTIAL_BEAM_WIDTH = 8;

/**
 * For models that need the whole utterance: it is decoded anew for each partial, at intervals that grow with it, so
 * that the cost of a second of audio is bounded; and once more for its final result. Any part of a partial may change.
 */
export class RedecodedUtterance implements UtteranceDecoding {
  readonly stable = 0;
  private readonly partialDecoding: DecodeOptions;
  private lastPartialEnd: number;
  private early: EarlyResult | undefined;

  constructor(
    private readonly engine: RecognitionEngine,
    private readonly audio: LiveAudio,
    readonly from: number,
    private readonly options: UtteranceOptions,
  ) {
    const { method, beamWidth = PARTIAL_BEAM_WIDTH } = engine.model.manifest.decoder;
    this.lastPartialEnd = from;
    this.partialDecoding = {
      ...(method === 'beam' ? { beamWidth: Math.min(beamWidth, PARTIAL_BEAM_WIDTH) } : {}),
      ...options.decoding,
      alternatives: 1,
    };
  }

  advance(): Promise<void> {
    return Promise.resolve();
  }

  async partial(to: number, signal?: AbortSignal): Promise<LivePartial | undefined> {
    const grown = ((to - this.from) / SAMPLE_RATE) * 1000 * PARTIAL_GROWTH;
    const interval = Math.max(this.options.partialIntervalMs, grown);
    if (((to - this.lastPartialEnd) / SAMPLE_RATE) * 1000 < interval) return undefined;
    this.lastPartialEnd = to;
    const [best] = await this.recognize(to, this.partialDecoding, signal);
    return { text: best!.text, stable: 0, end: to };
  }

  async eager(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]> {
    const hypotheses = await this.recognize(to, this.options.decoding, signal);
    this.early = { to, hypotheses };
    return hypotheses;
  }

  final(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]> {
    if (this.early?.to === to) return Promise.resolve(this.early.hypotheses);
    return this.recognize(to, this.options.decoding, signal);
  }

  private async recognize(
    to: number,
    options: DecodeOptions | undefined,
    signal: AbortSignal | undefined,
  ): Promise<readonly DecodedHypothesis[]> {
    return (await this.engine.recognize(this.audio.slice(this.from, to), options, signal)).hypotheses;
  }
}
