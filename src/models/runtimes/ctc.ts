/** CTC acoustic models (Graves et al. 2006): one encoder graph, per-frame log-probabilities. */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { join } from 'node:path';
import { MalgwiError } from '../../errors.js';
import type { LogProbs } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { CtcRuntime } from '../contract.js';
import type { Manifest, ModelPackage } from '../manifest.js';

/** Threads are the worker pool's business: one session, one thread. */
export const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 3,
};

export class OnnxCtcRuntime implements CtcRuntime {
  readonly family = 'ctc';

  private constructor(
    readonly manifest: Manifest,
    private readonly session: InferenceSession,
  ) {}

  /** @throws MalgwiError inference_failed when the graph cannot be loaded or has other inputs than the package format's */
  static async load(model: ModelPackage): Promise<OnnxCtcRuntime> {
    const session = await InferenceSession.create(
      join(model.directory, model.manifest.graphs.encoder.file),
      SESSION_OPTIONS,
    ).catch((error: unknown) => {
      throw new MalgwiError('inference_failed', { detail: 'The encoder graph cannot be loaded.', cause: error });
    });
    for (const name of ['features', 'lengths']) {
      if (!session.inputNames.includes(name)) {
        throw new MalgwiError('inference_failed', { detail: `The encoder graph has no input named ${name}.` });
      }
    }
    return new OnnxCtcRuntime(model.manifest, session);
  }

  async run(utterances: readonly FeatureMatrix[]): Promise<LogProbs[]> {
    const { minFrames, maxFrames, paddingSafe } = this.manifest.encoder;
    const results: LogProbs[] = utterances.map(() => ({ data: new Float32Array(0), frames: 0, classes: 0 }));
    const ready = utterances.map((features, index) => ({ features, index })).filter(({ features }) => features.frames >= minFrames);
    for (const { features } of ready) {
      if (features.frames > maxFrames) {
        throw new MalgwiError('inference_failed', { detail: `An utterance of ${features.frames} frames is beyond the model's ${maxFrames}.` });
      }
    }
    // Padding changes the result of models without masks (KoSpeech's Conformer and LAS): those run one by one.
    const batches = paddingSafe ? (ready.length > 0 ? [ready] : []) : ready.map((one) => [one]);
    for (const batch of batches) {
      const outputs = await this.runBatch(batch.map(({ features }) => features));
      batch.forEach(({ index }, position) => (results[index] = outputs[position]!));
    }
    return results;
  }

  async close(): Promise<void> {
    await this.session.release();
  }

  private async runBatch(batch: readonly FeatureMatrix[]): Promise<LogProbs[]> {
    const dims = batch[0]!.dims;
    const longest = Math.max(...batch.map((features) => features.frames));
    const data = new Float32Array(batch.length * longest * dims);
    batch.forEach((features, row) => data.set(features.data, row * longest * dims));
    const lengths = BigInt64Array.from(batch, (features) => BigInt(features.frames));
    let outputs: InferenceSession.ReturnType;
    try {
      outputs = await this.session.run({
        features: new Tensor('float32', data, [batch.length, longest, dims]),
        lengths: new Tensor('int64', lengths, [batch.length]),
      });
    } catch (error) {
      throw new MalgwiError('inference_failed', { cause: error });
    }
    const logProbs = outputs['log_probs']!;
    const outputLengths = outputs['output_lengths']!.data as BigInt64Array;
    const [, frames, classes] = logProbs.dims as [number, number, number];
    const values = logProbs.data as Float32Array;
    return batch.map((_, row) => {
      const valid = Math.min(frames, Number(outputLengths[row]));
      const from = row * frames * classes;
      return { data: values.slice(from, from + valid * classes), frames: valid, classes };
    });
  }
}
