/**
 * A CTC encoder with caches (Zhang et al. 2020): one graph for whole utterances and for live streams. A whole utterance
 * is one chunk with nothing before it, so its caches have no frames.
 */
import { Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../../errors.js';
import type { LogProbs } from '../../decoding/contract.js';
import type { CtcChunk, CtcStreaming, CtcStreamState } from '../contract.js';
import type { Manifest, State, StreamingSizes } from '../manifest.js';
import { batchOf, logProbsOf } from './ctc-batch.js';
import type { GraphSession, InputSpec } from './session.js';

/** Float32 values of one cache of one stream, at most: 64 MB. */
const MAX_ELEMENTS = 1 << 24;

const NOTHING: LogProbs = { data: new Float32Array(0), frames: 0, classes: 0 };

type StepResult = Awaited<ReturnType<CtcStreaming['run']>>[number];

/** Inputs of the encoder besides features and lengths. */
export function cacheInputs(states: readonly State[]): InputSpec[] {
  return [
    { name: 'cached', type: 'int64', shape: ['batch'] },
    { name: 'advance', type: 'int64', shape: [] },
    ...states.map(({ name, shape }): InputSpec => ({ name, type: 'float32', shape })),
  ];
}

/** What the graph takes besides whole utterances: caches of no frames. */
export function withoutCaches(states: readonly State[], batch: number): Record<string, Tensor> {
  const feeds: Record<string, Tensor> = {
    cached: new Tensor('int64', new BigInt64Array(batch), [batch]),
    advance: new Tensor('int64', new BigInt64Array(1), []),
  };
  for (const { shape, name } of states) {
    const dims = dimensions(shape, batch, 0);
    feeds[name] = new Tensor('float32', new Float32Array(product(dims)), dims);
  }
  return feeds;
}

export class OnnxCtcStreaming implements CtcStreaming {
  readonly chunkFrames: number;
  readonly windowFrames: number;
  readonly hopFrames: number;
  private readonly states: readonly State[];
  private readonly start: CtcStreamState;

  /** @throws MalgwiError manifest_invalid of caches that cannot be batched or are beyond all reason */
  constructor(
    private readonly manifest: Manifest,
    private readonly sizes: StreamingSizes,
    private readonly encoder: GraphSession,
  ) {
    const { subsampling } = manifest.encoder;
    this.states = manifest.graphs.encoder.states ?? [];
    this.chunkFrames = sizes.chunkFrames;
    this.hopFrames = sizes.chunkFrames * subsampling;
    this.windowFrames = this.hopFrames + sizes.lookaheadFrames * subsampling + sizes.overlapFrames;
    // Nobody writes to a state, so all streams can begin with the same zeros.
    this.start = {
      cached: 0,
      caches: new Map(this.states.map((state) => [state.name, new Float32Array(this.sizeOf(state))])),
    };
  }

  initial(): CtcStreamState {
    return this.start;
  }

  async run(chunks: readonly CtcChunk[]): Promise<StepResult[]> {
    const results = chunks.map((): StepResult => ({ logProbs: NOTHING }));
    const { minFrames } = this.manifest.encoder;
    const ready = chunks
      .map((chunk, index) => ({ ...chunk, index }))
      .filter(({ features }) => features.frames >= minFrames);
    if (ready.length === 0) return results;
    const outputs = await this.encoder.run({
      ...batchOf(ready.map(({ features }) => features)),
      cached: new Tensor('int64', BigInt64Array.from(ready, ({ state }) => BigInt(state.cached)), [ready.length]),
      advance: new Tensor('int64', BigInt64Array.of(BigInt(this.chunkFrames)), []),
      ...this.gather(ready.map(({ state }) => state)),
    });
    const logProbs = logProbsOf(outputs, ready.length);
    ready.forEach(({ index }, row) => (results[index] = { logProbs: logProbs[row]! }));
    if (ready.every(({ features }) => features.frames < this.windowFrames)) return results;
    const caches = this.scatter(outputs, ready.length);
    ready.forEach(({ index, features, state }, row) => {
      if (features.frames < this.windowFrames) return;
      const cached = Math.min(this.sizes.leftFrames, state.cached + this.chunkFrames);
      results[index] = { logProbs: logProbs[row]!, state: { caches: caches[row]!, cached } };
    });
    return results;
  }

  private gather(states: readonly CtcStreamState[]): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const state of this.states) {
      const dims = dimensions(state.shape, states.length, this.sizes.leftFrames);
      const [first] = states as [CtcStreamState];
      let data = first.caches.get(state.name)!;
      if (states.length > 1) {
        const size = data.length;
        data = new Float32Array(states.length * size);
        states.forEach(({ caches }, row) => data.set(caches.get(state.name)!, row * size));
      }
      feeds[state.name] = new Tensor('float32', data, dims);
    }
    return feeds;
  }

  private scatter(outputs: Readonly<Record<string, Tensor>>, rows: number): Map<string, Float32Array>[] {
    const caches = Array.from({ length: rows }, () => new Map<string, Float32Array>());
    for (const { name, shape } of this.states) {
      const tensor = outputs[`next_${name}`]!;
      const dims = dimensions(shape, rows, this.sizes.leftFrames);
      if (tensor.type !== 'float32' || tensor.dims.length !== dims.length || tensor.dims.some((n, axis) => n !== dims[axis])) {
        const detail = `The encoder graph gave next_${name} as [${tensor.dims.join(', ')}], not [${dims.join(', ')}].`;
        throw new MalgwiError('inference_failed', { detail });
      }
      const data = tensor.data as Float32Array;
      const size = data.length / rows;
      // A copy of a row, or one stream would keep the caches of all others alive.
      caches.forEach((row, at) => row.set(name, rows === 1 ? data : data.slice(at * size, (at + 1) * size)));
    }
    return caches;
  }

  private sizeOf({ name, shape }: State): number {
    const refuse = (why: string): never => {
      throw new MalgwiError('manifest_invalid', { detail: `The state ${name} of the encoder graph ${why}.` });
    };
    if (shape.indexOf('batch') !== 0 || shape.lastIndexOf('batch') !== 0) refuse("needs 'batch' as its first axis, and nowhere else");
    if (shape.includes('frames') || shape.includes('prefix')) refuse("may have the axes 'batch' and 'left' only");
    const size = product(dimensions(shape, 1, this.sizes.leftFrames));
    if (size > MAX_ELEMENTS) refuse('is too large');
    return size;
  }
}

function dimensions(shape: State['shape'], batch: number, left: number): number[] {
  return shape.map((axis) => (typeof axis === 'number' ? axis : axis === 'batch' ? batch : left));
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, length) => total * length, 1);
}
