/** Node's timers take no more. */
const LONGEST_MS = 2 ** 31 - 1;

/** One moment at which to look again. Does not keep the process alive. */
export class Alarm {
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly now: () => number,
    private readonly ring: () => void,
  ) {}

  /** @param at milliseconds since 1970; undefined: never */
  set(at: number | undefined): void {
    this.clear();
    if (at === undefined) return;
    const ms = Math.min(Math.max(1, at - this.now()), LONGEST_MS);
    this.#timer = setTimeout(this.ring, ms);
    this.#timer.unref();
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
