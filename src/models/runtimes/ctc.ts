/** CTC acoustic models (Graves et al. 2006): one encoder graph, per-frame log-probabilities. */
import type { LogProbs } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { CtcRuntime } from '../contract.js';
import type { Manifest, ModelPackage } from '../manifest.js';
import { batchOf, logProbsOf } from './ctc-batch.js';
import { cacheInputs, OnnxCtcStreaming, withoutCaches } from './ctc-streaming.js';
import { encoderInputs, GraphSession, longEnough } from './session.js';

const OUTPUTS = ['log_probs', 'output_lengths'];

export class OnnxCtcRuntime implements CtcRuntime {
  readonly family = 'ctc';

  private constructor(
    readonly manifest: Manifest,
    private readonly encoder: GraphSession,
    readonly streaming?: OnnxCtcStreaming,
  ) {}

  /** @throws MalgwiError inference_failed | manifest_invalid when the graph is not the package format's */
  static async load(model: ModelPackage): Promise<OnnxCtcRuntime> {
    const { manifest } = model;
    const { streaming, paddingSafe } = manifest.encoder;
    const { encoder: graph } = manifest.graphs;
    const states = streaming === undefined ? [] : (graph.states ?? []);
    const encoder = await GraphSession.open(model, graph, {
      role: 'encoder',
      inputs: [
        ...encoderInputs(paddingSafe ? 'batch' : '*'),
        ...(streaming === undefined ? [] : cacheInputs(states)),
      ],
      outputs: [...OUTPUTS, ...states.map(({ name }) => `next_${name}`)],
    });
    if (streaming === undefined) return new OnnxCtcRuntime(manifest, encoder);
    try {
      return new OnnxCtcRuntime(manifest, encoder, new OnnxCtcStreaming(manifest, streaming, encoder));
    } catch (error) {
      await encoder.close();
      throw error;
    }
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
    const caches = this.streaming === undefined ? {} : withoutCaches(this.manifest.graphs.encoder.states ?? [], batch.length);
    return logProbsOf(await this.encoder.run({ ...batchOf(batch), ...caches }, OUTPUTS), batch.length);
  }
}
