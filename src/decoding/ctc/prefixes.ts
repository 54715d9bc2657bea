import { PairMap } from '../pair-map.js';

const ROOT = 0;
/** Of a prefix that was held in a look ahead only. */
export const UNBORN = 0x7fffffff;

/** The tree of all prefixes that an utterance's search has held. Numbers in arrays: a frame adds as many as the beam is wide. */
export class PrefixTree {
  length = 1;
  parent = new Int32Array(1024);
  /** -1 for the root. */
  token = new Int32Array(1024);
  /** State of the fusion after the prefix. */
  state = new Int32Array(1024);
  /** Bytes of a character that is not complete (symbols.ts). */
  pending = new Int32Array(1024);
  /** What the fusion has added so far. */
  bonus = new Float64Array(1024);
  /** Position in the beam, -1 for what is not in it. */
  position = new Int32Array(1024).fill(-1);
  /** Frames until it was first held. */
  born = new Int32Array(1024);
  private readonly children = new PairMap(1024);

  constructor(state: number) {
    this.token[ROOT] = -1;
    this.parent[ROOT] = -1;
    this.state[ROOT] = state;
  }

  /** The prefix one token longer, -1 where it was never held. */
  child(node: number, token: number): number {
    return this.children.find(node, token) ? this.children.value : -1;
  }

  add(node: number, token: number, state: number, pending: number, bonus: number): number {
    if (this.length === this.parent.length) this.grow();
    const id = this.length++;
    this.parent[id] = node;
    this.token[id] = token;
    this.state[id] = state;
    this.pending[id] = pending;
    this.bonus[id] = bonus;
    this.born[id] = UNBORN;
    this.children.add(node, token, id);
    return id;
  }

  ids(node: number): number[] {
    const ids: number[] = [];
    for (let at = node; at !== ROOT; at = this.parent[at]) ids.push(this.token[at]);
    return ids.reverse();
  }

  private grow(): void {
    const size = this.parent.length * 2;
    this.parent = grown(this.parent, new Int32Array(size));
    this.token = grown(this.token, new Int32Array(size));
    this.state = grown(this.state, new Int32Array(size));
    this.pending = grown(this.pending, new Int32Array(size));
    this.bonus = grown(this.bonus, new Float64Array(size));
    this.born = grown(this.born, new Int32Array(size));
    this.position = grown(this.position, new Int32Array(size).fill(-1));
  }
}

function grown<T extends Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
