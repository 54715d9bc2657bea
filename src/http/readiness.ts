import { MalgwiError } from '../errors.js';
import type { Metrics } from '../metrics/index.js';
import type { Recognizer } from '../recognition/contract.js';

/** How long one answer is good for: a load balancer's probes must not become load. */
const FRESH_MS = 1000;
/** A recogniser that takes longer for its smallest inference is not ready for a larger one. */
const LIMIT_MS = 6000;

/** Readiness by a real inference: one at a time whoever asks, its answer kept for a second. */
export class Readiness {
  #last: { readonly at: number; readonly error: MalgwiError | undefined } | undefined;
  #running: Promise<MalgwiError | undefined> | undefined;

  constructor(
    private readonly recognizer: Recognizer,
    private readonly metrics: Metrics,
  ) {}

  /** @throws MalgwiError not_ready | shutting_down */
  async check(): Promise<void> {
    if (this.#last === undefined || performance.now() - this.#last.at > FRESH_MS) {
      this.#running ??= this.#infer().finally(() => (this.#running = undefined));
      const error = await this.#running;
      if (error !== undefined) throw error;
      return;
    }
    if (this.#last.error !== undefined) throw this.#last.error;
  }

  async #infer(): Promise<MalgwiError | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      const late = new MalgwiError('not_ready', { detail: 'A test inference took too long.', retryAfter: 1 });
      timer = setTimeout(() => reject(late), LIMIT_MS);
    });
    let error: MalgwiError | undefined;
    try {
      await Promise.race([this.recognizer.check(), limit]);
    } catch (cause) {
      error = cause instanceof MalgwiError ? cause : new MalgwiError('not_ready', { cause, retryAfter: 1 });
    } finally {
      clearTimeout(timer);
    }
    this.metrics.readinessChecked(error === undefined);
    this.#last = { at: performance.now(), error };
    return error;
  }
}
