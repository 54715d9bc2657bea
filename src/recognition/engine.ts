/** One model, loaded and ready on this thread: samples in, hypotheses out. */
import type { DecodedHypothesis, DecodeOptions } from '../decoding/contract.js';
import { createFrontEnd } from '../features/index.js';
import type { FrontEnd } from '../features/contract.js';
import type { ModelPackage } from '../models/index.js';
import { loadFamily, type Family } from './families/index.js';

export interface RecognizedUtterance {
  /** Best first, at least one. */
  readonly hypotheses: readonly DecodedHypothesis[];
  readonly featuresMs: number;
  readonly encoderMs: number;
  readonly decodingMs: number;
}

export class RecognitionEngine {
  private constructor(
    readonly model: ModelPackage,
    readonly frontEnd: FrontEnd,
    readonly family: Family,
  ) {}

  static async load(model: ModelPackage): Promise<RecognitionEngine> {
    return new RecognitionEngine(model, createFrontEnd(model.manifest.frontEnd), await loadFamily(model));
  }

  /** Seconds of one encoder frame. */
  get frameSeconds(): number {
    return this.model.manifest.encoder.frameMs / 1000;
  }

  /**
   * @param samples 16 kHz mono, [-1, 1]
   * @throws MalgwiError inference_failed | cancelled
   */
  async recognize(
    samples: Float32Array,
    options?: DecodeOptions,
    signal?: AbortSignal,
  ): Promise<RecognizedUtterance> {
    const started = performance.now();
    const features = this.frontEnd.extract(samples);
    const featuresMs = performance.now() - started;
    return { ...(await this.family.decode(features, options, signal)), featuresMs };
  }

  async close(): Promise<void> {
    await this.family.close();
  }
}
