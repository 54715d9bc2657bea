import { MalgwiError } from '../../errors.js';

/** Bytes that arrived but are not parsed yet. Bounded: a parser that waits for more than the limit has met damage. */
export class ByteQueue {
  #bytes = new Uint8Array(0);
  #at = 0;
  readonly #limit: number;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get length(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws MalgwiError audio_corrupt beyond the limit */
  push(bytes: Uint8Array): void {
    if (this.length + bytes.length > this.#limit) {
      throw new MalgwiError('audio_corrupt', { detail: 'The container has an element of absurd size.' });
    }
    if (this.length === 0) {
      // Not slice(): a Buffer's shares its memory, and sockets give Buffers.
      this.#bytes = new Uint8Array(bytes);
    } else {
      const joined = new Uint8Array(this.length + bytes.length);
      joined.set(this.#bytes.subarray(this.#at));
      joined.set(bytes, this.length);
      this.#bytes = joined;
    }
    this.#at = 0;
  }

  /** What is held, without taking it. */
  peek(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  /** Takes `count` bytes, which must be held. The result stays valid. */
  take(count: number): Uint8Array {
    const out = this.#bytes.subarray(this.#at, this.#at + count);
    this.#at += count;
    return out;
  }

  skip(count: number): void {
    this.#at += count;
  }
}
