/**
 * Whose work a thread's time goes into, where several calls are worked on side by side: each moment is divided among those
 * that have begun and not ended. So the shares of all calls add up to the time in which the thread worked.
 */
export class WorkShare {
  private active = 0;
  /** Milliseconds that a call would have got that was there from the start. */
  private each = 0;
  private last = 0;

  /** @param now clock in milliseconds */
  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Runs the work; gives what it gave and its share in milliseconds. */
  async measure<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly ms: number }> {
    this.advance();
    this.active += 1;
    const begun = this.each;
    let value: T;
    try {
      value = await work();
    } finally {
      this.advance();
      this.active -= 1;
    }
    return { value, ms: this.each - begun };
  }

  private advance(): void {
    const now = this.now();
    if (this.active > 0) this.each += (now - this.last) / this.active;
    this.last = now;
  }
}
