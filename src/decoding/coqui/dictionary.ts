import { invalid } from '../lm/bytes.js';
import type { ByteReader } from '../lm/contract.js';

/** The arcs that leave a state, by ascending label. */
export interface Arcs {
  readonly labels: Int32Array;
  readonly targets: Int32Array;
}

const MAGIC = 0x7eb2fdd6;
const HAS_SYMBOLS = 3;
const ALIGNED = 4;
const STATE_BYTES = 20;
const ARC_BYTES = 16;
/** Arcs held in memory: 8 MiB of them. */
const MAX_CACHED_ARCS = 1 << 20;

/**
 * A dictionary as OpenFst writes a `ConstFst` over the tropical semiring (Allauzen et al. 2007): a deterministic
 * automaton whose arcs carry a label plus one. It stays in the file; arcs are read when a state is first met.
 */
export class Dictionary {
  readonly start: number;
  readonly states: number;
  readonly arcCount: number;
  private readonly stateTable: number;
  private readonly arcTable: number;
  private readonly cache = new Map<number, Arcs>();
  private cached = 0;

  /**
   * @param offset of the FST in the file
   * @param labels of the alphabet: no state can have more arcs
   * @throws MalgwiError manifest_invalid for what is no such automaton, or does not fit into the file
   */
  constructor(
    private readonly reader: ByteReader,
    offset: number,
    private readonly labels: number,
  ) {
    if (offset + 4 > reader.length || reader.u32(offset) !== MAGIC) invalid('it has no dictionary');
    let at = readName(reader, offset + 4, 'const');
    at = readName(reader, at, 'standard');
    const version = reader.i32(at);
    const flags = reader.i32(at + 4);
    if (version !== 1 && version !== 2) invalid('the version of its dictionary is not known');
    if ((flags & HAS_SYMBOLS) !== 0) invalid('its dictionary brings symbols of its own');
    this.start = reader.u64(at + 16);
    this.states = reader.u64(at + 24);
    this.arcCount = reader.u64(at + 32);
    const align = version === 1 || (flags & ALIGNED) !== 0 ? 16 : 1;
    this.stateTable = Math.ceil((at + 40) / align) * align;
    this.arcTable = Math.ceil((this.stateTable + this.states * STATE_BYTES) / align) * align;
    if (this.arcTable + this.arcCount * ARC_BYTES > reader.length)
      invalid('it ends inside of its dictionary');
    if (this.start >= this.states) invalid('its dictionary is empty');
  }

  /** A word (in bytes mode: a code point) may end here. */
  isFinal(state: number): boolean {
    return this.reader.f32(this.stateTable + state * STATE_BYTES) !== Infinity;
  }

  arcs(state: number): Arcs {
    let arcs = this.cache.get(state);
    if (arcs === undefined) {
      arcs = this.read(state);
      this.cached += arcs.labels.length + 1;
      if (this.cached > MAX_CACHED_ARCS) {
        this.cache.clear();
        this.cached = arcs.labels.length + 1;
      }
      this.cache.set(state, arcs);
    }
    return arcs;
  }

  private read(state: number): Arcs {
    const { reader } = this;
    const at = this.stateTable + state * STATE_BYTES;
    const first = reader.u32(at + 4);
    const count = reader.u32(at + 8);
    if (first + count > this.arcCount) invalid('a state of its dictionary has arcs that are not there');
    if (count > this.labels + 1) invalid('a state of its dictionary has more arcs than there are labels');
    const labels = new Int32Array(count);
    const targets = new Int32Array(count);
    for (let i = 0, arc = this.arcTable + first * ARC_BYTES; i < count; i++, arc += ARC_BYTES) {
      labels[i] = reader.i32(arc);
      targets[i] = reader.i32(arc + 12);
      if (targets[i] < 0 || targets[i] >= this.states)
        invalid('its dictionary leads to a state that is not there');
      if (i > 0 && labels[i] < labels[i - 1]) invalid('the arcs of its dictionary are not sorted');
    }
    return { labels, targets };
  }
}

/** Where the arc with this label leads, or -1. */
export function follow({ labels, targets }: Arcs, label: number): number {
  let first = 0;
  let count = labels.length;
  while (count > 0) {
    const half = count >>> 1;
    if (labels[first + half] < label) {
      first += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return first < labels.length && labels[first] === label ? targets[first] : -1;
}

/** An i32 length and as many characters. Returns the offset behind them. */
function readName(reader: ByteReader, offset: number, expected: string): number {
  const length = reader.i32(offset);
  const name = length === expected.length ? String.fromCharCode(...reader.bytes(offset + 4, length)) : '';
  if (name !== expected) invalid('its dictionary is of another kind');
  return offset + 4 + length;
}
