import { MalgwiError } from '../errors.js';

/** Lets `active` at a time through; up to `waiting` more wait in order; beyond that queue_full. */
export class AdmissionGate {
  private running = 0;
  private readonly waiters: (() => void)[] = [];

  constructor(
    private readonly active: number,
    /** How many may wait. */
    readonly limit: number,
  ) {}

  get queued(): number {
    return this.waiters.length;
  }

  /**
   * @returns the function that gives the place back
   * @throws MalgwiError queue_full | cancelled
   */
  async enter(signal?: AbortSignal): Promise<() => void> {
    if (signal?.aborted) throw new MalgwiError('cancelled');
    if (this.running >= this.active) {
      if (this.waiters.length >= this.limit) throw new MalgwiError('queue_full', { retryAfter: 2 });
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          this.waiters.splice(this.waiters.indexOf(admit), 1);
          reject(new MalgwiError('cancelled'));
        };
        const admit = (): void => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        this.waiters.push(admit);
      });
    } else {
      this.running += 1;
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      // The place goes straight to the next in line, so nobody who comes later can take it.
      const next = this.waiters.shift();
      if (next === undefined) this.running -= 1;
      else next();
    };
  }
}
