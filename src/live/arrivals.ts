/** Marks closer together than this share one entry: latencies are not told apart more finely. */
const RESOLUTION_SECONDS = 0.02;
/** Audio older than this is no longer asked for: the longest utterance and the largest backlog fit in. */
const KEPT_SECONDS = 120;

/**
 * Remembers when which second of a stream's audio arrived, so that latency can be told as its user feels it: from
 * the arrival of the sample in question. At most {@link KEPT_SECONDS} / {@link RESOLUTION_SECONDS} entries.
 */
export class ArrivalClock {
  #seconds: number[] = [];
  #times: number[] = [];

  /** @param seconds of audio that had arrived in all @param at milliseconds of the clock */
  mark(seconds: number, at: number): void {
    const last = this.#seconds.length - 1;
    if (last >= 1 && seconds - this.#seconds[last - 1] < RESOLUTION_SECONDS) {
      this.#seconds[last] = seconds;
      this.#times[last] = at;
      return;
    }
    this.#seconds.push(seconds);
    this.#times.push(at);
    const oldest = seconds - KEPT_SECONDS;
    // Half of the entries at a time, so that forgetting costs nothing per mark.
    const half = this.#seconds.length >> 1;
    if (half > 64 && this.#seconds[half] < oldest) {
      this.#seconds = this.#seconds.slice(half);
      this.#times = this.#times.slice(half);
    }
  }

  /** Milliseconds of the clock at which this moment of the audio arrived; the newest mark for moments beyond it. */
  at(seconds: number): number | undefined {
    let low = 0;
    let high = this.#seconds.length - 1;
    if (high < 0) return undefined;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#seconds[middle] >= seconds) high = middle;
      else low = middle + 1;
    }
    return this.#times[low];
  }
}
