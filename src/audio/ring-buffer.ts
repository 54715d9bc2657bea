/** Samples of storage at least: about a second. */
const SMALLEST = 1 << 14;
/** Storage shrinks to this part of itself once less than that is held. Further apart than growth, or it would never rest. */
const SPARE = 4;

/**
 * A bounded window onto an endless signal, addressed by absolute sample position: position 0 is the first sample
 * ever pushed. The live pipeline keeps here what the voice activity detector and the utterance cutter may still
 * need. Storage is one circular Float32Array that doubles when it is full and is given back when most of it lies empty:
 * of many streams few are in a long utterance at a time.
 */
export class SampleBuffer {
  #data: Float32Array;
  readonly #capacity: number;
  #start = 0;
  #end = 0;

  /**
   * @param capacitySamples most samples held at once (start to end)
   * @param first position of the first sample that will be pushed
   */
  constructor(capacitySamples: number, first = 0) {
    if (!Number.isSafeInteger(capacitySamples) || capacitySamples <= 0) {
      throw new RangeError('capacitySamples must be a positive integer');
    }
    this.#capacity = capacitySamples;
    this.#data = new Float32Array(Math.min(capacitySamples, SMALLEST));
    this.#start = first;
    this.#end = first;
  }

  /** Absolute position of the oldest sample still held. */
  get start(): number {
    return this.#start;
  }

  /** Absolute position one past the newest sample: the number of samples pushed so far. */
  get end(): number {
    return this.#end;
  }

  get capacity(): number {
    return this.#capacity;
  }

  /** Samples that {@link push} still takes before something is discarded. */
  get free(): number {
    return this.#capacity - (this.#end - this.#start);
  }

  /**
   * Appends a copy of the samples.
   * @throws RangeError when they do not fit; nothing is taken in then.
   */
  push(samples: Float32Array): void {
    if (samples.length > this.free) {
      throw new RangeError(
        `sample buffer is full: ${String(samples.length)} samples, ${String(this.free)} free`,
      );
    }
    const held = this.#end - this.#start + samples.length;
    if (held > this.#data.length) this.#resize(Math.max(held, this.#data.length * 2));
    const at = this.#end % this.#data.length;
    const first = Math.min(samples.length, this.#data.length - at);
    this.#data.set(samples.subarray(0, first), at);
    this.#data.set(samples.subarray(first), 0);
    this.#end += samples.length;
  }

  /**
   * A copy of the samples at absolute positions [from, to).
   * @throws RangeError when any of them is not held (discarded already, or not yet pushed).
   */
  slice(from: number, to: number): Float32Array {
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || from > to) {
      throw new RangeError('slice needs integers from <= to');
    }
    if (from < this.#start || to > this.#end) {
      throw new RangeError(
        `samples ${String(from)}..${String(to)} are not held (${String(this.#start)}..${String(this.#end)} are)`,
      );
    }
    const out = new Float32Array(to - from);
    const at = from % this.#data.length;
    const first = Math.min(out.length, this.#data.length - at);
    out.set(this.#data.subarray(at, at + first), 0);
    out.set(this.#data.subarray(0, out.length - first), first);
    return out;
  }

  /**
   * Gives up everything before an absolute position. A position at or before `start` changes nothing; one beyond
   * `end` is a RangeError (it would skip samples that were never seen).
   */
  discardBefore(position: number): void {
    if (!Number.isSafeInteger(position) || position > this.#end) {
      throw new RangeError(
        `cannot discard up to ${String(position)}: the buffer ends at ${String(this.#end)}`,
      );
    }
    if (position > this.#start) this.#start = position;
    if ((this.#end - this.#start) * SPARE < this.#data.length) this.#resize(this.#data.length / SPARE);
  }

  #resize(wanted: number): void {
    const size = Math.min(this.#capacity, Math.max(SMALLEST, Math.ceil(wanted)));
    if (size === this.#data.length) return;
    const held = this.slice(this.#start, this.#end);
    this.#data = new Float32Array(size);
    const at = this.#start % size;
    const first = Math.min(held.length, size - at);
    this.#data.set(held.subarray(0, first), at);
    this.#data.set(held.subarray(first), 0);
  }
}
