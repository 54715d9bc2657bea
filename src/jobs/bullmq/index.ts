/**
 * Jobs on Redis: any number of services and workers, on any number of machines, share one queue. BullMQ dispatches (order,
 * priorities, locks, pauses before retries, jobs of workers that died); a record beside it holds the truth about each job.
 */
import { createHash } from 'node:crypto';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { MalgwiError } from '../../errors.js';
import {
  JOB_STATES,
  type Job,
  type JobEvent,
  type JobHandlers,
  type JobPage,
  type JobQuery,
  type JobQueue,
  type JobState,
  type NewJob,
  type QueueStats,
  type QueueWorker,
  type Waiting,
  type WorkerOptions,
} from '../contract.js';
import { cursorOf, seqOf } from '../cursor.js';
import { Connection, unavailable, type ScriptName } from './connection.js';
import { within } from './dispatch.js';
import { followEvents } from './events.js';
import { Hub } from './hub.js';
import { DEFAULTS, type BullmqOptions } from './options.js';
import { Outbox } from './outbox.js';
import { PRIORITY, toStored, toStoredList, type StoredJob } from './records.js';
import { JobWorker } from './worker.js';

export type { BullmqOptions };

/**
 * @throws MalgwiError job_queue_unavailable: Redis cannot be reached within `startTimeoutMs`
 * @throws MalgwiError config_invalid: this Redis would lose jobs, or is too old
 */
export async function openBullmqQueue(
  options: Partial<BullmqOptions> & Pick<BullmqOptions, 'url'>,
): Promise<BullmqQueue> {
  const all: BullmqOptions = { ...DEFAULTS, ...options };
  const connection = new Connection(all);
  const redis = connection.prompt();
  try {
    await connection.ready(redis, all.startTimeoutMs);
    await connection.checkServer(redis);
    const hub = new Hub(connection.patient(), connection.prefix);
    await hub.start();
    return new BullmqQueue(all, connection, redis, hub);
  } catch (error) {
    connection.close();
    throw unavailable(error);
  }
}

