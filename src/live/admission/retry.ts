/** When a client that was refused should come again, so that not all come at the same moment. */

const SHORTEST_SECONDS = 1;
const LONGEST_SECONDS = 60;
/** How long a session lasts, before any has ended. */
const USUAL_SESSION_SECONDS = 30;
/** Of the sessions that ended last, the share that the newest has in the average. */
const NEWEST = 0.1;
/** Waits are lengthened by up to this share: clients that were sent away together do not come back together. */
export const JITTER = 0.3;
/** And short ones by up to so many seconds: they are told in whole ones. */
export const JITTER_SECONDS = 3;

/** Seconds; whole ones, as Retry-After has them. */
export class RetryTimes {
  #sessionSeconds = USUAL_SESSION_SECONDS;
  /** When the last client that was sent away is to come, in milliseconds of the clock. */
  #last = 0;

  /** @param random as Math.random */
  constructor(private readonly random: () => number = Math.random) {}

  sessionEnded(seconds: number): void {
    this.#sessionSeconds += NEWEST * (seconds - this.#sessionSeconds);
  }

  /** Room comes when one of so many sessions ends: each who is refused gets the place behind the last one. */
  whenOneEnds(sessions: number, now: number): number {
    const interval = this.#sessionSeconds / Math.max(1, sessions);
    // Whoever was told longer than the longest wait is back by then.
    const from = Math.min(Math.max(this.#last, now), now + LONGEST_SECONDS * 1000);
    this.#last = from + interval * 1000;
    return this.after((this.#last - now) / 1000);
  }

  /** @param seconds the earliest moment that makes sense */
  after(seconds: number): number {
    const wait = Math.min(Math.max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS);
    return Math.ceil(wait + Math.max(JITTER * wait, JITTER_SECONDS) * this.random());
  }
}
