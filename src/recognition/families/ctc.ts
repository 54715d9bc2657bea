import { createCtcDecoder } from '../../decoding/index.js';
import { throwIfAborted } from '../../decoding/select.js';
import type { CtcDecoder, DecodeOptions, TokenTable } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { CtcRuntime } from '../../models/contract.js';
import { OnnxCtcRuntime, type ModelPackage } from '../../models/index.js';
import type { DecodedUtterance, Family } from './contract.js';

/** CTC: one pass of the encoder, then any CTC decoder over its log-probabilities. */
export class CtcFamily implements Family {
  private constructor(
    private readonly runtime: CtcRuntime,
    private readonly decoder: CtcDecoder,
    private readonly table: TokenTable,
  ) {}

  static async load(model: ModelPackage, table: TokenTable): Promise<CtcFamily> {
    return new CtcFamily(
      await OnnxCtcRuntime.load(model),
      createCtcDecoder(table, model.manifest.decoder),
      table,
    );
  }

  async decode(
    features: FeatureMatrix,
    options?: DecodeOptions,
    signal?: AbortSignal,
  ): Promise<DecodedUtterance> {
    throwIfAborted(signal);
    const t0 = performance.now();
    const [logProbs] = await this.runtime.run([features]);
    throwIfAborted(signal);
    const t1 = performance.now();
    const hypotheses = this.decoder.decode(logProbs!, options);
    return { hypotheses, encoderMs: t1 - t0, decodingMs: performance.now() - t1 };
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

  close(): Promise<void> {
    return this.runtime.close();
  }
}
