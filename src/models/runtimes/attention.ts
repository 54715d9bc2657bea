/**
 * Attention models: LAS (Chan et al. 2016) and Transformers (Vaswani et al. 2017). The encoder runs once; what the
 * decoder needs of it (its output, or keys and values made from it) is handed to every step as it is. A Transformer's
 * keys and values of the tokens so far are states, so that a step computes one position only.
 */
import { Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../../errors.js';
import type { AttentionScorer, LogProbs, StepResult } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { AttentionEncoding, AttentionRuntime } from '../contract.js';
import type { Manifest, ModelPackage } from '../manifest.js';
import { encoderInputs, floats, GraphSession, longEnough, type Outputs } from './session.js';
import { byPrefix, StateLayout, type SpareMemory, type StateRow } from './states.js';

export class OnnxAttentionRuntime implements AttentionRuntime {
  readonly family = 'attention';

  private constructor(
    readonly manifest: Manifest,
    private readonly encoder: GraphSession,
    private readonly decoder: GraphSession,
    private readonly layout: StateLayout,
    private readonly memory: readonly string[],
  ) {}

  /** @throws MalgwiError inference_failed | manifest_invalid when a graph is not the package format's */
  static async load(model: ModelPackage): Promise<OnnxAttentionRuntime> {
    const { manifest } = model;
    const step = manifest.graphs.decoder!;
    const layout = new StateLayout('decoder', step.states ?? [], true);
    const memory = step.memory ?? [];
    const encoder = await GraphSession.open(model, manifest.graphs.encoder, {
      role: 'encoder',
      inputs: encoderInputs(1),
      outputs: ['encoder_out', 'output_lengths', ...memory],
    });
    try {
      const decoder = await GraphSession.open(model, step, {
        role: 'decoder',
        inputs: [
          { name: 'tokens', type: 'int64', shape: ['batch'] },
          ...memory.map((name) => ({ name, type: 'float32' as const })),
          ...layout.inputs(),
        ],
        outputs: ['log_probs', ...layout.outputs()],
      });
      return new OnnxAttentionRuntime(manifest, encoder, decoder, layout, memory);
    } catch (error) {
      await encoder.close();
      throw error;
    }
  }

  async encode(features: FeatureMatrix): Promise<AttentionEncoding> {
    const classes = this.decoder.lastAxis('log_probs');
    const joint = this.manifest.tokens.blank !== undefined && this.encoder.has('log_probs');
    if (!longEnough(this.manifest, features)) {
      const ctc = joint ? { ctc: { data: new Float32Array(0), frames: 0, classes: 0 } } : {};
      return { scorer: new StepScorer(this.decoder, this.layout, classes, 0, {}), ...ctc };
    }
    const outputs = await this.encoder.run({
      features: new Tensor('float32', features.data, [1, features.frames, features.dims]),
      lengths: new Tensor('int64', BigInt64Array.of(BigInt(features.frames)), [1]),
    });
    const frames = encodedFrames(outputs);
    const memory = Object.fromEntries(this.memory.map((name) => [name, outputs[name]!]));
    const scorer = new StepScorer(this.decoder, this.layout, classes, frames, memory);
    return joint ? { scorer, ctc: ctcHead(outputs, frames) } : { scorer };
  }

  async close(): Promise<void> {
    await Promise.all([this.encoder.close(), this.decoder.close()]);
  }
}

class StepScorer implements AttentionScorer<StateRow> {
  constructor(
    private readonly decoder: GraphSession,
    private readonly layout: StateLayout,
    readonly classes: number,
    readonly frames: number,
    private readonly memory: Readonly<Record<string, Tensor>>,
  ) {}

  private readonly spare: SpareMemory = new Map();

  initial(): StateRow {
    return this.layout.initial(this.frames);
  }

  async step(states: readonly StateRow[], tokens: readonly number[]): Promise<StepResult<StateRow>> {
    const groups = byPrefix(states);
    if (groups.length === 1) return this.run(states, tokens);
    const { classes, frames } = this;
    const logProbs = new Float32Array(states.length * classes);
    const attention = this.decoder.has('attention') ? new Float32Array(states.length * frames) : undefined;
    const next = new Array<StateRow>(states.length);
    for (const group of groups) {
      const part = await this.run(
        group.map((index) => states[index]!),
        group.map((index) => tokens[index]!),
      );
      group.forEach((index, row) => {
        next[index] = part.states[row]!;
        logProbs.set(part.logProbs.subarray(row * classes, (row + 1) * classes), index * classes);
        attention?.set(part.attention!.subarray(row * frames, (row + 1) * frames), index * frames);
      });
    }
    return { logProbs, states: next, ...(attention === undefined ? {} : { attention }) };
  }

  release(states: readonly StateRow[]): void {
    this.layout.release(states, this.spare);
  }

  private async run(states: readonly StateRow[], tokens: readonly number[]): Promise<StepResult<StateRow>> {
    const feeds = this.layout.gather(states, this.spare);
    const outputs = await this.decoder.run({
      tokens: new Tensor('int64', BigInt64Array.from(tokens, BigInt), [tokens.length]),
      ...this.memory,
      ...feeds,
    });
    const logProbs = rows(outputs, 'log_probs', tokens.length, this.classes);
    const next = this.layout.next(outputs, feeds, states, this.frames);
    if (!this.decoder.has('attention')) return { logProbs, states: next };
    return { logProbs, states: next, attention: rows(outputs, 'attention', tokens.length, this.frames) };
  }
}

function rows(outputs: Outputs, name: string, count: number, width: number): Float32Array {
  const { data, dims } = floats(outputs, name, 2);
  if (dims[0] !== count || dims[1] !== width) {
    const detail = `The decoder graph gave ${name} as [${dims.join(', ')}], not [${count}, ${width}].`;
    throw new MalgwiError('inference_failed', { detail });
  }
  return data;
}

/** Frames of the encoder's output for one utterance. @throws MalgwiError inference_failed */
export function encodedFrames(outputs: Outputs): number {
  const { dims } = floats(outputs, 'encoder_out', 3);
  const length = Number((outputs['output_lengths']!.data as BigInt64Array)[0]);
  if (dims[0] !== 1 || dims[1] !== length) {
    const detail = `The encoder graph gave encoder_out as [${dims.join(', ')}] and a length of ${length}.`;
    throw new MalgwiError('inference_failed', { detail });
  }
  return length;
}

function ctcHead(outputs: Outputs, frames: number): LogProbs {
  const { data, dims } = floats(outputs, 'log_probs', 3);
  if (dims[1] !== frames) {
    const detail = `The CTC head gave ${String(dims[1])} frames, the encoder ${frames}.`;
    throw new MalgwiError('inference_failed', { detail });
  }
  return { data, frames, classes: dims[2]! };
}
