/** ONNX graphs of a package: opened with what the package format says of their inputs and outputs, run with plain errors. */
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { join } from 'node:path';
import { MalgwiError } from '../../errors.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { Graph, Manifest, ModelPackage } from '../manifest.js';

/** Threads are the worker pool's business: one session, one thread. */
export const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  // Utterances and batches differ in length: a plan of the memory for each shape saves no time, and takes a third more of it.
  enableMemPattern: false,
  logSeverityLevel: 3,
};

export interface InputSpec {
  readonly name: string;
  readonly type: 'float32' | 'int64';
  /** A number is fixed, a name an axis of any length, which a graph must not have frozen; `*` may be either. */
  readonly shape?: readonly (number | string)[];
}

export interface GraphSpec {
  /** For messages: "The encoder graph ...". */
  readonly role: string;
  readonly inputs: readonly InputSpec[];
  /** Outputs that must be there; a graph may have more. */
  readonly outputs: readonly string[];
}

export type Outputs = Readonly<Record<string, Tensor>>;

/** What every encoder takes: normalised features of `batch` utterances, padded to the longest, and their lengths. */
export function encoderInputs(batch: number | string): InputSpec[] {
  return [
    { name: 'features', type: 'float32', shape: [batch, 'frames', '*'] },
    { name: 'lengths', type: 'int64', shape: [batch] },
  ];
}

export class GraphSession {
  private constructor(
    private readonly role: string,
    private readonly session: InferenceSession,
  ) {}

  /**
   * @throws MalgwiError inference_failed when the graph cannot be loaded; manifest_invalid, naming the input or output
   * at fault, when it is not what the manifest and the package format say
   */
  static async open(model: ModelPackage, graph: Graph, spec: GraphSpec): Promise<GraphSession> {
    const path = join(model.directory, graph.file);
    const session = await InferenceSession.create(path, SESSION_OPTIONS).catch((error: unknown) => {
      const detail = `The ${spec.role} graph cannot be loaded.`;
      throw new MalgwiError('inference_failed', { detail, cause: error });
    });
    try {
      check(session, spec);
    } catch (error) {
      await session.release();
      throw error;
    }
    return new GraphSession(spec.role, session);
  }

  has(output: string): boolean {
    return this.session.outputNames.includes(output);
  }

  /**
   * Length of the last axis of an output, as the graph declares it.
   * @throws MalgwiError manifest_invalid when it declares none
   */
  lastAxis(output: string): number {
    const metadata = this.session.outputMetadata.find(({ name }) => name === output);
    const length = metadata?.isTensor === true ? metadata.shape.at(-1) : undefined;
    if (typeof length !== 'number') {
      throw new MalgwiError('manifest_invalid', {
        detail: `The ${this.role} graph does not say how long the last axis of ${output} is.`,
      });
    }
    return length;
  }

  /**
   * @param wanted outputs to give back, all of them unless named; or where to write them, null for memory of their own
   * @throws MalgwiError inference_failed, also where an output is not as large as the memory for it
   */
  async run(
    feeds: Readonly<Record<string, Tensor>>,
    wanted?: readonly string[] | Readonly<Record<string, Tensor | null>>,
  ): Promise<Outputs> {
    try {
      return await (wanted === undefined ? this.session.run(feeds) : this.session.run(feeds, wanted));
    } catch (error) {
      const detail = `The ${this.role} graph could not be run.`;
      throw new MalgwiError('inference_failed', { detail, cause: error });
    }
  }

  async close(): Promise<void> {
    await this.session.release();
  }
}

function check(session: InferenceSession, { role, inputs, outputs }: GraphSpec): void {
  const fail = (what: string): never => {
    throw new MalgwiError('manifest_invalid', { detail: `The ${role} graph ${what}.` });
  };
  for (const { name, type, shape } of inputs) {
    const found = session.inputMetadata.find((one) => one.name === name);
    if (found === undefined) return fail(`has no input named ${name}`);
    if (!found.isTensor || found.type !== type) return fail(`does not take ${name} as ${type}`);
    if (shape === undefined) continue;
    const real = found.shape;
    if (real.length !== shape.length) {
      return fail(`takes ${name} with ${real.length} axes, not ${shape.length}`);
    }
    shape.forEach((length, axis) => {
      const has = real[axis]!;
      if (length === '*' || typeof has === 'string' || has === length) return;
      if (typeof length === 'number') fail(`takes ${name} with an axis of ${has}, not ${length}`);
      fail(`takes ${name} with the axis of ${length} frozen at ${has}`);
    });
  }
  for (const name of session.inputNames) {
    if (!inputs.some((one) => one.name === name)) fail(`needs an input named ${name} that the manifest does not name`);
  }
  for (const name of outputs) {
    if (!session.outputNames.includes(name)) fail(`has no output named ${name}`);
  }
}

/**
 * Whether an utterance is long enough for the model.
 * @throws MalgwiError inference_failed when it is too long
 */
export function longEnough({ encoder }: Manifest, { frames }: FeatureMatrix): boolean {
  if (frames > encoder.maxFrames) {
    const detail = `An utterance of ${frames} frames is beyond the model's ${encoder.maxFrames}.`;
    throw new MalgwiError('inference_failed', { detail });
  }
  return frames >= encoder.minFrames;
}

/** An output as float32 values. @throws MalgwiError inference_failed when it is something else or has other axes */
export function floats(outputs: Outputs, name: string, axes: number): { data: Float32Array; dims: readonly number[] } {
  const tensor = outputs[name];
  if (tensor?.type !== 'float32' || tensor.dims.length !== axes) {
    throw new MalgwiError('inference_failed', { detail: `The output ${name} is not float32 with ${axes} axes.` });
  }
  return { data: tensor.data as Float32Array, dims: tensor.dims };
}
