/** Works on jobs, so many at a time. */
import { MalgwiError, toPlainError } from '../../errors.js';
import type { JobHandlers, JobOutcome, QueueWorker, WorkerOptions } from '../contract.js';
import { Alarm } from './alarm.js';
import { Lease } from './lease.js';
import type { Link } from './link.js';
import { NoticeWorker } from './notices.js';
import type { EmbeddedOptions } from './options.js';
import { settled } from './settled.js';
import type { TakenJob } from './worker-operations.js';

/** A handler that was told to stop gets this long before its place is given to the next job. */
const STOP_MS = 2000;

export interface WorkerEvents {
  readonly onChange: (id: string) => void;
  /** Jobs wait that did not before. */
  readonly onQueued: () => void;
}

export class JobWorker implements QueueWorker {
  readonly #leases = new Map<string, Lease>();
  readonly #running = new Set<Promise<unknown>>();
  /** Handlers that go on although nobody waits for them any more. */
  readonly #lingering = new Set<Promise<unknown>>();
  readonly #notices: NoticeWorker;
  readonly #alarm: Alarm;
  readonly #onError: (error: unknown) => void;
  #handingBack = false;
  #draining: Promise<void> | undefined;
  #taking: Promise<void> | undefined;
  #again = false;

  constructor(
    private readonly link: Link,
    private readonly options: EmbeddedOptions,
    private readonly handlers: JobHandlers,
    private readonly wanted: WorkerOptions,
    private readonly events: WorkerEvents,
  ) {
    this.#onError = wanted.onError ?? options.onError;
    this.#alarm = new Alarm(options.now, () => this.wake());
    this.#notices = new NoticeWorker(link, options, handlers, this.#onError);
    this.wake();
  }

  /** Looks for jobs, and for notices. */
  wake(): void {
    this.#notices.wake();
    if (this.#draining !== undefined) return;
    this.#again = true;
    this.#taking ??= this.#take().finally(() => (this.#taking = undefined));
  }

  cancelled(id: string): void {
    this.#leases.get(id)?.end(new MalgwiError('cancelled'));
  }

  drain(graceMs: number): Promise<void> {
    this.#draining ??= this.#drain(graceMs);
    return this.#draining;
  }

  async #drain(graceMs: number): Promise<void> {
    this.#alarm.clear();
    await this.#taking;
    const notices = this.#notices.close(graceMs);
    await settled(this.#running, graceMs);
    this.#handingBack = true;
    for (const lease of this.#leases.values()) lease.end(new MalgwiError('shutting_down'));
    await settled(this.#running, STOP_MS);
    await settled(this.#lingering, STOP_MS);
    await notices;
  }

  async #take(): Promise<void> {
    while (this.#again && this.#draining === undefined) {
      this.#again = false;
      const free = this.wanted.concurrency - this.#running.size;
      if (free <= 0) return;
      try {
        const { taken, nextAt } = await this.link.ask('take', this.options.now(), free);
        for (const job of taken) this.#start(job);
        this.#alarm.set(nextAt);
      } catch (error) {
        this.#onError(error);
        this.#alarm.set(this.options.now() + 1000);
      }
    }
  }

  #start({ job, lease: fence }: TakenJob): void {
    const { sliceMs, now } = this.options;
    const lease = new Lease(job, fence, this.link, { sliceMs, now, onChange: this.events.onChange });
    this.#leases.set(job.id, lease);
    this.events.onChange(job.id);
    const work = this.#work(lease)
      .catch(this.#onError)
      .finally(() => {
        lease.settle();
        if (this.#leases.get(job.id) === lease) this.#leases.delete(job.id);
        this.#running.delete(work);
        this.events.onChange(job.id);
        this.wake();
      });
    this.#running.add(work);
  }

  async #work(lease: Lease): Promise<void> {
    const { id } = lease.job;
    let outcome: JobOutcome;
    try {
      outcome = await this.#handle(lease);
    } catch (error) {
      return this.#failed(lease, error);
    }
    const now = this.options.now();
    if (outcome.type === 'completed') {
      const { resultKey, progress } = outcome;
      await this.#unlessLost(this.link.ask('complete', now, id, lease.fence, resultKey, progress));
    } else {
      await this.#unlessLost(this.link.ask('release', now, id, lease.fence, true));
      this.events.onQueued();
    }
  }

  /** The handler's outcome, unless it was told to stop and did not in time. */
  async #handle(lease: Lease): Promise<JobOutcome> {
    const work = Promise.resolve(lease).then((held) => this.handlers.transcribe(held));
    const lingering = work.then(
      () => undefined,
      () => undefined,
    );
    this.#lingering.add(lingering);
    void lingering.then(() => this.#lingering.delete(lingering));
    let timer: NodeJS.Timeout | undefined;
    const stopped = new Promise<never>((_resolve, reject) => {
      lease.signal.addEventListener('abort', () => {
        const stop = (): void => reject(lease.signal.reason as Error);
        // A process that ends hands its jobs back at once; otherwise the handler may clean up.
        if (this.#handingBack) stop();
        else timer = setTimeout(stop, STOP_MS);
      });
    });
    stopped.catch(() => undefined);
    try {
      return await Promise.race([work, stopped]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #failed(lease: Lease, error: unknown): Promise<void> {
    const { id } = lease.job;
    const now = this.options.now();
    if (lease.signal.aborted) {
      const { code } = lease.signal.reason as MalgwiError;
      if (code === 'shutting_down') {
        await this.#unlessLost(this.link.ask('release', now, id, lease.fence, false));
        this.events.onQueued();
      }
      return;
    }
    if (!(error instanceof MalgwiError)) this.#onError(error);
    const { maxAttempts, retryDelayMs: delayMs } = this.options;
    const again = error instanceof MalgwiError && error.entry.retryable;
    const limits = { again, maxAttempts, delayMs };
    await this.#unlessLost(this.link.ask('fail', now, id, lease.fence, toPlainError(error), limits));
  }

  async #unlessLost(asked: Promise<unknown>): Promise<void> {
    try {
      await asked;
    } catch (error) {
      if (!(error instanceof MalgwiError) || error.code !== 'job_lease_lost') throw error;
    }
  }
}
