/** Markers that may wait between pieces of audio: a client that alternates one byte and a flush gets no further. */
export const MAX_WAITING_MARKERS = 64;
const FIRST_CAPACITY = 4096;

export type QueueItem =
  | { readonly type: 'audio'; readonly bytes: Uint8Array }
  | { readonly type: 'flush' }
  | { readonly type: 'finish' };

/** Bytes joined as they come: a thousand frames of one byte cost what one frame of a thousand costs. */
class Piece {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #from = 0;
  #to = 0;

  get length(): number {
    return this.#to - this.#from;
  }

  append(bytes: Uint8Array): void {
    if (this.#to + bytes.length > this.#bytes.length) {
      const needed = this.length + bytes.length;
      const target = new Uint8Array(Math.max(FIRST_CAPACITY, needed * 2));
      target.set(this.#bytes.subarray(this.#from, this.#to));
      this.#bytes = target;
      this.#to = this.length;
      this.#from = 0;
    }
    this.#bytes.set(bytes, this.#to);
    this.#to += bytes.length;
  }

  /** A copy: what leaves for another thread is not to be written to again. */
  take(most: number): Uint8Array {
    const end = Math.min(this.#to, this.#from + most);
    const taken = this.#bytes.slice(this.#from, end);
    this.#from = end;
    return taken;
  }
}

/** What waits for the recogniser, in order: audio, and the marks at which it is to be finalised. */
export class AudioQueue {
  readonly #items: (Piece | 'flush' | 'finish')[] = [];
  /** Bytes of audio that wait. */
  bytes = 0;

  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** False when too many marks wait already. */
  mark(kind: 'flush' | 'finish'): boolean {
    // Nothing came since the last flush: a second one would find nothing to finalise.
    if (kind === 'flush' && this.#items.at(-1) === 'flush') return true;
    if (kind === 'flush' && this.#items.length >= MAX_WAITING_MARKERS) return false;
    this.#items.push(kind);
    return true;
  }

  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    let last = this.#items.at(-1);
    if (!(last instanceof Piece)) {
      last = new Piece();
      this.#items.push(last);
    }
    last.append(bytes);
    this.bytes += bytes.length;
  }

  /** The next piece of at most `mostBytes`, or mark. */
  shift(mostBytes: number): QueueItem | undefined {
    const [first] = this.#items;
    if (first === undefined) return undefined;
    if (!(first instanceof Piece)) {
      this.#items.shift();
      return { type: first };
    }
    const bytes = first.take(mostBytes);
    this.bytes -= bytes.length;
    if (first.length === 0) this.#items.shift();
    return { type: 'audio', bytes };
  }

  clear(): void {
    this.#items.length = 0;
    this.bytes = 0;
  }
}
