/** Delivers notices of ended jobs: a queue of its own, so that a slow receiver holds up no job. */
import { DelayedError, UnrecoverableError, WaitingError, Worker, type Job as Dispatch } from 'bullmq';
import type { Redis } from 'ioredis';
import { MalgwiError, toPlainError } from '../../errors.js';
import type { JobHandlers } from '../contract.js';
import type { Connection, ScriptName } from './connection.js';
import { attended, closeWithin, settled, workerOptions, type DispatchData } from './dispatch.js';
import { backOff } from '../policy.js';
import { NOTIFICATIONS, type BullmqOptions } from './options.js';
import { parseDispatchId, toStored } from './records.js';

/** Deliveries at a time: they wait for others most of the time. */
const CONCURRENCY = 8;
const STOP_MS = 1000;

export class NoticeWorker {
  readonly #worker: Worker<DispatchData>;
  readonly #running = new Set<Promise<unknown>>();
  readonly #stop = new AbortController();
  #closing = false;

  constructor(
    private readonly connection: Connection,
    private readonly redis: Redis,
    private readonly options: BullmqOptions,
    private readonly handlers: JobHandlers,
    onError: (error: unknown) => void,
  ) {
    this.#worker = new Worker<DispatchData>(
      NOTIFICATIONS,
      (dispatch) =>
        this.#track(attended(dispatch, options.noticeDelayMs, onError, () => this.#process(dispatch))),
      {
        ...workerOptions(options, redis),
        concurrency: CONCURRENCY,
      },
    );
    this.#worker.on('error', onError);
  }

  /** Deliveries under way end within `graceMs` or are handed back. */
  async close(graceMs: number): Promise<void> {
    this.#closing = true;
    await this.#worker.pause(true);
    await settled(this.#running, graceMs);
    this.#stop.abort(new MalgwiError('shutting_down'));
    await settled(this.#running, STOP_MS);
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

  async #process(dispatch: Dispatch<DispatchData>): Promise<void> {
    const { id, generation } = parseDispatchId(dispatch.id!);
    const token = dispatch.token!;
    if (this.#closing) return this.#handBack(dispatch, token);
    const lease = `${token}#${dispatch.attemptsStarted}`;
    const limit = this.options.maxNoticeAttempts;
    const [begun, reply] = (await this.#run('NOTICE_BEGIN', id, generation, token, lease, limit)) as [
      string,
      unknown,
    ];
    if (begun !== 'begun') return;
    const { job } = toStored(id, reply)!;
    const failure = await this.#deliver(dispatch.id!, job);
    // Cut off by the end of this process: the attempt counts, the next one comes at once.
    if (failure !== undefined && this.#stop.signal.aborted) return this.#handBack(dispatch, token);

    const [answer, attempts] = (await this.#run(
      'NOTICE_END',
      id,
      lease,
      failure ?? '',
      failure === undefined ? '1' : '',
      limit,
    )) as [string, string];
    if (answer === 'failed') throw new UnrecoverableError(failure);
    if (answer !== 'retry') return;
    await dispatch.moveToDelayed(Date.now() + backOff(this.options.noticeDelayMs, Number(attempts)), token);
    throw new DelayedError();
  }

  /** @returns why it did not arrive */
  async #deliver(
    messageId: string,
    job: NonNullable<ReturnType<typeof toStored>>['job'],
  ): Promise<string | undefined> {
    const { signal } = this.#stop;
    const delivery = this.handlers.notify(
      { job, url: job.spec.webhook!, messageId, attempt: job.notification!.attempts },
      signal,
    );
    let stop!: () => void;
    const stopped = new Promise<never>((_resolve, reject) => {
      stop = (): void => reject(signal.reason as Error);
      signal.addEventListener('abort', stop);
    });
    try {
      await Promise.race([delivery, stopped]);
      return undefined;
    } catch (error) {
      return toPlainError(error).code;
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #handBack(dispatch: Dispatch<DispatchData>, token: string): Promise<never> {
    await dispatch.moveToWait(token);
    throw new WaitingError();
  }

  #run(name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.connection.run(this.redis, name, ...args);
  }
}
