/**
 * Transducers (Graves 2012): the encoder runs once, the prediction network once for each token of a hypothesis, the
 * joint network for each pair of a frame and a hypothesis that the search looks at.
 */
import { Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../../errors.js';
import type { TransducerScorer } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { TransducerRuntime } from '../contract.js';
import type { Manifest, ModelPackage } from '../manifest.js';
import { encodedFrames } from './attention.js';
import { encoderInputs, floats, GraphSession, longEnough } from './session.js';
import { byPrefix, StateLayout, type StateRow } from './states.js';

interface Prediction {
  readonly state: StateRow;
  /** Output of the prediction network; absent before the first token. */
  readonly out?: Float32Array;
}

export class OnnxTransducerRuntime implements TransducerRuntime {
  readonly family = 'transducer';

  private constructor(
    readonly manifest: Manifest,
    private readonly encoder: GraphSession,
    private readonly predictor: GraphSession,
    private readonly joiner: GraphSession,
    private readonly layout: StateLayout,
  ) {}

  /** @throws MalgwiError inference_failed | manifest_invalid when a graph is not the package format's */
  static async load(model: ModelPackage): Promise<OnnxTransducerRuntime> {
    const { manifest } = model;
    const { encoder, predictor, joiner } = manifest.graphs;
    const layout = new StateLayout('predictor', predictor!.states ?? [], false);
    const open: GraphSession[] = [];
    const add = async (...args: Parameters<typeof GraphSession.open>): Promise<GraphSession> => {
      const session = await GraphSession.open(...args);
      open.push(session);
      return session;
    };
    try {
      return new OnnxTransducerRuntime(
        manifest,
        await add(model, encoder, {
          role: 'encoder',
          inputs: encoderInputs(1),
          outputs: ['encoder_out', 'output_lengths'],
        }),
        await add(model, predictor!, {
          role: 'predictor',
          inputs: [{ name: 'tokens', type: 'int64', shape: ['batch'] }, ...layout.inputs()],
          outputs: ['predictor_out', ...layout.outputs()],
        }),
        await add(model, joiner!, {
          role: 'joiner',
          inputs: [
            { name: 'encoder_frames', type: 'float32', shape: ['batch', '*'] },
            { name: 'predictor_out', type: 'float32', shape: ['batch', '*'] },
          ],
          outputs: ['log_probs'],
        }),
        layout,
      );
    } catch (error) {
      await Promise.all(open.map((session) => session.close()));
      throw error;
    }
  }

  async encode(features: FeatureMatrix): Promise<TransducerScorer> {
    const classes = this.joiner.lastAxis('log_probs');
    const { predictor, joiner, layout } = this;
    if (!longEnough(this.manifest, features)) {
      return new StepScorer(predictor, joiner, layout, classes, 0, new Float32Array(0), 0);
    }
    const outputs = await this.encoder.run({
      features: new Tensor('float32', features.data, [1, features.frames, features.dims]),
      lengths: new Tensor('int64', BigInt64Array.of(BigInt(features.frames)), [1]),
    });
    const frames = encodedFrames(outputs);
    const { data, dims } = floats(outputs, 'encoder_out', 3);
    return new StepScorer(predictor, joiner, layout, classes, frames, data, dims[2]!);
  }

  async close(): Promise<void> {
    await Promise.all([this.encoder, this.predictor, this.joiner].map((session) => session.close()));
  }
}

class StepScorer implements TransducerScorer<Prediction> {
  constructor(
    private readonly predictor: GraphSession,
    private readonly joiner: GraphSession,
    private readonly layout: StateLayout,
    readonly classes: number,
    readonly frames: number,
    private readonly encoded: Float32Array,
    private readonly width: number,
  ) {}

  initial(): Prediction {
    return { state: this.layout.initial(0) };
  }

  async predict(states: readonly Prediction[], tokens: readonly number[]): Promise<Prediction[]> {
    const result = new Array<Prediction>(states.length);
    for (const group of byPrefix(states.map(({ state }) => state))) {
      const rows = group.map((index) => states[index]!.state);
      const feeds = this.layout.gather(rows, new Map());
      const outputs = await this.predictor.run({
        tokens: new Tensor('int64', BigInt64Array.from(group, (index) => BigInt(tokens[index]!)), [group.length]),
        ...feeds,
      });
      const next = this.layout.next(outputs, feeds, rows, 0);
      const { data, dims } = floats(outputs, 'predictor_out', 2);
      const width = dims[1]!;
      if (dims[0] !== group.length) {
        const detail = `The predictor graph gave ${dims[0]} rows for ${group.length} tokens.`;
        throw new MalgwiError('inference_failed', { detail });
      }
      group.forEach((index, row) => {
        result[index] = { state: next[row]!, out: data.subarray(row * width, (row + 1) * width) };
      });
    }
    return result;
  }

  async join(frames: readonly number[], states: readonly Prediction[]): Promise<Float32Array> {
    const outs = states.map(({ out }) => {
      if (out === undefined) throw new Error('join needs a state that predict gave');
      return out;
    });
    const count = frames.length;
    const outputs = await this.joiner.run({
      encoder_frames: stack(frames.map((frame) => this.encoded.subarray(frame * this.width, (frame + 1) * this.width))),
      predictor_out: stack(outs),
    });
    const { data, dims } = floats(outputs, 'log_probs', 2);
    if (dims[1] !== this.classes || (dims[0] !== count && dims[0] !== 1)) {
      const detail = `The joiner graph gave log_probs as [${dims.join(', ')}], not [${count}, ${this.classes}].`;
      throw new MalgwiError('inference_failed', { detail });
    }
    if (dims[0] === count) return data;
    const repeated = new Float32Array(count * this.classes);
    for (let row = 0; row < count; row++) repeated.set(data, row * this.classes);
    return repeated;
  }
}

/** Rows as one matrix; where all are the same one, a single row, which the joint network repeats. */
function stack(rows: readonly Float32Array[]): Tensor {
  const first = rows[0]!;
  const width = first.length;
  const same = (one: Float32Array): boolean =>
    one.buffer === first.buffer && one.byteOffset === first.byteOffset && one.length === width;
  if (rows.every(same)) return new Tensor('float32', first, [1, width]);
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, index) => data.set(row, index * width));
  return new Tensor('float32', data, [rows.length, width]);
}
