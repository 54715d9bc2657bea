const EMPTY = -1;
const HASH_A = 0x9e3779b1;
const HASH_B = 0x85ebca6b;

/**
 * Pairs of whole numbers (the first not negative) to a whole number and a real one: open addressing over typed arrays.
 * The search asks it thousands of times a frame, which a Map of objects would not bear.
 */
export class PairMap {
  size = 0;
  /** What the last {@link find} found. */
  value = 0;
  real = 0;
  private mask: number;
  private first: Int32Array;
  private second: Int32Array;
  private values: Int32Array;
  private reals: Float64Array;

  constructor(capacity = 256) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(16, capacity * 2)));
    this.mask = slots - 1;
    this.first = new Int32Array(slots).fill(EMPTY);
    this.second = new Int32Array(slots);
    this.values = new Int32Array(slots);
    this.reals = new Float64Array(slots);
  }

  /** Whether the pair is there; `value` and `real` are what it maps to. */
  find(a: number, b: number): boolean {
    const slot = this.slot(a, b);
    if (this.first[slot] === EMPTY) return false;
    this.value = this.values[slot];
    this.real = this.reals[slot];
    return true;
  }

  /** Adds a pair that is not there yet. */
  add(a: number, b: number, value: number, real = 0): void {
    if (this.size * 2 > this.mask) this.grow();
    const slot = this.slot(a, b);
    this.first[slot] = a;
    this.second[slot] = b;
    this.values[slot] = value;
    this.reals[slot] = real;
    this.size++;
  }

  clear(): void {
    this.first.fill(EMPTY);
    this.size = 0;
  }

  private slot(a: number, b: number): number {
    const { first, second, mask } = this;
    let hash = Math.imul(a, HASH_A) ^ Math.imul(b, HASH_B);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    while (first[slot] !== EMPTY && (first[slot] !== a || second[slot] !== b)) slot = (slot + 1) & mask;
    return slot;
  }

  private grow(): void {
    const { first, second, values, reals } = this;
    const slots = first.length * 2;
    this.mask = slots - 1;
    this.first = new Int32Array(slots).fill(EMPTY);
    this.second = new Int32Array(slots);
    this.values = new Int32Array(slots);
    this.reals = new Float64Array(slots);
    for (let old = 0; old < first.length; old++) {
      if (first[old] === EMPTY) continue;
      const slot = this.slot(first[old], second[old]);
      this.first[slot] = first[old];
      this.second[slot] = second[old];
      this.values[slot] = values[old];
      this.reals[slot] = reals[old];
    }
  }
}

/** Gives pairs consecutive numbers, from 0, and remembers which is which. */
export class PairIndex {
  readonly first: number[] = [];
  readonly second: number[] = [];
  private readonly map = new PairMap();

  get size(): number {
    return this.first.length;
  }

  of(a: number, b: number): number {
    if (this.map.find(a, b)) return this.map.value;
    const id = this.first.length;
    this.map.add(a, b, id);
    this.first.push(a);
    this.second.push(b);
    return id;
  }
}
