/**
 * Tensors that a step graph hands on from one token to the next, for many hypotheses at once. A step's result stays in
 * one piece: a state is that piece and a row in it, and rows are only copied together when the next step needs others
 * than those, or in another order.
 */
import { Tensor } from 'onnxruntime-node';
import { MalgwiError } from '../../errors.js';
import type { State } from '../manifest.js';
import type { InputSpec, Outputs } from './session.js';

interface Block {
  /** Empty once the states were released. */
  readonly tensors: Map<string, Held>;
  readonly rows: number;
  /** Tokens fed so far: the length of every `prefix` axis. */
  readonly prefix: number;
}

/** A tensor; or two that are to be joined along the axis `prefix`, what a step was given and what its token added. */
interface Held {
  readonly tensor: Tensor;
  readonly added?: Tensor;
  /** Memory of `tensor` that nothing else refers to. */
  readonly own?: Float32Array;
}

/** Memory of released states, by state: that of a long prefix is too much to be allocated anew for every token. */
export type SpareMemory = Map<string, Float32Array[]>;

/** The state of one hypothesis: a value, never changed. */
export interface StateRow {
  readonly block: Block;
  readonly row: number;
}

/** Float32 values of one state of one hypothesis, at most: 64 MB. */
const MAX_ELEMENTS = 1 << 24;

export class StateLayout {
  /** @throws MalgwiError manifest_invalid of states that cannot be batched or are beyond all reason */
  constructor(
    private readonly role: string,
    private readonly states: readonly State[],
    allowFrames: boolean,
  ) {
    for (const { name, shape } of states) {
      const count = (axis: string): number => shape.filter((one) => one === axis).length;
      const size = shape.reduce<number>((product, one) => (typeof one === 'number' ? product * one : product), 1);
      if (count('batch') !== 1) this.refuse(name, "needs exactly one axis 'batch'");
      if (count('prefix') > 1) this.refuse(name, "has more than one axis 'prefix'");
      if (count('prefix') === 1 && shape.indexOf('prefix') < shape.indexOf('batch')) {
        this.refuse(name, "has its axis 'prefix' before 'batch'");
      }
      if (count('frames') > (allowFrames ? 1 : 0)) this.refuse(name, "has an axis 'frames' too many");
      if (count('left') > 0) this.refuse(name, "has an axis 'left', which only encoders have");
      if (size > MAX_ELEMENTS) this.refuse(name, 'is too large');
    }
  }

  inputs(): InputSpec[] {
    return this.states.map(({ name, shape }) => ({ name, type: 'float32', shape }));
  }

  outputs(): string[] {
    return this.states.map(({ name }) => `next_${name}`);
  }

  /** Zeros, for one hypothesis. */
  initial(frames: number): StateRow {
    const tensors = new Map<string, Held>();
    for (const state of this.states) {
      const dims = dimensions(state, 1, 0, frames);
      const size = dims.reduce((product, length) => product * length, 1);
      if (size > MAX_ELEMENTS) this.refuse(state.name, 'is too large');
      tensors.set(state.name, { tensor: new Tensor('float32', new Float32Array(size), dims) });
    }
    return { block: { tensors, rows: 1, prefix: 0 }, row: 0 };
  }

  /** The states side by side, as inputs of the graph. All must have taken equally many tokens. */
  gather(rows: readonly StateRow[], spare: SpareMemory): Record<string, Tensor> {
    const [{ block }] = rows as [StateRow];
    const inPlace = block.rows === rows.length && rows.every((one, row) => one.block === block && one.row === row);
    const feeds: Record<string, Tensor> = {};
    for (const state of this.states) {
      const { tensor, added } = heldBy(block, state.name);
      feeds[state.name] = inPlace && added === undefined ? tensor : gatherRows(state, rows, spare);
    }
    return feeds;
  }

