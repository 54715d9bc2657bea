/** Delivers notices of ended jobs, beside the jobs: a slow receiver holds up none. */
import { MalgwiError, toPlainError } from '../../errors.js';
import type { JobHandlers } from '../contract.js';
import { Alarm } from './alarm.js';
import type { Link } from './link.js';
import type { EmbeddedOptions } from './options.js';
import { settled } from './settled.js';
import type { TakenNotice } from './worker-operations.js';

/** Deliveries at a time: they wait for others most of the time. */
const CONCURRENCY = 8;
const STOP_MS = 1000;

export class NoticeWorker {
  readonly #running = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  readonly #alarm: Alarm;
  #closing = false;
  #taking: Promise<void> | undefined;
  #again = false;

  constructor(
    private readonly link: Link,
    private readonly options: EmbeddedOptions,
    private readonly handlers: JobHandlers,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#alarm = new Alarm(options.now, () => this.wake());
  }

  wake(): void {
    if (this.#closing) return;
    this.#again = true;
    this.#taking ??= this.#take().finally(() => (this.#taking = undefined));
  }

  /** Deliveries under way end within `graceMs`, or are tried again by the next process. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    this.#alarm.clear();
    await this.#taking;
    await settled(this.#running, graceMs);
    this.#stop.abort(new MalgwiError('shutting_down'));
    await settled(this.#running, STOP_MS);
  }

  async #take(): Promise<void> {
    const { now, maxNoticeAttempts } = this.options;
    while (this.#again && !this.#closing) {
      this.#again = false;
      const free = CONCURRENCY - this.#running.size;
      if (free <= 0) return;
      try {
        const { taken, nextAt } = await this.link.ask('takeNotices', now(), free, maxNoticeAttempts);
        for (const notice of taken) this.#start(notice);
        this.#alarm.set(nextAt);
      } catch (error) {
        this.onError(error);
        this.#alarm.set(now() + 1000);
      }
    }
  }

  #start(notice: TakenNotice): void {
    const delivery = this.#deliver(notice)
      .catch(this.onError)
      .finally(() => {
        this.#running.delete(delivery);
        this.wake();
      });
    this.#running.add(delivery);
  }

  async #deliver({ job, messageId, lease }: TakenNotice): Promise<void> {
    const { signal } = this.#stop;
    const attempt = job.notification!.attempts;
    const stopped = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    });
    stopped.catch(() => undefined);
    let outcome: string | undefined;
    let cutOff = false;
    try {
      const notice = { job, url: job.spec.webhook!, messageId, attempt };
      await Promise.race([this.handlers.notify(notice, signal), stopped]);
    } catch (error) {
      cutOff = signal.aborted;
      if (!cutOff) outcome = toPlainError(error).code;
    }
    const { now, maxNoticeAttempts: maxAttempts, noticeDelayMs: delayMs } = this.options;
    await this.link.ask('endNotice', now(), job.id, lease, outcome, { maxAttempts, delayMs, cutOff });
  }
}
