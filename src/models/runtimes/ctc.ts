/** CTC acoustic models (Graves et al. 2006): one encoder graph, per-frame log-probabilities. */
import { Tensor } from 'onnxruntime-node';
import type { LogProbs } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { CtcRuntime } from '../contract.js';
import type { Manifest, ModelPackage } from '../manifest.js';
import { encoderInputs, floats, GraphSession, longEnough } from './session.js';

export class OnnxCtcRuntime implements CtcRuntime {
  readonly family = 'ctc';

  private constructor(
    readonly manifest: Manifest,
    private readonly encoder: GraphSession,
  ) {}

  /** @throws MalgwiError inference_failed | manifest_invalid when the graph is not the package format's */
  static async load(model: ModelPackage): Promise<OnnxCtcRuntime> {
    const { manifest } = model;
    const encoder = await GraphSession.open(model, manifest.graphs.encoder, {
      role: 'encoder',
      inputs: encoderInputs(manifest.encoder.paddingSafe ? 'batch' : '*'),
      outputs: ['log_probs', 'output_lengths'],
    });
    return new OnnxCtcRuntime(manifest, encoder);
  }

  async run(utterances: readonly FeatureMatrix[]): Promise<LogProbs[]> {
    const results: LogProbs[] = utterances.map(() => ({ data: new Float32Array(0), frames: 0, classes: 0 }));
    const ready = utterances
      .map((features, index) => ({ features, index }))
      .filter(({ features }) => longEnough(this.manifest, features));
    // Padding changes the result of models without masks (KoSpeech's Conformer and LAS): those run one by one.
    const together = this.manifest.encoder.paddingSafe && ready.length > 0;
    for (const batch of together ? [ready] : ready.map((one) => [one])) {
      const outputs = await this.runBatch(batch.map(({ features }) => features));
      batch.forEach(({ index }, position) => (results[index] = outputs[position]!));
    }
    return results;
  }

  async close(): Promise<void> {
    await this.encoder.close();
  }

  private async runBatch(batch: readonly FeatureMatrix[]): Promise<LogProbs[]> {
    const dims = batch[0]!.dims;
    const longest = Math.max(...batch.map((features) => features.frames));
    const data = new Float32Array(batch.length * longest * dims);
    batch.forEach((features, row) => data.set(features.data, row * longest * dims));
    const lengths = BigInt64Array.from(batch, (features) => BigInt(features.frames));
    const outputs = await this.encoder.run({
      features: new Tensor('float32', data, [batch.length, longest, dims]),
      lengths: new Tensor('int64', lengths, [batch.length]),
    });
    const logProbs = floats(outputs, 'log_probs', 3);
    const outputLengths = outputs['output_lengths']!.data as BigInt64Array;
    const [, frames, classes] = logProbs.dims as [number, number, number];
    return batch.map((_, row) => {
      const valid = Math.min(frames, Number(outputLengths[row]));
      const from = row * frames * classes;
      return { data: logProbs.data.slice(from, from + valid * classes), frames: valid, classes };
    });
  }
}
