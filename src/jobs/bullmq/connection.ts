/**
 * The connections of the adapter. Two kinds, because two kinds of callers wait differently: a request must be answered soon,
 * whatever Redis does, while a worker in the middle of an hour of audio waits until Redis is back.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { ERRORS, MalgwiError } from '../../errors.js';
import { COMMON } from './lua/common.js';
import * as client from './lua/client.js';
import * as outbox from './lua/outbox.js';
import * as worker from './lua/worker.js';

const SCRIPTS = { ...client, ...outbox, ...worker };
export type ScriptName = keyof typeof SCRIPTS;

/** The first that BullMQ recommends; the scripts need LPOS (6.0.6). */
const OLDEST: readonly [number, number] = [6, 2];

export interface ConnectionOptions {
  /** `redis://` or `rediss://` (TLS), with user, password and database. */
  readonly url: string;
  /** Namespace of all keys. */
  readonly prefix: string;
  /** How long a request waits for Redis. */
  readonly timeoutMs: number;
  readonly onError: (error: unknown) => void;
}

/** A hash tag around the name keeps all keys in one slot of a cluster. */
export const keyPrefix = (prefix: string): string => `{${prefix}}:`;

export class Connection {
  readonly prefix: string;
  readonly #clients = new Set<Redis>();
  #closed = false;
  #lost = false;

  constructor(private readonly options: ConnectionOptions) {
    this.prefix = keyPrefix(options.prefix);
  }

  /**
   * For requests: nothing is sent while Redis is away, nothing is sent twice, and an answer that does not come in time is an
   * error.
   */
  prompt(): Redis {
    return this.#open({
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      commandTimeout: this.options.timeoutMs,
    });
  }

  /** For workers: calls wait until Redis is back, and are sent again when their answer was lost. */
  patient(): Redis {
    return this.#open({ maxRetriesPerRequest: null });
  }

  #open(options: RedisOptions): Redis {
    const redis = new Redis(this.options.url, {
      // BullMQ reads the raw replies of RESP2.
      protocol: 2,
      connectTimeout: 5000,
      keepAlive: 10_000,
      retryStrategy: (times) => Math.min(50 * times, 1000),
      scripts: Object.fromEntries(
        Object.entries(SCRIPTS).map(([name, lua]) => [
          `malgwi${name}`,
          { lua: COMMON + lua, numberOfKeys: 1 },
        ]),
      ),
      ...options,
    });
    this.#clients.add(redis);
    redis.on('error', (error: unknown) => {
      // One line for an outage, not one for every try to end it.
      if (this.#lost) return;
      this.#lost = true;
      this.options.onError(unavailable(error));
    });
    redis.on('ready', () => {
      this.#lost = false;
    });
    return redis;
  }

  /**
   * Runs a script.
   * @throws whatever Redis or the connection says
   */
  run(redis: Redis, name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> {
    const command = Reflect.get(redis, `malgwi${name}`) as (...args: unknown[]) => Promise<unknown>;
    return command.call(redis, this.prefix, ...args);
  }

  /**
   * As {@link run}, for requests.
   * @throws MalgwiError job_queue_unavailable
   */
  async ask(redis: Redis, name: ScriptName, ...args: readonly (string | number)[]): Promise<unknown> {
    await this.ready(redis, this.options.timeoutMs);
    try {
      return await this.run(redis, name, ...args);
    } catch (error) {
      throw unavailable(error);
    }
  }

  /**
   * Waits for a connection that is being made.
   * @throws MalgwiError job_queue_unavailable
   */
  async ready(redis: Redis, timeoutMs: number): Promise<void> {
    if (redis.status === 'ready') return;
    if (this.#closed) throw new MalgwiError('job_queue_unavailable', { detail: 'The job queue is closed.' });
    let last: unknown;
    let settle!: (ready: boolean) => void;
    const outcome = new Promise<boolean>((resolve) => (settle = resolve));
    const onReady = (): void => settle(true);
    const onEnd = (): void => settle(false);
    const onError = (error: unknown): void => {
      last = error;
    };
    const timer = setTimeout(onEnd, timeoutMs);
    redis.on('ready', onReady).on('end', onEnd).on('error', onError);
    try {
      if (!(await outcome)) throw unavailable(last);
    } finally {
      clearTimeout(timer);
      redis.off('ready', onReady).off('end', onEnd).off('error', onError);
    }
  }

  /**
   * Whether this Redis keeps what it is given.
   * @throws MalgwiError config_invalid: it is too old, or throws keys away when its memory is full
   */
  async checkServer(redis: Redis): Promise<void> {
    const info = await redis.info().catch((error: unknown) => {
      throw unavailable(error);
    });
    const value = (name: string): string | undefined =>
      new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
    const version = value('redis_version') ?? '0.0.0';
    const [major = 0, minor = 0] = version.split('.').map(Number);
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
      throw new MalgwiError('config_invalid', {
        detail: `Redis ${version} is too old for the job queue: it needs ${OLDEST.join('.')} or newer.`,
      });
    }
    const policy = value('maxmemory_policy');
    if (policy !== undefined && policy !== 'noeviction') {
      throw new MalgwiError('config_invalid', {
        detail: `Redis throws keys away when its memory is full (maxmemory-policy ${policy}), and jobs with them: set maxmemory-policy to noeviction.`,
      });
    }
    if (value('role') === 'slave') {
      throw new MalgwiError('config_invalid', {
        detail: 'REDIS_URL names a replica, which cannot be written to.',
      });
    }
    if (value('aof_enabled') === '0') {
      this.options.onError(
        new MalgwiError('config_invalid', {
          detail:
            'Redis keeps no append-only file: jobs of the last minutes are lost when it dies. Set appendonly to yes.',
        }),
      );
    }
  }

  /** Ends all connections; calls under way fail. */
  close(): void {
    this.#closed = true;
    for (const redis of this.#clients) redis.disconnect();
    this.#clients.clear();
  }
}

/** Errors of Redis that an administrator can do something about, by the first word of the reply. */
const REPLIES: Readonly<Record<string, string>> = {
  OOM: 'Redis has no memory left for another job.',
  MISCONF: 'Redis cannot write to its disk and takes no jobs.',
  READONLY: 'Redis is a replica and takes no jobs.',
  LOADING: 'Redis is still loading its data.',
  NOAUTH: 'Redis asks for a password: REDIS_URL names none.',
  WRONGPASS: 'Redis does not accept the user or password of REDIS_URL.',
};

/** The error that a caller sees when Redis does not do what it should. */
export function unavailable(cause: unknown): MalgwiError {
  if (cause instanceof MalgwiError) return cause;
  const word = cause instanceof Error ? (/^(?:ReplyError: )?([A-Z]+)\b/.exec(cause.message)?.[1] ?? '') : '';
  return new MalgwiError('job_queue_unavailable', {
    detail: REPLIES[word] ?? ERRORS.job_queue_unavailable.message,
    cause,
    retryAfter: 2,
  });
}
