import { invalid } from './bytes.js';
import type { ByteReader } from './contract.js';
import type { KenlmHeader } from './kenlm-header.js';
import { murmurHash64, U64 } from './u64.js';

/** Words are kept as 64-bit hashes; 0 is `<unk>`, and never found. */
export interface Vocabulary {
  /** Words, `<unk>` included. */
  readonly size: number;
  /** First byte after it. */
  readonly end: number;
  /** Id of a word in UTF-8; 0 for one that is not there. */
  index(word: Uint8Array): number;
}

/** A longer chain in a hash table is not KenLM's doing; without a bound a hostile table would be searched for ever. */
const MAX_PROBES = 1 << 16;

/** Open addressing with linear probing over little-endian u64 keys; the key 0 marks an empty bucket. */
export class HashTable {
  readonly buckets: number;
  readonly end: number;

  /** @param stride bytes of an entry, the key coming first */
  constructor(
    private readonly reader: ByteReader,
    private readonly start: number,
    entries: number,
    multiplier: number,
    private readonly stride: number,
  ) {
    this.buckets = Math.max(entries + 1, Math.floor(Math.fround(multiplier * Math.fround(entries))));
    this.end = start + this.buckets * stride;
    if (this.buckets >= 2 ** 37) invalid('a hash table in it is too large');
  }

  /** Offset of the entry's value, or -1. */
  find(key: U64): number {
    const { reader, start, stride, buckets } = this;
    let bucket = key.modulo(buckets);
    for (let probes = 0; probes < MAX_PROBES && probes < buckets; probes++) {
      const at = start + bucket * stride;
      const low = reader.u32(at);
      const high = reader.u32(at + 4);
      if (low === key.low && high === key.high) return at + 8;
      if (low === 0 && high === 0) return -1;
      bucket = bucket + 1 === buckets ? 0 : bucket + 1;
    }
    return invalid('a hash table in it is damaged');
  }
}

/** Of the probing layouts: u32 version, u32 bound, then a table of {u64 hash, u32 id}. */
export class HashedVocabulary implements Vocabulary {
  readonly size: number;
  readonly end: number;
  private readonly table: HashTable;
  private readonly hash = new U64();

  constructor(
    private readonly reader: ByteReader,
    header: KenlmHeader,
  ) {
    const { start, counts, probingMultiplier } = header;
    this.table = new HashTable(reader, start + 8, counts[0], probingMultiplier, 12);
    this.end = this.table.end;
    if (this.end > reader.length) invalid('it ends inside of its vocabulary');
    if (reader.u32(start) !== 0) invalid('the version of its vocabulary is not known');
    this.size = reader.u32(start + 4);
    if (this.size < 1 || this.size > counts[0] + 1)
      invalid('its vocabulary has another size than its header says');
  }

  index(word: Uint8Array): number {
    murmurHash64(word, this.hash);
    const at = this.table.find(this.hash);
    if (at < 0) return 0;
    const id = this.reader.u32(at);
    if (id >= this.size) invalid('a word in it has an id beyond its vocabulary');
    return id;
  }
}

/** Of the trie layouts: u64 n, then n hashes in ascending order; an id is the position plus one. */
export class SortedVocabulary implements Vocabulary {
  readonly size: number;
  readonly end: number;
  private readonly hash = new U64();

  constructor(
    private readonly reader: ByteReader,
    private readonly header: KenlmHeader,
  ) {
    const { start, counts } = header;
    this.end = start + 8 + 8 * counts[0];
    if (this.end > reader.length) invalid('it ends inside of its vocabulary');
    const words = reader.u64(start);
    if (words > counts[0]) invalid('its vocabulary has another size than its header says');
    this.size = words + 1;
  }

  index(word: Uint8Array): number {
    const { hash, reader } = this;
    murmurHash64(word, hash);
    let first = this.header.start + 8;
    let count = this.size - 1;
    while (count > 0) {
      const half = count >>> 1;
      const at = first + 8 * half;
      const high = reader.u32(at + 4);
      const low = high === hash.high ? reader.u32(at) : 0;
      if (high === hash.high && low === hash.low) return (at - this.header.start) / 8;
      if (high < hash.high || (high === hash.high && low < hash.low)) {
        first = at + 8;
        count -= half + 1;
      } else {
        count = half;
      }
    }
    return 0;
  }
}
