import { bestClasses, throwIfAborted } from '../../decoding/select.js';
import { decodeAttention, type AttentionDecoderConfig } from '../../decoding/attention/decoder.js';
import type { AttentionScorer, DecodeOptions, TokenTable } from '../../decoding/contract.js';
import { checkDecodeOptions } from '../../decoding/options.js';
import { TextFusions } from '../../decoding/text-fusion.js';
import { MalgwiError } from '../../errors.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { AttentionEncoding, AttentionRuntime } from '../../models/contract.js';
import { OnnxAttentionRuntime, type ModelPackage } from '../../models/index.js';
import type { DecodedUtterance, Family } from './contract.js';

/** Nobody speaks more tokens than this in a second, of whatever kind, jamo included. */
const TOKENS_PER_SECOND = 25;

/** LAS and Transformers: the encoder once, then a search that asks the decoder token by token. */
export class AttentionFamily implements Family {
  private readonly fusions: TextFusions;

  private constructor(
    private readonly runtime: AttentionRuntime,
    private readonly table: TokenTable,
    private readonly config: AttentionDecoderConfig,
    private readonly frameMs: number,
  ) {
    this.fusions = new TextFusions(table, config.strayJamo);
  }

  static async load(model: ModelPackage, table: TokenTable): Promise<AttentionFamily> {
    const { decoder, encoder } = model.manifest;
    return new AttentionFamily(await OnnxAttentionRuntime.load(model), table, decoder, encoder.frameMs);
  }

  async decode(
    features: FeatureMatrix,
    options: DecodeOptions = {},
    signal?: AbortSignal,
  ): Promise<DecodedUtterance> {
    checkDecodeOptions(options);
    const t0 = performance.now();
    const encoding = await this.encode(features, signal);
    const t1 = performance.now();
    const utterance = { ...encoding, maxTokens: this.limit(encoding.scorer) };
    const hypotheses = await decodeAttention(
      utterance,
      this.table,
      this.config,
      options,
      signal,
      this.fusions.of(options),
    );
    return { hypotheses, encoderMs: t1 - t0, decodingMs: performance.now() - t1 };
  }

  async greedyIds(features: FeatureMatrix, maxTokens?: number): Promise<number[]> {
    const { scorer } = await this.encode(features);
    const ids: number[] = [];
    const limit = scorer.frames === 0 ? 0 : (maxTokens ?? this.limit(scorer));
    let state = scorer.initial();
    let token = this.table.sos!;
    while (ids.length < limit) {
      const { states, logProbs } = await scorer.step([state], [token]);
      state = states[0];
      [token] = bestClasses(logProbs, 0, scorer.classes, 1);
      if (token === this.table.eos && maxTokens === undefined) break;
      ids.push(token);
    }
    return ids;
  }

  close(): Promise<void> {
    return this.runtime.close();
  }

  private async encode(features: FeatureMatrix, signal?: AbortSignal): Promise<AttentionEncoding> {
    throwIfAborted(signal);
    const encoding = await this.runtime.encode(features);
    const { scorer, ctc } = encoding;
    const known = this.table.tokens.length;
    const fits = scorer.classes <= known && scorer.classes > Math.max(this.table.eos!, this.table.sos!);
    if (!fits || (ctc !== undefined && ctc.frames > 0 && ctc.classes !== known)) {
      const detail = `The model gives ${ctc?.classes ?? scorer.classes} classes, its token list has ${known}.`;
      throw new MalgwiError('inference_failed', { detail });
    }
    return encoding;
  }

  /** Tokens that an utterance of this length can hold. */
  private limit({ frames }: AttentionScorer): number {
    const seconds = (frames * this.frameMs) / 1000;
    return Math.ceil(Math.max(frames, seconds * TOKENS_PER_SECOND));
  }
}
