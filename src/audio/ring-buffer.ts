/** Samples of a block: a quarter of a second. */
const BLOCK = 1 << 12;
/** Blocks that are kept for the next who need one: 8 MB. */
const MOST_SPARE = 512;

/** Blocks that nobody uses, of all buffers of the thread. */
const spare: Float32Array[] = [];

/**
 * A bounded window onto an endless signal, addressed by absolute sample position: position 0 is the first sample
 * ever pushed. The live pipeline keeps here what the voice activity detector and the utterance cutter may still
 * need. Storage is a chain of blocks: of many streams few are in a long utterance at a time, and what one of them gives up
 * another one takes, so that hours of utterances leave no garbage.
 */
export class SampleBuffer {
  /** The first one holds position `#base`. */
  readonly #blocks: Float32Array[] = [];
  readonly #capacity: number;
  #base: number;
  #start: number;
  #end: number;

  /**
   * @param capacitySamples most samples held at once (start to end)
   * @param first position of the first sample that will be pushed
   */
  constructor(capacitySamples: number, first = 0) {
    if (!Number.isSafeInteger(capacitySamples) || capacitySamples <= 0) {
      throw new RangeError('capacitySamples must be a positive integer');
    }
    this.#capacity = capacitySamples;
    this.#base = first;
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
    for (let from = 0; from < samples.length;) {
      const at = this.#end - this.#base;
      const offset = at % BLOCK;
      if (at === this.#blocks.length * BLOCK) this.#blocks.push(spare.pop() ?? new Float32Array(BLOCK));
      const part = samples.subarray(from, from + BLOCK - offset);
      this.#blocks[(at - offset) / BLOCK]!.set(part, offset);
      this.#end += part.length;
      from += part.length;
    }
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
    for (let filled = 0; filled < out.length;) {
      const at = from + filled - this.#base;
      const offset = at % BLOCK;
      const block = this.#blocks[(at - offset) / BLOCK]!;
      const part = block.subarray(offset, Math.min(BLOCK, offset + out.length - filled));
      out.set(part, filled);
      filled += part.length;
    }
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
    const whole = Math.floor((this.#start - this.#base) / BLOCK);
    if (whole === 0) return;
    this.#base += whole * BLOCK;
    for (const block of this.#blocks.splice(0, whole)) if (spare.length < MOST_SPARE) spare.push(block);
  }
}
