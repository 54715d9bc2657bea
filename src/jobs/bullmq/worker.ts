/** Works on jobs: BullMQ hands them out, keeps their locks and brings back those whose worker died; the record decides. */
import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job as Dispatch } from 'bullmq';
import type { Redis } from 'ioredis';
import { MalgwiError, toPlainError } from '../../errors.js';
import type { JobHandlers, JobOutcome, QueueWorker, WorkerOptions } from '../contract.js';
import type { Connection, ScriptName } from './connection.js';
import { attended, closeWithin, isOutage, settled, workerOptions, type DispatchData } from './dispatch.js';
import type { Hub } from './hub.js';
import type { Outbox } from './outbox.js';
import { Lease } from './lease.js';
import { NoticeWorker } from './notices.js';
import { backOff, MAX_CRASHES } from '../policy.js';
import { JOBS, type BullmqOptions } from './options.js';
import { parseDispatchId, toStored } from './records.js';

/** A handler that was told to stop gets this long before the process goes on without it. */
const STOP_MS = 2000;

export class JobWorker implements QueueWorker {
  readonly #worker: Worker<DispatchData>;
  readonly #notices: NoticeWorker;
  readonly #leases = new Map<string, Lease>();
  /** What is under way, to its end in BullMQ. */
  readonly #running = new Set<Promise<unknown>>();
  readonly #handingBack = new AbortController();
  readonly #unwatch: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #onError: (error: unknown) => void;
  #draining: Promise<void> | undefined;
  #renewing = false;

