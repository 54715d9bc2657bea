import { compareRank } from './prefix.js';
import type { Prefix } from './prefix.js';

/**
 * The best of many candidates, by score, then by label, then first come. Of more than twice as many as are wanted the
 * worst are forgotten on the way, and `threshold` tells what cannot be among the best any more.
 */
export class Selection {
  /** A candidate with a lower score is in vain. */
  threshold = -Infinity;
  count = 0;
  readonly scores: Float32Array;
  readonly labels: Uint32Array;
  /** Of the dictionary; for candidates that are new. */
  readonly states: Int32Array;
  readonly parents: (Prefix | undefined)[] = [];
  /** Prefixes that are in the tree already. */
  readonly nodes: (Prefix | undefined)[] = [];
  private readonly arrivals: Int32Array;
  private readonly order: Int32Array;
  private arrived = 0;

  constructor(private readonly limit: number) {
    const capacity = 2 * limit + 64;
    this.scores = new Float32Array(capacity);
    this.labels = new Uint32Array(capacity);
    this.states = new Int32Array(capacity);
    this.arrivals = new Int32Array(capacity);
    this.order = new Int32Array(capacity);
  }

  clear(): void {
    this.threshold = -Infinity;
    this.count = 0;
    this.arrived = 0;
  }

  /** @param score not below `threshold` */
  add(
    score: number,
    label: number,
    parent: Prefix | undefined,
    node: Prefix | undefined,
    state: number,
  ): void {
    if (this.count === this.scores.length) this.shrink();
    const at = this.count++;
    this.scores[at] = score;
    this.labels[at] = label;
    this.states[at] = state;
    this.arrivals[at] = this.arrived++;
    this.parents[at] = parent;
    this.nodes[at] = node;
  }

  /** Leaves the best, at most as many as are wanted, in any order. */
  shrink(): void {
    const { count, limit, order } = this;
    if (count < limit) return;
    for (let i = 0; i < count; i++) order[i] = i;
    this.partition();
    let worst = Infinity;
    for (let i = 0; i < limit; i++) worst = Math.min(worst, this.scores[order[i]]);
    this.threshold = worst;
    const kept = order.subarray(0, limit).sort();
    for (let to = 0; to < limit; to++) this.move(kept[to], to);
    this.count = limit;
  }

  private move(from: number, to: number): void {
    if (from === to) return;
    this.scores[to] = this.scores[from];
    this.labels[to] = this.labels[from];
    this.states[to] = this.states[from];
    this.arrivals[to] = this.arrivals[from];
    this.parents[to] = this.parents[from];
    this.nodes[to] = this.nodes[from];
  }

  /** Hoare's selection with the median of three: the best `limit` come to the front of `order`. */
  private partition(): void {
    const { order, limit } = this;
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const pivot = this.median(low, (low + high) >>> 1, high);
      let i = low;
      let j = high;
      while (i <= j) {
        while (this.before(order[i], pivot)) i++;
        while (this.before(pivot, order[j])) j--;
        if (i <= j) {
          const swap = order[i];
          order[i++] = order[j];
          order[j--] = swap;
        }
      }
      if (limit <= j) high = j;
      else if (limit >= i) low = i;
      else return;
    }
  }

  private median(a: number, b: number, c: number): number {
    const { order } = this;
    const [x, y, z] = [order[a], order[b], order[c]];
    if (this.before(x, y)) return this.before(y, z) ? y : this.before(x, z) ? z : x;
    return this.before(x, z) ? x : this.before(y, z) ? z : y;
  }

  private before(a: number, b: number): boolean {
    const rank = compareRank(this.scores[a], this.labels[a], this.scores[b], this.labels[b]);
    return rank === 0 ? this.arrivals[a] < this.arrivals[b] : rank < 0;
  }
}
