const EMPTY = -1;
const HASH_A = 0x9e3779b1;
const HASH_B = 0x85ebca6b;
/** Another one in every process, so that no file can be made to fall into few slots. */
const SEED = Math.floor(Math.random() * 2 ** 32) | 0;
/** First and second number of the pair, the whole and the real number it maps to: 16 bytes, one place in memory. */
const STRIDE = 4;

/**
 * Pairs of whole numbers (the first not negative) to a whole number and a real one of single precision: open addressing
 * over one typed array. The search asks it thousands of times a frame, which a Map of objects would not bear.
 */
export class PairMap {
  size = 0;
  /** What the last {@link find} found. */
  value = 0;
  real = 0;
  private mask: number;
  private slots: Int32Array;
  private reals: Float32Array;

  constructor(capacity = 256) {
    const count = 2 ** Math.ceil(Math.log2(Math.max(16, capacity * 2)));
    this.mask = count - 1;
    this.slots = emptySlots(count);
    this.reals = new Float32Array(this.slots.buffer);
  }

  /** Whether the pair is there; `value` and `real` are what it maps to. */
  find(a: number, b: number): boolean {
    const slot = this.slot(a, b);
    if (this.slots[slot] === EMPTY) return false;
    this.value = this.slots[slot + 2];
    this.real = this.reals[slot + 3];
    return true;
  }

  /** Adds a pair that is not there yet. */
  add(a: number, b: number, value: number, real = 0): void {
    if (this.size * 2 > this.mask) this.grow();
    const slot = this.slot(a, b);
    this.slots[slot] = a;
    this.slots[slot + 1] = b;
    this.slots[slot + 2] = value;
    this.reals[slot + 3] = real;
    this.size++;
  }

  clear(): void {
    this.slots.fill(EMPTY);
    this.size = 0;
  }

  private slot(a: number, b: number): number {
    const { slots, mask } = this;
    let hash = Math.imul(a ^ SEED, HASH_A);
    hash = Math.imul(hash ^ (hash >>> 15) ^ b, HASH_B);
    let at = (hash ^ (hash >>> 13)) & mask;
    for (;;) {
      const slot = at * STRIDE;
      const first = slots[slot];
      if (first === EMPTY || (first === a && slots[slot + 1] === b)) return slot;
      at = (at + 1) & mask;
    }
  }

  private grow(): void {
    const { slots } = this;
    const count = (this.mask + 1) * 2;
    this.mask = count - 1;
    this.slots = emptySlots(count);
    this.reals = new Float32Array(this.slots.buffer);
    for (let old = 0; old < slots.length; old += STRIDE) {
      if (slots[old] === EMPTY) continue;
      const slot = this.slot(slots[old], slots[old + 1]);
      this.slots[slot] = slots[old];
      this.slots[slot + 1] = slots[old + 1];
      this.slots[slot + 2] = slots[old + 2];
      // The real number goes along as its bits.
      this.slots[slot + 3] = slots[old + 3];
    }
  }
}

function emptySlots(count: number): Int32Array<ArrayBuffer> {
  return new Int32Array(count * STRIDE).fill(EMPTY);
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
