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
import { freeNow } from './free.js';
import type { GraphSession, InputSpec } from './session.js';

/** Float32 values of one cache of one stream, at most: 64 MB. */
const MAX_ELEMENTS = 1 << 24;

/**
 * Streams' caches that are kept for the next ones. Utterances begin and end all the time: what lives for seconds is garbage that
 * only a collection of everything finds, long after the memory would have been of use.
 */
const MOST_SPARE = 32;

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
  /**
   * Memory of the graph's caches, inputs and outputs, for as many rows as there ever were. New memory for each run (0.8 MB a row) would
   * lie about until it is collected.
   */
  private readonly inputs = new Scratch();
  private readonly outputs = new Scratch();
  private readonly spare: Map<string, Float32Array>[] = [];
  private last: Promise<unknown> = Promise.resolve();

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

  release(state: CtcStreamState): void {
    if (state === this.start || this.spare.length >= MOST_SPARE) return;
    this.spare.push(state.caches as Map<string, Float32Array>);
  }

  run(chunks: readonly CtcChunk[]): Promise<StepResult[]> {
    // One after the other: they share memory.
    const result = this.last.then(() => this.step(chunks));
    this.last = result.catch(() => undefined);
    return result;
  }

  private async step(chunks: readonly CtcChunk[]): Promise<StepResult[]> {
    const results = chunks.map((): StepResult => ({ logProbs: NOTHING }));
    const { minFrames } = this.manifest.encoder;
    const ready = chunks
      .map((chunk, index) => ({ ...chunk, index }))
      .filter(({ features }) => features.frames >= minFrames);
    if (ready.length === 0) return results;
    const rows = ready.length;
    // Behind the last, shorter window of every row comes nothing.
    const goesOn = ready.some(({ features }) => features.frames >= this.windowFrames);
    const next = goesOn ? this.nextCaches(rows) : {};
    const outputs = await this.encoder.run(
      {
        ...batchOf(ready.map(({ features }) => features)),
        cached: new Tensor('int64', BigInt64Array.from(ready, ({ state }) => BigInt(state.cached)), [rows]),
        advance: new Tensor('int64', BigInt64Array.of(BigInt(this.chunkFrames)), []),
        ...this.gather(ready.map(({ state }) => state)),
      },
      { log_probs: null, output_lengths: null, ...next },
    );
    // What onnxruntime-node gives back is a copy, also of what it was told where to write: 0.8 MB a row.
    for (const name of Object.keys(next)) freeCopy(outputs[name]!, next[name]!);
    const logProbs = logProbsOf(outputs, ready.length);
    ready.forEach(({ index }, row) => (results[index] = { logProbs: logProbs[row]! }));
    ready.forEach(({ index, features, state, givesUpState }, row) => {
      if (features.frames < this.windowFrames) return;
      const cached = Math.min(this.sizes.leftFrames, state.cached + this.chunkFrames);
      // All streams begin with the same zeros.
      const into = givesUpState === true && state !== this.start ? state : undefined;
      results[index] = { logProbs: logProbs[row]!, state: { caches: this.scatter(next, row, into), cached } };
    });
    return results;
  }

  private gather(states: readonly CtcStreamState[]): Record<string, Tensor> {
    const feeds: Record<string, Tensor> = {};
    for (const { name, shape } of this.states) {
      const dims = dimensions(shape, states.length, this.sizes.leftFrames);
      const data = this.inputs.take(name, product(dims));
      const size = data.length / states.length;
      states.forEach(({ caches }, row) => data.set(caches.get(name)!, row * size));
      feeds[name] = new Tensor('float32', data, dims);
    }
    return feeds;
  }

  /** Where the graph writes its caches to. */
  private nextCaches(rows: number): Record<string, Tensor> {
    const fetches: Record<string, Tensor> = {};
    for (const { name, shape } of this.states) {
      const dims = dimensions(shape, rows, this.sizes.leftFrames);
      fetches[`next_${name}`] = new Tensor('float32', this.outputs.take(name, product(dims)), dims);
    }
    return fetches;
  }

  private scatter(
    next: Readonly<Record<string, Tensor>>,
    row: number,
    into: CtcStreamState | undefined,
  ): ReadonlyMap<string, Float32Array> {
    const caches = into?.caches ?? this.spare.pop() ?? new Map<string, Float32Array>();
    const own = caches as Map<string, Float32Array>;
    for (const { name } of this.states) {
      const { data, dims } = next[`next_${name}`]!;
      const size = data.length / dims[0]!;
      const values = (data as Float32Array).subarray(row * size, (row + 1) * size);
      const kept = own.get(name);
      if (kept === undefined) own.set(name, values.slice());
      else kept.set(values);
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

/** Memory by name that grows to what was asked for at most. What was taken before is overwritten. */
class Scratch {
  private readonly memory = new Map<string, Float32Array>();

  take(name: string, length: number): Float32Array {
    let data = this.memory.get(name);
    if (data === undefined || data.length < length) {
      data = new Float32Array(length);
      this.memory.set(name, data);
    }
    return data.subarray(0, length);
  }
}

function freeCopy(copy: Tensor, original: Tensor): void {
  const { buffer } = copy.data as Float32Array;
  if (buffer !== (original.data as Float32Array).buffer) freeNow(buffer);
}

function dimensions(shape: State['shape'], batch: number, left: number): number[] {
  return shape.map((axis) => (typeof axis === 'number' ? axis : axis === 'batch' ? batch : left));
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, length) => total * length, 1);
}
