import { randomUUID } from 'node:crypto';
import { fromPlainError, MalgwiError } from '../../errors.js';
import { WorkerPool } from '../../workers/pool.js';
import type { OpenCall, Operation, OperationName, OperationReply, Operations } from './protocol.js';

/** A disk may be busy for a while; a thread that says nothing for so long has lost it. */
const LIMIT_MS = 120_000;
const MAX_BATCH = 256;
/** Callers that wait at a time; those beyond them are refused. */
const MAX_WAITING = 20_000;

interface Waiting {
  readonly operation: Operation;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Threads run compiled code; from a test, which runs the sources, that is the build beside them. */
function threadEntry(): URL {
  const here = import.meta.url;
  return here.endsWith('.ts')
    ? new URL('../../../dist/jobs/embedded/thread.js', here)
    : new URL('./thread.js', here);
}

/** The way to the thread that holds the database. While it works on one batch the next one collects. */
export class Link {
  readonly #pool: WorkerPool;
  #waiting: Waiting[] = [];
  #sending = false;
  #idle: Promise<void> = Promise.resolve();
  #restarted = false;
  #closed = false;

  private constructor(
    private readonly place: Omit<OpenCall, 'now' | 'recover'>,
    private readonly now: () => number,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#pool = new WorkerPool({
      entry: threadEntry(),
      size: 1,
      queueLimit: 16,
      callTimeoutMs: LIMIT_MS,
      workerData: { run: randomUUID().slice(0, 8) },
      background: true,
      onRestart: () => (this.#restarted = true),
      onInternalError: (_method, stack) => onError(new Error(stack)),
    });
  }

  /** @throws MalgwiError config_invalid */
  static async open(
    place: Omit<OpenCall, 'now' | 'recover'>,
    now: () => number,
    onError: (error: unknown) => void,
  ): Promise<Link> {
    const link = new Link(place, now, onError);
    await link.#pool.start();
    try {
      await link.#pool.call('open', { ...place, now: now(), recover: true } satisfies OpenCall);
    } catch (error) {
      await link.#pool.close();
      throw error;
    }
    return link;
  }

  /** @throws MalgwiError what the operation says, or job_queue_unavailable: then nobody knows whether it happened */
  ask<N extends OperationName>(
    name: N,
    ...args: Parameters<Operations[N]>
  ): Promise<ReturnType<Operations[N]>> {
    return new Promise((resolve, reject) => {
      if (this.#closed || this.#waiting.length >= MAX_WAITING) {
        return reject(new MalgwiError('job_queue_unavailable'));
      }
      const operation: Operation = { name, args };
      this.#waiting.push({ operation, resolve: resolve as (value: unknown) => void, reject });
      if (!this.#sending) this.#idle = this.#send();
    });
  }

  async close(): Promise<void> {
    await this.#idle;
    this.#closed = true;
    await this.#pool.call('close', undefined).catch(() => undefined);
    await this.#pool.close();
  }

  async #send(): Promise<void> {
    this.#sending = true;
    // Whatever else is asked for in this turn of the event loop comes along.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, MAX_BATCH);
      try {
        await this.#reopen();
        const operations = batch.map(({ operation }) => operation);
        const replies = await this.#pool.call<OperationReply[]>('run', operations);
        for (const [index, reply] of replies.entries()) this.#settle(batch[index]!, reply);
      } catch (error) {
        const known = error instanceof MalgwiError && error.code === 'storage_full';
        for (const { reject } of batch) {
          reject(known ? error : new MalgwiError('job_queue_unavailable', { cause: error }));
        }
      }
    }
    this.#sending = false;
  }

  #settle({ resolve, reject }: Waiting, reply: OperationReply): void {
    if (reply.ok) return resolve(reply.value);
    if (reply.stack !== undefined) this.onError(new Error(reply.stack));
    reject(fromPlainError(reply.error));
  }

  async #reopen(): Promise<void> {
    if (!this.#restarted) return;
    this.#restarted = false;
    try {
      await this.#pool.call('open', { ...this.place, now: this.now(), recover: false } satisfies OpenCall);
    } catch (error) {
      this.#restarted = true;
      throw error;
    }
  }
}
