import type { DecodeOptions, TokenTable, TransducerScorer } from '../../decoding/contract.js';
import { throwIfAborted } from '../../decoding/select.js';
import {
  decodeTransducer,
  DEFAULT_TOKENS_PER_FRAME,
  type TransducerDecoderConfig,
} from '../../decoding/transducer/decoder.js';
import { transducerGreedy } from '../../decoding/transducer/greedy.js';
import { checkDecodeOptions } from '../../decoding/options.js';
import { TextFusions } from '../../decoding/text-fusion.js';
import { MalgwiError } from '../../errors.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { TransducerRuntime } from '../../models/contract.js';
import { OnnxTransducerRuntime, type ModelPackage } from '../../models/index.js';
import type { DecodedUtterance, Family } from './contract.js';

/** Transducers: the encoder once, then a search over prediction and joint network. */
export class TransducerFamily implements Family {
  private readonly fusions: TextFusions;

  private constructor(
    private readonly runtime: TransducerRuntime,
    private readonly table: TokenTable,
    private readonly config: TransducerDecoderConfig,
  ) {
    this.fusions = new TextFusions(table, config.strayJamo);
  }

  static async load(model: ModelPackage, table: TokenTable): Promise<TransducerFamily> {
    return new TransducerFamily(await OnnxTransducerRuntime.load(model), table, model.manifest.decoder);
  }

  async decode(
    features: FeatureMatrix,
    options: DecodeOptions = {},
    signal?: AbortSignal,
  ): Promise<DecodedUtterance> {
    checkDecodeOptions(options);
    const t0 = performance.now();
    const scorer = await this.encode(features, signal);
    const t1 = performance.now();
    const hypotheses = await decodeTransducer(
      scorer,
      this.table,
      this.config,
      options,
      signal,
      this.fusions.of(options),
    );
    return { hypotheses, encoderMs: t1 - t0, decodingMs: performance.now() - t1 };
  }

  async greedyIds(features: FeatureMatrix): Promise<number[]> {
    const { emissions } = await transducerGreedy(await this.encode(features), {
      sos: this.table.sos!,
      blank: this.table.blank,
      maxTokensPerFrame: this.config.maxTokensPerFrame ?? DEFAULT_TOKENS_PER_FRAME,
    });
    return emissions.map(({ id }) => id);
  }

  close(): Promise<void> {
    return this.runtime.close();
  }

  private async encode(features: FeatureMatrix, signal?: AbortSignal): Promise<TransducerScorer> {
    throwIfAborted(signal);
    const scorer = await this.runtime.encode(features);
    if (scorer.classes !== this.table.tokens.length) {
      const detail = `The model gives ${scorer.classes} classes, its token list has ${this.table.tokens.length}.`;
      throw new MalgwiError('inference_failed', { detail });
    }
    return scorer;
  }
}
