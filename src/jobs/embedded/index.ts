/**
 * Jobs in a database file of this process alone: nothing to install, and what was accepted survives kill -9 and power loss. The
 * database is SQLite's (libsql), in a thread of its own.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MalgwiError } from '../../errors.js';
import type {
  Job,
  JobEvent,
  JobHandlers,
  JobPage,
  JobQuery,
  JobQueue,
  NewJob,
  QueueStats,
  QueueWorker,
  Waiting,
  WorkerOptions,
} from '../contract.js';
import { Followers, followEvents } from './events.js';
import { Link } from './link.js';
import { DEFAULTS, type EmbeddedOptions } from './options.js';
import { JobWorker } from './worker.js';

export type { EmbeddedOptions };

/**
 * Opens the jobs in a folder; those that a process which is gone had at work are free again.
 * @throws MalgwiError config_invalid: the folder cannot be used, its file is damaged, or another process has it
 */
export async function openEmbeddedQueue(
  options: Partial<EmbeddedOptions> & Pick<EmbeddedOptions, 'dir'>,
): Promise<EmbeddedQueue> {
  const all: EmbeddedOptions = { ...DEFAULTS, ...options };
  try {
    await mkdir(all.dir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new MalgwiError('config_invalid', {
      detail: `The folder of the jobs (MALGWI_DATA_DIR) cannot be made: ${(cause as NodeJS.ErrnoException).code}.`,
      cause,
    });
  }
  const place = { path: join(all.dir, 'jobs.db'), lockWaitMs: all.lockWaitMs };
  return new EmbeddedQueue(all, await Link.open(place, all.now, all.onError));
}

export class EmbeddedQueue implements JobQueue {
  readonly adapter = 'embedded';
  readonly #followers = new Followers();
  readonly #workers = new Set<JobWorker>();
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    private readonly options: EmbeddedOptions,
    private readonly link: Link,
  ) {}

  async submit(job: NewJob): Promise<{ readonly job: Job; readonly created: boolean }> {
    const { now, maxQueued } = this.options;
    const answer = await this.link.ask('submit', now(), job, maxQueued);
    if (answer.created) this.#wake();
    return answer;
  }

  get(id: string): Promise<Job | undefined> {
    return this.link.ask('get', id);
  }

  waiting(id: string): Promise<Waiting | undefined> {
    return this.link.ask('waiting', this.options.now(), id);
  }

  list(query: JobQuery): Promise<JobPage> {
    return this.link.ask('list', query);
  }

  async cancel(id: string): Promise<Job> {
    const { job, ended } = await this.link.ask('cancel', this.options.now(), id);
    if (ended) {
      for (const worker of this.#workers) worker.cancelled(id);
      this.#followers.tell(id);
      this.#wake();
    }
    return job;
  }

  async retry(id: string): Promise<Job> {
    const job = await this.link.ask('retry', this.options.now(), id);
    this.#followers.tell(id);
    this.#wake();
    return job;
  }

  async remove(id: string): Promise<void> {
    await this.link.ask('remove', id);
    this.#followers.tell(id);
  }

  events(
    id: string,
    { after, signal }: { readonly after?: string; readonly signal: AbortSignal },
  ): AsyncIterable<JobEvent> {
    return followEvents(this.link, this.#followers, id, {
      ...(after === undefined ? {} : { after }),
      signal: AbortSignal.any([signal, this.#closing.signal]),
    });
  }

  expired(endedBefore: number, limit: number): Promise<readonly Job[]> {
    return this.link.ask('expired', endedBefore, limit);
  }

  stats(): Promise<QueueStats> {
    return this.link.ask('stats', this.options.now());
  }

  async work(handlers: JobHandlers, options: WorkerOptions): Promise<QueueWorker> {
    const worker = new JobWorker(this.link, this.options, handlers, options, {
      onChange: (id) => this.#followers.tell(id),
      onQueued: () => this.#wake(),
    });
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
    await this.link.close();
  }

  #wake(): void {
    for (const worker of this.#workers) worker.wake();
  }
}
