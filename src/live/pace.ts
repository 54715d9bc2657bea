/** How much one connection may ask of the event loop, which belongs to all of them. */

/** Messages a second: a thousand times as many as audio in real time needs. */
export const MESSAGES_PER_SECOND = 20_000;
/** Five times eight channels of 32-bit samples at 96 kHz. */
export const BYTES_PER_SECOND = 16 * 2 ** 20;
/** What may come at once is what would come in so many seconds. */
const BURST_SECONDS = 0.25;
/** A rest longer than this would look like an end. */
const LONGEST_REST_SECONDS = 5;

/** A token bucket of messages and one of bytes; a debt is paid before the next message is read. */
export class Pace {
  /** Seconds of allowance. */
  #messages = BURST_SECONDS;
  #bytes = BURST_SECONDS;
  #at: number;

  /** @param now milliseconds of a clock that never steps back */
  constructor(now: number) {
    this.#at = now;
  }

  /** @returns milliseconds until another message may be read; 0 for at once */
  took(bytes: number, now: number): number {
    const passed = (now - this.#at) / 1000;
    this.#at = now;
    this.#messages = Math.min(BURST_SECONDS, this.#messages + passed) - 1 / MESSAGES_PER_SECOND;
    this.#bytes = Math.min(BURST_SECONDS, this.#bytes + passed) - bytes / BYTES_PER_SECOND;
    this.#bytes = Math.max(this.#bytes, -LONGEST_REST_SECONDS);
    return Math.max(0, -1000 * Math.min(this.#messages, this.#bytes));
  }
}
