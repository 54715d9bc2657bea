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
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly rows: number;
  /** Tokens fed so far: the length of every `prefix` axis. */
  readonly prefix: number;
}

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
      if (count('frames') > (allowFrames ? 1 : 0)) this.refuse(name, "has an axis 'frames' too many");
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
    const tensors = new Map<string, Tensor>();
    for (const state of this.states) {
      const dims = dimensions(state, 1, 0, frames);
      const size = dims.reduce((product, length) => product * length, 1);
      if (size > MAX_ELEMENTS) this.refuse(state.name, 'is too large');
      tensors.set(state.name, new Tensor('float32', new Float32Array(size), dims));
    }
    return { block: { tensors, rows: 1, prefix: 0 }, row: 0 };
  }

  /** The states side by side, as inputs of the graph. All must have taken equally many tokens. */
  gather(rows: readonly StateRow[]): Record<string, Tensor> {
    const [{ block }] = rows as [StateRow];
    const asTheyAre = block.rows === rows.length && rows.every((one, row) => one.block === block && one.row === row);
    const feeds: Record<string, Tensor> = {};
    for (const state of this.states) {
      feeds[state.name] = asTheyAre ? block.tensors.get(state.name)! : gatherRows(state, rows);
    }
    return feeds;
  }

  /**
   * The states after a step over `rows`, in their order.
   * @throws MalgwiError inference_failed when the graph gives them in another shape
   */
  next(outputs: Outputs, rows: readonly StateRow[], frames: number): StateRow[] {
    const prefix = rows[0]!.block.prefix + 1;
    const tensors = new Map<string, Tensor>();
    for (const state of this.states) {
      const tensor = outputs[`next_${state.name}`]!;
      const expected = dimensions(state, rows.length, prefix, frames);
      const equal = tensor.dims.length === expected.length && tensor.dims.every((one, axis) => one === expected[axis]);
      if (tensor.type !== 'float32' || !equal) {
        throw new MalgwiError('inference_failed', {
          detail: `The ${this.role} graph gave next_${state.name} as [${tensor.dims.join(', ')}], not [${expected.join(', ')}].`,
        });
      }
      tensors.set(state.name, tensor);
    }
    const block = { tensors, rows: rows.length, prefix };
    return rows.map((_, row) => ({ block, row }));
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
    return axis === 'frames' ? frames : axis;
  });
}

function gatherRows({ name, shape }: State, rows: readonly StateRow[]): Tensor {
  const first = rows[0]!.block.tensors.get(name)!;
  const axis = shape.indexOf('batch');
  const dims = first.dims.map((length, index) => (index === axis ? rows.length : length));
  const outer = product(dims.slice(0, axis));
  const inner = product(dims.slice(axis + 1));
  const data = new Float32Array(outer * rows.length * inner);
  rows.forEach(({ block, row }, position) => {
    const source = block.tensors.get(name)!.data as Float32Array;
    for (let index = 0; index < outer; index++) {
      const from = (index * block.rows + row) * inner;
      data.set(source.subarray(from, from + inner), (index * rows.length + position) * inner);
    }
  });
  return new Tensor('float32', data, dims);
}

function product(dims: readonly number[]): number {
  return dims.reduce((total, length) => total * length, 1);
}