  /**
   * The states after a step over `rows`, in their order.
   * @param feeds what {@link gather} gave for the step
   * @throws MalgwiError inference_failed when the graph gives them in another shape
   */
  next(outputs: Outputs, feeds: Readonly<Record<string, Tensor>>, rows: readonly StateRow[], frames: number): StateRow[] {
    const prefix = rows[0]!.block.prefix + 1;
    const tensors = new Map<string, Held>();
    for (const state of this.states) {
      const tensor = outputs[`next_${state.name}`]!;
      const whole = dimensions(state, rows.length, prefix, frames);
      const grown = dimensions(state, rows.length, 1, frames);
      if (tensor.type === 'float32' && equal(tensor.dims, whole)) {
        tensors.set(state.name, { tensor });
      } else if (tensor.type === 'float32' && equal(tensor.dims, grown)) {
        const fed = feeds[state.name]!;
        const own = fed === rows[0]!.block.tensors.get(state.name)!.tensor ? {} : { own: fed.data as Float32Array };
        tensors.set(state.name, { tensor: fed, added: tensor, ...own });
      } else {
        const detail = `The ${this.role} graph gave next_${state.name} as [${tensor.dims.join(', ')}], not [${whole.join(', ')}].`;
        throw new MalgwiError('inference_failed', { detail });
      }
    }
    const block = { tensors, rows: rows.length, prefix };
    return rows.map((_, row) => ({ block, row }));
  }

  /** The states are not used any more, nor others of the same step: their memory serves those to come. */
  release(rows: readonly StateRow[], spare: SpareMemory): void {
    for (const { block } of rows) {
      for (const [name, { own }] of block.tensors) {
        if (own !== undefined) spare.set(name, [...(spare.get(name) ?? []), own]);
      }
      block.tensors.clear();
    }
  }

  private refuse(state: string, why: string): never {
    throw new MalgwiError('manifest_invalid', { detail: `The state ${state} of the ${this.role} graph ${why}.` });
  }
}

/** Positions of equal prefix length: only those can share a step. Order within a group is kept. */
export function byPrefix(rows: readonly StateRow[]): number[][] {
  const groups = new Map<number, number[]>();
  rows.forEach(({ block }, index) => {
    const group = groups.get(block.prefix);
    if (group === undefined) groups.set(block.prefix, [index]);
    else group.push(index);
  });
  return [...groups.values()];
}

function dimensions({ shape }: State, batch: number, prefix: number, frames: number): number[] {
  return shape.map((axis) => {
    if (axis === 'batch') return batch;
    if (axis === 'prefix') return prefix;
    return typeof axis === 'number' ? axis : frames;
  });
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, axis) => length === b[axis]);
}

function heldBy(block: Block, name: string): Held {
  const held = block.tensors.get(name);
  if (held === undefined) throw new Error(`the state ${name} was released`);
  return held;
}

/** Copies each row together, and what its last token added behind what was there before. */
function gatherRows({ name, shape }: State, rows: readonly StateRow[], spare: SpareMemory): Tensor {
  const batch = shape.indexOf('batch');
  const prefix = shape.indexOf('prefix');
  const [{ block: first }] = rows as [StateRow];
  const dims = heldBy(first, name).tensor.dims.map((length, axis) => {
    if (axis === batch) return rows.length;
    return axis === prefix ? first.prefix : length;
  });
  const outer = product(dims.slice(0, batch));
  // Of one row: `runs` pieces that are contiguous, each of `prefix` times `inner` values where there is such an axis.
  const runs = prefix === -1 ? 1 : product(dims.slice(batch + 1, prefix));
  const inner = product(dims.slice(Math.max(batch, prefix) + 1));
  const length = prefix === -1 ? inner : first.prefix * inner;
  const data = prefix === -1 ? new Float32Array(product(dims)) : spareMemory(spare, name, product(dims));
  rows.forEach(({ block, row }, position) => {
    const { tensor, added } = heldBy(block, name);
    const source = tensor.data as Float32Array;
    const more = added?.data as Float32Array | undefined;
    const old = more === undefined ? length : length - inner;
    for (let index = 0; index < outer; index++) {
      for (let run = 0; run < runs; run++) {
        const from = (index * block.rows + row) * runs + run;
        const to = ((index * rows.length + position) * runs + run) * length;
        data.set(source.subarray(from * old, (from + 1) * old), to);
        if (more !== undefined) data.set(more.subarray(from * inner, (from + 1) * inner), to + old);
      }
    }
  });
  return new Tensor('float32', data, dims);
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, length) => total * length, 1);
}

/** Memory for `length` values, with room to be used again for longer prefixes. */
function spareMemory(spare: SpareMemory, name: string, length: number): Float32Array {
  const known = spare.get(name)?.pop();
  const buffer = known !== undefined && known.buffer.byteLength >= 4 * length ? known.buffer : new ArrayBuffer(4 * Math.ceil(1.5 * length));
  return new Float32Array(buffer, 0, length);
}
