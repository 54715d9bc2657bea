import { MalgwiError } from '../errors.js';

/** Work on something that changes, one call after the other, until it is given up. */
export class InTurn<T> {
  private last: Promise<unknown> = Promise.resolve();
  private failure: unknown;

  /** @param subject what is worked on; undefined once it has ended */
  constructor(private subject: T | undefined) {}

  /**
   * A stream of which one call failed has lost audio: every later call fails as it did.
   * @throws MalgwiError invalid_request after {@link end}
   */
  run<R>(work: (subject: T) => Promise<R>): Promise<R> {
    const result = this.last.then(async () => {
      if (this.failure !== undefined) throw this.failure;
      if (this.subject === undefined) {
        throw new MalgwiError('invalid_request', { detail: 'The stream has ended.' });
      }
      try {
        return await work(this.subject);
      } catch (error) {
        this.failure = error;
        throw error;
      }
    });
    this.last = result.catch(() => undefined);
    return result;
  }

  /**
   * Ends after the calls that were made before.
   * @param lastly what is to be done when no call is at work any more
   */
  endAfterwards(lastly?: () => void): void {
    this.last = this.last.then(() => {
      this.end();
      lastly?.();
    });
  }

  /** Calls that wait fail; one that is at work goes on. */
  end(): void {
    this.subject = undefined;
  }
}
