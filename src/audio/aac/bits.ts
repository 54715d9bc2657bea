import { SCALE_FACTOR_BOOK, SPECTRAL_BOOKS } from './tables.js';
import type { Codebook } from './tables.js';

/** Damage, or a tool that AAC-LC does not have. */
export class AacError extends Error {}

const PRIMARY_BITS = 10;

/** A canonical Huffman code: a table for codes of up to 10 bits, a search by length for the few that are longer. */
export class HuffmanCode {
  /** symbol << 5 | length, or 0 for a longer code. */
  readonly #primary = new Uint16Array(1 << PRIMARY_BITS);
  readonly #symbols: readonly number[];
  /** By length: first code, and the place of its symbol. */
  readonly #first: number[] = [0];
  readonly #place: number[] = [0];
  readonly #counts: readonly number[];

  constructor(book: Codebook) {
    this.#symbols = book.symbols;
    this.#counts = [0, ...book.counts];
    let code = 0;
    let place = 0;
    for (let length = 1; length < this.#counts.length; length++) {
      code *= 2;
      this.#first.push(code);
      this.#place.push(place);
      for (let i = 0; i < this.#counts[length]; i++, code++, place++) {
        if (length > PRIMARY_BITS) continue;
        const entry = (book.symbols[place] << 5) | length;
        const from = code << (PRIMARY_BITS - length);
        this.#primary.fill(entry, from, from + (1 << (PRIMARY_BITS - length)));
      }
    }
  }

  read(bits: BitReader): number {
    const entry = this.#primary[bits.peek(PRIMARY_BITS)];
    if (entry !== 0) {
      bits.skip(entry & 31);
      return entry >> 5;
    }
    for (let length = PRIMARY_BITS + 1; length < this.#counts.length; length++) {
      const offset = bits.peek(length) - this.#first[length];
      if (offset >= 0 && offset < this.#counts[length]) {
        bits.skip(length);
        return this.#symbols[this.#place[length] + offset];
      }
    }
    throw new AacError('no such code');
  }
}

export const scaleFactorCode = new HuffmanCode(SCALE_FACTOR_BOOK);
export const spectralCodes = SPECTRAL_BOOKS.map((book) => new HuffmanCode(book));

/** Most significant bit first. Reads of up to 24 bits; beyond the end they throw. */
export class BitReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  position = 0;

  constructor(data: Uint8Array) {
    // Padding lets peek run over the end without a check of its own.
    this.#bytes = new Uint8Array(data.length + 8);
    this.#bytes.set(data);
    this.#end = data.length * 8;
  }

  peek(count: number): number {
    const at = this.position >> 3;
    const bytes = this.#bytes;
    const word = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    return (word << (this.position & 7)) >>> (32 - count);
  }

  skip(count: number): void {
    this.position += count;
    if (this.position > this.#end) throw new AacError('frame ends early');
  }

  read(count: number): number {
    const value = this.peek(count);
    this.skip(count);
    return value;
  }

  align(): void {
    this.skip(-this.position & 7);
  }
}