  constructor(
    private readonly connection: Connection,
    private readonly redis: Redis,
    hub: Hub,
    private readonly outbox: Pick<Outbox, 'announce'>,
    private readonly options: BullmqOptions,
    private readonly handlers: JobHandlers,
    { concurrency, onError }: WorkerOptions,
  ) {
    this.#onError = (error) => {
      if (!isOutage(error)) (onError ?? options.onError)(error);
    };
    this.#worker = new Worker<DispatchData>(JOBS, (dispatch) => this.#track(this.#attend(dispatch)), {
      ...workerOptions(options, redis),
      concurrency,
    });
    this.#worker.on('error', this.#onError);
    this.#worker.on('stalled', (dispatchId) => void this.#stalled(dispatchId));
    this.#worker.on('lockRenewalFailed', () => void this.#renew());
    this.#notices = new NoticeWorker(connection, redis, options, handlers, this.#onError);
    this.#unwatch = hub.watch({
      onCancelled: (id) => this.#leases.get(id)?.end(new MalgwiError('cancelled')),
      onReturn: () => void this.#renew(),
    });
    this.#timer = setInterval(() => void this.#renew(), Math.max(1000, options.leaseMs / 3));
  }

  drain(graceMs: number): Promise<void> {
    this.#draining ??= this.#drain(graceMs);
    return this.#draining;
  }

  async #drain(graceMs: number): Promise<void> {
    clearInterval(this.#timer);
    await this.#worker.pause(true);
    const notices = this.#notices.close(graceMs);
    await settled(this.#running, graceMs);
    this.#handingBack.abort(new MalgwiError('shutting_down'));
    for (const lease of this.#leases.values()) lease.end(new MalgwiError('shutting_down'));
    await settled(this.#running, STOP_MS);
    await notices;
    this.#unwatch();
    await closeWithin(this.#worker, STOP_MS);
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  #attend(dispatch: Dispatch<DispatchData>): Promise<void> {
    return attended(dispatch, this.options.retryDelayMs, this.#onError, () => this.#process(dispatch));
  }

  async #process(dispatch: Dispatch<DispatchData>): Promise<void> {
    const { id, generation } = parseDispatchId(dispatch.id!);
    const token = dispatch.token!;
    // BullMQ fetched it while the worker was told to stop.
    if (this.#draining !== undefined) return this.#handBack(dispatch, token);
    const fence = `${token}#${dispatch.attemptsStarted}`;
    const [answer, reply] = (await this.#run('BEGIN', id, generation, token, fence, MAX_CRASHES)) as [
      string,
      unknown,
    ];
    if (answer !== 'begun') return;
    const lease = new Lease(
      toStored(id, reply)!.job,
      generation,
      token,
      fence,
      this.options.sliceMs,
      (name, ...args) => this.#run(name, ...args),
    );
    this.#leases.set(id, lease);
    try {
      await this.#work(dispatch, lease);
    } finally {
      lease.settle();
      if (this.#leases.get(id) === lease) this.#leases.delete(id);
    }
  }

  /** Ends in one of BullMQ's ways: return (done), DelayedError and WaitingError (moved already), UnrecoverableError (failed). */
  async #work(dispatch: Dispatch<DispatchData>, lease: Lease): Promise<void> {
    let outcome: JobOutcome;
    try {
      outcome = await this.#handle(lease);
    } catch (error) {
      return this.#failed(dispatch, lease, error);
    }
    const { id } = lease.job;
    if (outcome.type === 'completed') {
      const { resultKey, progress } = outcome;
      const answer = await this.#answer('COMPLETE', id, lease.fence, resultKey, JSON.stringify(progress));
      if (answer === 'done') this.#announce(lease);
      return;
    }
    if ((await this.#answer('RELEASE', id, lease.fence)) === 'lost') return;
    // Behind those that wait: what was delayed goes to the end of its line.
    await dispatch.moveToDelayed(Date.now(), lease.token);
    throw new DelayedError();
  }

  /** The handler's outcome, unless it was told to stop and did not in time. */
  async #handle(lease: Lease): Promise<JobOutcome> {
    const work = this.handlers.transcribe(lease);
    work.catch(() => undefined);
    const stopped = new Promise<never>((_resolve, reject) => {
      lease.signal.addEventListener('abort', () => {
        const stop = (): void => reject(lease.signal.reason as Error);
        // A worker that ends hands its jobs back at once; otherwise the handler may clean up.
        if (this.#handingBack.signal.aborted) stop();
        else setTimeout(stop, STOP_MS).unref();
      });
    });
    return Promise.race([work, stopped]);
  }

  async #failed(dispatch: Dispatch<DispatchData>, lease: Lease, error: unknown): Promise<void> {
    const { id } = lease.job;
    if (lease.signal.aborted) {
      const { code } = lease.signal.reason as MalgwiError;
      if (code !== 'shutting_down') return;
      if ((await this.#answer('RELEASE', id, lease.fence)) === 'lost') return;
      return this.#handBack(dispatch, lease.token);
    }
    if (!(error instanceof MalgwiError)) this.#onError(error);
    const plain = toPlainError(error);
    const again = error instanceof MalgwiError && error.entry.retryable ? '1' : '';
    const [answer, failures] = (await this.#run(
      'FAIL',
      id,
      lease.fence,
      JSON.stringify(plain),
      again,
      this.options.maxAttempts,
    )) as [string, string];
    if (answer === 'lost') return;
    if (answer === 'failed') {
      this.#announce(lease);
      throw new UnrecoverableError(`${plain.code}: ${plain.message}`);
    }
    await dispatch.moveToDelayed(
      Date.now() + backOff(this.options.retryDelayMs, Number(failures)),
      lease.token,
    );
    throw new DelayedError();
  }

  /** Has the notice sent; the sweep does where this fails. */
  #announce({ job, generation }: Lease): void {
    if (job.spec.webhook === undefined) return;
    this.outbox.announce({ job, generation }).catch(() => undefined);
  }

  /** To the front of its line. */
  async #handBack(dispatch: Dispatch<DispatchData>, token: string): Promise<never> {
    await dispatch.moveToWait(token);
    throw new WaitingError();
  }

  async #stalled(dispatchId: string): Promise<void> {
    const { id, generation } = parseDispatchId(dispatchId);
    await this.#run('STALLED', id, generation, MAX_CRASHES).catch(this.#onError);
  }

  /** Ends the leases that are lost, and takes those locks anew that ran out while Redis was away. */
  async #renew(): Promise<void> {
    // While Redis is away one round waits for it; a second one would only wait behind it.
    if (this.#renewing) return;
    this.#renewing = true;
    for (const lease of [...this.#leases.values()]) {
      const args = [lease.job.id, lease.generation, lease.token, lease.fence, this.options.leaseMs] as const;
      const answer = await this.#answer('RENEW', ...args).catch((error: unknown) => this.#onError(error));
      if (answer === 'lost' && !lease.over) lease.end(new MalgwiError('job_lease_lost'));
    }
    this.#renewing = false;
  }

  #run(name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.connection.run(this.redis, name, ...args);
  }

  async #answer(name: ScriptName, ...args: readonly (string | number)[]): Promise<string> {
    const [answer] = (await this.#run(name, ...args)) as [string];
    return answer;
  }
}
