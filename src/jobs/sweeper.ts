/** Removes what nobody needs any more: files and jobs whose time is over, and files whose job is gone. */
import type { ObjectStorage, StoredObject } from '../storage/contract.js';
import { TERMINAL_STATES, type Job, type JobQueue } from './contract.js';
import { AUDIO, audioKeyOf, jobOfKey, RESULTS } from './keys.js';

export interface SweeperOptions {
  readonly queue: Pick<JobQueue, 'get' | 'expired' | 'remove'>;
  readonly storage: Pick<ObjectStorage, 'list' | 'remove'>;
  /** How long after its end a job is kept, and its result. */
  readonly resultMs: number;
  /** How long after its end its audio is kept. */
  readonly audioMs: number;
  /** How long a complete upload waits for its job; an hour without it, and at least. */
  readonly unclaimedMs?: number;
  readonly now?: () => number;
  readonly onError?: (error: unknown) => void;
}

/** The audio of a cancelled job: long enough to change one's mind. */
export const CANCELLED_AUDIO_MS = 3600_000;
/** A file without a job is older than this before it counts as left over: its job may be on its way. */
export const SAFE_AGE_MS = 3600_000;
const INTERVAL_MS = 10 * 60_000;
const PAGE = 100;

export class Sweeper {
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;

  constructor(private readonly options: SweeperOptions) {
    this.#now = options.now ?? Date.now;
  }

  /** At once, and again and again. */
  start(): void {
    const round = (): void => void this.sweep().catch((error: unknown) => this.options.onError?.(error));
    round();
    this.#timer = setInterval(round, INTERVAL_MS);
    this.#timer.unref();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running?.catch(() => undefined);
  }

  sweep(): Promise<void> {
    this.#running ??= this.#sweep().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #sweep(): Promise<void> {
    await this.#forget();
    await this.#clear(AUDIO, (job, file) => this.#needsAudio(job, file));
    // A result that was written although its job is not completed: it was cancelled meanwhile, or goes on elsewhere.
    await this.#clear(RESULTS, (job, file) =>
      job.state === 'completed' ? job.resultKey === file.key : !TERMINAL_STATES.includes(job.state),
    );
  }

  async #forget(): Promise<void> {
    const { queue, storage, resultMs } = this.options;
    while (!this.#stopped) {
      const jobs = await queue.expired(this.#now() - resultMs, PAGE);
      for (const job of jobs) {
        // Files first: if this is cut off between the two, the next round finds the job again.
        await storage.remove(audioKeyOf(job));
        if (job.resultKey !== undefined) await storage.remove(job.resultKey);
        await queue.remove(job.id).catch((error: unknown) => this.options.onError?.(error));
      }
      if (jobs.length < PAGE) return;
    }
  }

  async #clear(folder: string, isNeeded: (job: Job, file: StoredObject) => boolean): Promise<void> {
    const { queue, storage } = this.options;
    for await (const file of storage.list(folder)) {
      if (this.#stopped) return;
      const job = await queue.get(jobOfKey(file.key));
      const ageMs = this.#now() - file.modifiedAt;
      const needed = job === undefined ? ageMs < this.#unclaimedMs(folder) : isNeeded(job, file);
      if (!needed) await storage.remove(file.key);
    }
  }

  #unclaimedMs(folder: string): number {
    return Math.max(SAFE_AGE_MS, folder === AUDIO ? (this.options.unclaimedMs ?? 0) : 0);
  }

  #needsAudio(job: Job, file: StoredObject): boolean {
    if (audioKeyOf(job) !== file.key) return false;
    if (job.finishedAt === undefined) return true;
    const { audioMs } = this.options;
    const keptMs = job.state === 'cancelled' ? Math.min(audioMs, CANCELLED_AUDIO_MS) : audioMs;
    return this.#now() - job.finishedAt < keptMs;
  }
}
