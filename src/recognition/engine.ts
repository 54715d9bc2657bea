/** One model, loaded and ready on this thread: samples in, hypotheses out. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createCtcDecoder, parseTokens } from '../decoding/index.js';
import type { CtcDecoder, DecodedHypothesis, DecodeOptions } from '../decoding/contract.js';
import { createFrontEnd } from '../features/index.js';
import type { FrontEnd } from '../features/contract.js';
import { loadRuntime, type AcousticRuntime, type ModelPackage } from '../models/index.js';

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
    private readonly frontEnd: FrontEnd,
    private readonly runtime: AcousticRuntime,
    private readonly decoder: CtcDecoder,
  ) {}

  static async load(model: ModelPackage): Promise<RecognitionEngine> {
    const { manifest, directory } = model;
    const table = parseTokens(await readFile(join(directory, manifest.tokens.file), 'utf8'), manifest.tokens);
    return new RecognitionEngine(
      model,
      createFrontEnd(manifest.frontEnd),
      await loadRuntime(model),
      createCtcDecoder(table, manifest.decoder),
    );
  }

  /** Seconds of one encoder frame. */
  get frameSeconds(): number {
    return this.model.manifest.encoder.frameMs / 1000;
  }

  /**
   * @param samples 16 kHz mono, [-1, 1]
   * @throws MalgwiError inference_failed
   */
  async recognize(samples: Float32Array, options?: DecodeOptions): Promise<RecognizedUtterance> {
    const t0 = performance.now();
    const features = this.frontEnd.extract(samples);
    const t1 = performance.now();
    const [logProbs] = await this.runtime.run([features]);
    const t2 = performance.now();
    const hypotheses = this.decoder.decode(logProbs!, options);
    const t3 = performance.now();
    return { hypotheses, featuresMs: t1 - t0, encoderMs: t2 - t1, decodingMs: t3 - t2 };
  }

  async close(): Promise<void> {
    await this.runtime.close();
  }
}