export class BullmqQueue implements JobQueue {
  readonly adapter = 'bullmq';
  readonly #outbox: Outbox;
  readonly #workers = new Set<QueueWorker>();
  readonly #telling = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    private readonly options: BullmqOptions,
    private readonly connection: Connection,
    private readonly redis: Redis,
    private readonly hub: Hub,
  ) {
    this.#outbox = new Outbox(connection, redis, options);
  }

  /** BullMQ's own queues, to look at. */
  get boards(): readonly Queue[] {
    return [this.#outbox.jobs, this.#outbox.notifications];
  }

  async submit({
    id,
    spec,
    idempotencyKey,
    fingerprint,
    maxQueuedOfOwner,
  }: NewJob): Promise<{ job: Job; created: boolean }> {
    const [answer, reply, other] = (await this.#ask(
      'CREATE',
      id,
      spec.owner,
      JSON.stringify(spec),
      spec.webhook === undefined ? '' : '1',
      idempotencyKey === undefined ? '' : hashed(spec.owner, idempotencyKey),
      fingerprint ?? '',
      this.options.maxQueued,
      maxQueuedOfOwner ?? '',
    )) as [string, unknown, string | undefined];
    if (answer === 'mismatch') throw new MalgwiError('idempotency_mismatch');
    if (answer === 'full') throw new MalgwiError('job_queue_full', { retryAfter: 60 });
    const stored = toStored(other ?? id, reply)!;
    if (answer === 'created') this.#tell(this.#outbox.dispatch(stored));
    return { job: stored.job, created: answer === 'created' };
  }

  async get(id: string): Promise<Job | undefined> {
    return (await this.#stored(id))?.job;
  }

  async waiting(id: string): Promise<Waiting | undefined> {
    const stored = await this.#stored(id);
    if (stored?.job.state !== 'queued') return undefined;
    const ahead = (await this.#ask('WAITING', id, PRIORITY[stored.job.spec.priority])) as number;
    return ahead < 0 ? undefined : { ahead };
  }

  async list({ states, owner, cursor, limit }: JobQuery): Promise<JobPage> {
    const top = cursor === undefined ? '+inf' : `(${seqOf(cursor)}`;
    const everything = states === undefined || JOB_STATES.every((state) => states.includes(state));
    const names: readonly string[] = everything ? ['all'] : [...new Set(states)];
    const sets = names.map((name) =>
      owner !== undefined ? `owned:${name}:${owner}` : name === 'all' ? name : `state:${name}`,
    );
    // One more than asked for tells whether there is another page.
    const found = toStoredList(await this.#ask('LIST', top, limit + 1, ...sets));
    const page = found.slice(0, limit);
    return {
      jobs: page.map(({ job }) => job),
      ...(found.length > limit ? { cursor: cursorOf(page.at(-1)!.seq) } : {}),
    };
  }

  async cancel(id: string): Promise<Job> {
    const [answer, reply] = (await this.#ask('CANCEL', id)) as [string, unknown];
    if (answer === 'missing') throw new MalgwiError('job_not_found');
    const stored = toStored(id, reply)!;
    if (answer === 'cancelled') {
      const { notification } = stored.job;
      this.#tell(
        Promise.all([
          this.#outbox.withdraw(stored),
          notification?.state === 'pending' ? this.#outbox.announce(stored) : undefined,
        ]),
      );
    }
    return stored.job;
  }

  async retry(id: string): Promise<Job> {
    const before = await this.#stored(id);
    if (before === undefined) throw new MalgwiError('job_not_found');
    const [answer, reply] = (await this.#ask('RETRY', id, before.generation)) as [string, unknown];
    if (answer === 'missing') throw new MalgwiError('job_not_found');
    if (answer === 'refused') throw new MalgwiError('job_not_retryable');
    const stored = toStored(id, reply)!;
    this.#tell(this.#outbox.dispatch(stored));
    return stored.job;
  }

  async remove(id: string): Promise<void> {
    const [answer] = (await this.#ask('REMOVE', id)) as [string];
    if (answer === 'missing') throw new MalgwiError('job_not_found');
    if (answer === 'unfinished') throw new MalgwiError('job_not_finished');
  }

  events(
    id: string,
    { after, signal }: { readonly after?: string; readonly signal: AbortSignal },
  ): AsyncIterable<JobEvent> {
    return followEvents({
      after: after ?? '',
      signal: AbortSignal.any([signal, this.#closing.signal]),
      read: () => this.#ask('EVENTS', id),
      follow: (listener) => this.hub.follow(id, listener),
    });
  }

  async expired(endedBefore: number, limit: number): Promise<readonly Job[]> {
    return toStoredList(await this.#ask('EXPIRED', endedBefore, limit)).map(({ job }) => job);
  }

  async stats(): Promise<QueueStats> {
    const reply = (await this.#ask('STATS')) as readonly (number | string)[];
    const [pendingNotifications, now, since] = reply.slice(JOB_STATES.length);
    return {
      byState: Object.fromEntries(JOB_STATES.map((state, i) => [state, Number(reply[i])])) as Record<
        JobState,
        number
      >,
      oldestQueuedSeconds: since === '' ? 0 : Math.max(0, (Number(now) - Number(since)) / 1000),
      pendingNotifications: Number(pendingNotifications),
    };
  }

  async work(handlers: JobHandlers, options: WorkerOptions): Promise<QueueWorker> {
    const worker = new JobWorker(
      this.connection,
      this.connection.patient(),
      this.hub,
      this.#outbox,
      this.options,
      handlers,
      options,
    );
    this.#workers.add(worker);
    return worker;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.drain(0)));
    this.#closing.abort();
    this.hub.close();
    await within(Promise.all(this.#telling), this.options.timeoutMs);
    await within(this.#outbox.close(), this.options.timeoutMs);
    this.connection.close();
  }

  #ask(name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> {
    return this.connection.ask(this.redis, name, ...args);
  }

  async #stored(id: string): Promise<StoredJob | undefined> {
    return toStored(id, await this.#ask('GET', id));
  }

  /**
   * BullMQ is told at once, but nobody waits for that: the record is what counts. Where it fails, the sweep tells.
   */
  #tell(telling: Promise<unknown>): void {
    const told = telling.then(
      () => undefined,
      () => undefined,
    );
    this.#telling.add(told);
    void told.then(() => this.#telling.delete(told));
  }
}

/** Keys are names of Redis's; clients may choose any text. */
const hashed = (owner: string, idempotencyKey: string): string =>
  createHash('sha256')
    .update(JSON.stringify([owner, idempotencyKey]))
    .digest('base64url');
