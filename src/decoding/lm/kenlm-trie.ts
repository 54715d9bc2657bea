import { invalid } from './bytes.js';
import type { ByteReader } from './contract.js';
import { readBits, readFloat, readNonPositiveFloat, requiredBits } from './kenlm-bits.js';
import type { KenlmHeader } from './kenlm-header.js';
import type { Cursor, NgramSearch } from './kenlm-search.js';

const UNIGRAM_BYTES = 16;
/** Wider entries (2^53 n-grams, or a table of more than 2^25 values) are no file that exists. */
const MAX_INDEX_BITS = 53;
const MAX_QUANTISER_BITS = 25;
/** A pointer array of up to so many offsets is held in memory (1 MB); a longer one is read where it lies. */
const MAX_HELD_OFFSETS = 1 << 17;

/** How the weights of an n-gram are packed. */
interface Quantiser {
  readonly probBits: number;
  readonly backoffBits: number;
  /** Of the tables of values, in bytes; for each middle order the probabilities, then the back-offs; then the longest. */
  readonly tables: number;
}

/** One order's entries: [word | weights | first entry of the next order], packed bit by bit, sorted by word. */
interface Level {
  readonly start: number;
  readonly entries: number;
  readonly wordBits: number;
  readonly weightBits: number;
  readonly nextBits: number;
  readonly totalBits: number;
  /** Entries of the next order. */
  readonly maxNext: number;
  /** Offsets where the high bits of `next` grow by one (array tries); 0 of them otherwise. */
  readonly offsets: number;
  readonly offsetCount: number;
  /** The offsets themselves, from the first query on. */
  held?: Float64Array;
  /** Of the quantiser's tables. */
  readonly probTable: number;
  readonly backoffTable: number;
}

/**
 * n-grams as a trie of reversed words in sorted, bit-packed arrays (Heafield 2011, 3.2), optionally with quantised
 * weights (Federico & Bertoldi 2006) and with the high bits of pointers in an array (Raj & Whittaker 2003).
 */
export class TrieSearch implements NgramSearch {
  readonly end: number;
  private readonly unigrams: number;
  private readonly words: number;
  private readonly levels: Level[] = [];
  private readonly quantiser: Quantiser | undefined;

  constructor(
    private readonly reader: ByteReader,
    header: KenlmHeader,
    start: number,
  ) {
    const { counts, order, layout } = header;
    let at = start;
    if (layout === 'quantised-trie' || layout === 'quantised-array-trie') {
      this.quantiser = readQuantiser(reader, start);
      const { probBits, backoffBits } = this.quantiser;
      at += 8 + 4 * ((order - 1) * 2 ** probBits + (order - 2) * 2 ** backoffBits);
    }
    this.unigrams = at;
    this.words = counts[0];
    at += (counts[0] + 2) * UNIGRAM_BYTES;
    if (at > reader.length) invalid('it ends inside of its unigrams');
    const array = (layout === 'array-trie' || layout === 'quantised-array-trie') && order > 2;
    const pointerBits = array ? readPointerBits(reader, at) : undefined;
    for (let n = 2; n <= order; n++) {
      const level = layOut(header, n, at, this.quantiser, pointerBits);
      this.levels.push(level);
      at = level.start + Math.floor(((1 + level.entries) * level.totalBits + 7) / 8) + 8;
    }
    this.end = at;
    if (at > reader.length) invalid('it is shorter than its header says');
  }

  unigram(word: number, cursor: Cursor): void {
    if (word > this.words) invalid('a word in it has an id beyond its vocabulary');
    const at = this.unigrams + word * UNIGRAM_BYTES;
    cursor.prob = this.reader.f32(at);
    cursor.backoff = this.reader.f32(at + 4);
    this.range(this.reader.u64(at + 8), this.reader.u64(at + 8 + UNIGRAM_BYTES), this.levels[0], cursor);
  }

  extend(n: number, word: number, cursor: Cursor): boolean {
    const level = this.levels[n - 2];
    const index = this.find(level, word, cursor);
    if (index < 0) return false;
    const { reader, quantiser } = this;
    const { start } = level;
    const bit = index * level.totalBits + level.wordBits;
    if (quantiser === undefined) {
      cursor.prob = readNonPositiveFloat(reader, start, bit);
      cursor.backoff = readFloat(reader, start, bit + 31);
    } else {
      const { backoffBits, probBits } = quantiser;
      cursor.backoff = reader.f32(level.backoffTable + 4 * readBits(reader, start, bit, backoffBits));
      cursor.prob = reader.f32(level.probTable + 4 * readBits(reader, start, bit + backoffBits, probBits));
    }
    const pointer = bit + level.weightBits;
    let from = readBits(reader, start, pointer, level.nextBits);
    let to = readBits(reader, start, pointer + level.totalBits, level.nextBits);
    if (level.offsetCount > 0) {
      const high = this.highBits(level, index);
      from += high * 2 ** level.nextBits;
      to += this.highBitsBehind(level, index, high) * 2 ** level.nextBits;
    }
    this.range(from, to, this.levels[n - 1], cursor);
    return true;
  }

