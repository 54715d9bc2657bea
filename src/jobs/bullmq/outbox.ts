/**
 * Tells BullMQ what the records say. Whoever changes a record tells it at once; what a killed process left untold, and what
 * BullMQ has lost, is found by a sweep that one process at a time makes.
 */
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { TERMINAL_STATES } from '../contract.js';
import type { Connection } from './connection.js';
import { bullPrefix, dispatchOptions, type DispatchData } from './dispatch.js';
import { JOBS, NOTIFICATIONS, type BullmqOptions } from './options.js';
import { dispatchId, parseDispatchId, PRIORITY, toStored, type StoredJob } from './records.js';

const SWEEP_MS = 2000;
/** What is younger is still being told by whoever wrote it. */
const UNTOLD_MS = 1500;
/** Jobs that one audit looks at. */
const AUDITED = 1000;
/** Rounds of the sweep between two audits. */
const AUDIT_EVERY = 5;

const AUDITED_SETS = ['state:queued', 'state:active'] as const;

export class Outbox {
  readonly jobs: Queue<DispatchData>;
  readonly notifications: Queue<DispatchData>;
  readonly #timer: NodeJS.Timeout;
  #sweeping: Promise<void> | undefined;
  #round = 0;
  #audited: Record<(typeof AUDITED_SETS)[number], string> = { 'state:queued': '-1', 'state:active': '-1' };
  #auditedNotices = '0';

  constructor(
    private readonly connection: Connection,
    private readonly redis: Redis,
    options: BullmqOptions,
  ) {
    const queue = { connection: redis, prefix: bullPrefix(options), skipVersionCheck: true };
    this.jobs = new Queue<DispatchData>(JOBS, queue);
    this.notifications = new Queue<DispatchData>(NOTIFICATIONS, queue);
    // The connection reports its own errors; without a listener the process would end.
    this.jobs.on('error', () => undefined);
    this.notifications.on('error', () => undefined);
    this.#timer = setInterval(() => this.sweep().catch(() => undefined), SWEEP_MS);
    this.#timer.unref();
  }

  /** Has a job done. Twice is as good as once: BullMQ takes no second job of the same id. */
  async dispatch({ job, generation }: Omit<StoredJob, 'seq'>): Promise<void> {
    const id = dispatchId(job.id, generation);
    await this.jobs.add('transcribe', dataOf(job), dispatchOptions(id, PRIORITY[job.spec.priority]));
    await this.redis.zrem(`${this.connection.prefix}outbox`, `job:${id}`);
  }

  /** Has somebody told of the end of a job. */
  async announce({ job, generation }: Omit<StoredJob, 'seq'>): Promise<void> {
    const id = dispatchId(job.id, generation);
    await this.notifications.add('notify', dataOf(job), dispatchOptions(id));
    await this.redis.zrem(`${this.connection.prefix}outbox`, `notice:${id}`);
  }

  /** Takes a job out of the line that was cancelled. Where that fails, a worker finds nothing to do. */
  async withdraw({ job, generation }: StoredJob): Promise<void> {
    await this.jobs.remove(dispatchId(job.id, generation));
  }

  /** Tells what is untold. */
  sweep(untoldMs = UNTOLD_MS): Promise<void> {
    this.#sweeping ??= this.#sweep(untoldMs).finally(() => (this.#sweeping = undefined));
    return this.#sweeping;
  }

  async #sweep(untoldMs: number): Promise<void> {
    if (this.redis.status !== 'ready') return;
    const { prefix } = this.connection;
    // One process is enough; should it die, the next one takes over.
    if (untoldMs > 0 && (await this.redis.set(`${prefix}sweep`, '1', 'PX', SWEEP_MS / 2, 'NX')) === null)
      return;
    if (this.#round++ % AUDIT_EVERY === 0) await this.#audit();
    const untold = (await this.connection.run(this.redis, 'OUTBOX', untoldMs)) as string[];
    for (const member of untold) await this.#tell(member);
  }

  async #tell(member: string): Promise<void> {
    const colon = member.indexOf(':');
    const { id, generation } = parseDispatchId(member.slice(colon + 1));
    const stored = toStored(id, await this.connection.run(this.redis, 'GET', id));
    const current = stored !== undefined && stored.generation === generation;
    const ended = current && TERMINAL_STATES.includes(stored.job.state);
    if (member.startsWith('job:') && current && !ended) return this.dispatch(stored);
    if (member.startsWith('notice:') && ended && stored.job.notification?.state === 'pending')
      return this.announce(stored);
    await this.redis.zrem(`${this.connection.prefix}outbox`, member);
  }

  async #audit(): Promise<void> {
    for (const set of AUDITED_SETS) {
      const next = await this.connection.run(this.redis, 'AUDIT', set, this.#audited[set], AUDITED);
      this.#audited[set] = next as string;
    }
    this.#auditedNotices = (await this.connection.run(
      this.redis,
      'AUDIT_NOTICES',
      this.#auditedNotices,
    )) as string;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#sweeping?.catch(() => undefined);
    await this.jobs.close();
    await this.notifications.close();
  }
}

const dataOf = ({ spec }: StoredJob['job']): DispatchData => ({
  model: spec.model,
  ...(spec.name === undefined ? {} : { name: spec.name }),
});