  longest(word: number, cursor: Cursor): boolean {
    const level = this.levels[this.levels.length - 1];
    const index = this.find(level, word, cursor);
    if (index < 0) return false;
    const bit = index * level.totalBits + level.wordBits;
    cursor.prob =
      this.quantiser === undefined
        ? readNonPositiveFloat(this.reader, level.start, bit)
        : this.reader.f32(
            level.probTable + 4 * readBits(this.reader, level.start, bit, this.quantiser.probBits),
          );
    return true;
  }

  private range(from: number, to: number, below: Level, cursor: Cursor): void {
    if (from > to || to > below.entries) invalid('a pointer in it leads outside of its table');
    cursor.a = from;
    cursor.b = to;
    cursor.leftmost = from === to;
  }

  /** Binary search for the word in the cursor's range; its index, or -1. */
  private find(level: Level, word: number, cursor: Cursor): number {
    let first = cursor.a;
    let count = cursor.b - cursor.a;
    while (count > 0) {
      const half = Math.floor(count / 2);
      const at = first + half;
      const key = readBits(this.reader, level.start, at * level.totalBits, level.wordBits);
      if (key === word) return at;
      if (key < word) {
        first = at + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return -1;
  }

  /** How many of the array's offsets, the first (always 0) left out, are at most `index`. */
  private highBits(level: Level, index: number): number {
    const held = level.held ?? this.hold(level);
    let first = 1;
    let count = level.offsetCount - 1;
    while (count > 0) {
      const half = Math.floor(count / 2);
      const at = first + half;
      const offset = held === undefined ? this.reader.u64(level.offsets + 8 * at) : held[at];
      if (offset <= index) {
        first += half + 1;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return first - 1;
  }

  /** The same for the next index: nearly always as many. */
  private highBitsBehind(level: Level, index: number, high: number): number {
    const { held, offsetCount } = level;
    const same = held !== undefined && (high + 1 >= offsetCount || held[high + 1] > index + 1);
    return same ? high : this.highBits(level, index + 1);
  }

  private hold(level: Level): Float64Array | undefined {
    if (level.offsetCount > MAX_HELD_OFFSETS) return undefined;
    const { offsets, offsetCount: length } = level;
    level.held = Float64Array.from({ length }, (_, n) => this.reader.u64(offsets + 8 * n));
    return level.held;
  }
}

function readQuantiser(reader: ByteReader, start: number): Quantiser {
  const version = reader.u8(start);
  if (version !== 2)
    invalid(`the version of its quantiser, ${String(version)}, is not known: build it again`);
  const probBits = reader.u8(start + 1);
  const backoffBits = reader.u8(start + 2);
  for (const bits of [probBits, backoffBits]) {
    if (bits < 1 || bits > MAX_QUANTISER_BITS) invalid(`its quantiser has ${String(bits)} bits, not 1 to 25`);
  }
  return { probBits, backoffBits, tables: start + 8 };
}

/** The most bits of a pointer that may go into the array. */
function readPointerBits(reader: ByteReader, at: number): number {
  if (reader.u8(at) !== 0) invalid('the version of its pointer array is not known: build it again');
  return reader.u8(at + 1);
}

function layOut(
  header: KenlmHeader,
  n: number,
  at: number,
  quantiser: Quantiser | undefined,
  pointerBits: number | undefined,
): Level {
  const { counts, order } = header;
  const entries = counts[n - 1];
  const wordBits = requiredBits(counts[0]);
  const last = n === order;
  const maxNext = last ? 0 : counts[n];
  const probBits = quantiser?.probBits ?? 31;
  const weightBits = last ? probBits : probBits + (quantiser?.backoffBits ?? 32);
  let nextBits = last ? 0 : requiredBits(maxNext);
  let start = at;
  let offsets = 0;
  let offsetCount = 0;
  if (!last && pointerBits !== undefined) {
    const chopped = chopBits(entries + 1, maxNext, nextBits, pointerBits);
    offsetCount = Math.floor(maxNext / 2 ** (nextBits - chopped)) + 1;
    nextBits -= chopped;
    offsets = Math.ceil(at / 8) * 8 + 8;
    start = at + 8 * (1 + offsetCount) + 7;
  }
  if (nextBits > MAX_INDEX_BITS) invalid('it has too many n-grams');
  let probTable = 0;
  let backoffTable = 0;
  if (quantiser !== undefined) {
    const pair = 4 * (2 ** quantiser.probBits + 2 ** quantiser.backoffBits);
    probTable = quantiser.tables + (n - 2) * pair;
    backoffTable = probTable + 4 * 2 ** quantiser.probBits;
  }
  const totalBits = wordBits + weightBits + nextBits;
  return {
    start,
    entries,
    wordBits,
    weightBits,
    nextBits,
    totalBits,
    maxNext,
    offsets,
    offsetCount,
    probTable,
    backoffTable,
  };
}

/** How many high bits of the pointers KenLM put into the array: so many that the whole is smallest. */
function chopBits(pointers: number, maxNext: number, required: number, limit: number): number {
  let best = 0;
  let lowest = Infinity;
  for (let chop = 0; chop <= Math.min(required, limit); chop++) {
    const change = Math.floor(maxNext / 2 ** (required - chop)) * 64 - pointers * chop;
    if (change < lowest) {
      lowest = change;
      best = chop;
    }
  }
  return best;
}
