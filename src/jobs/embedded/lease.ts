import { MalgwiError } from '../../errors.js';
import type { Checkpoint, Job, JobLease, JobProgress } from '../contract.js';
import type { Link } from './link.js';

/** Progress that comes faster than this is dropped: each report is a wait for the disk. */
const PROGRESS_MS = 500;

export interface LeaseOptions {
  readonly sliceMs: number;
  readonly now: () => number;
  /** Something can be seen that could not before. */
  readonly onChange: (id: string) => void;
}

/** A job in the hands of this process, until `end`. */
export class Lease implements JobLease {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #begun: number;
  #others = false;
  #progress: JobProgress;
  #reported = -Infinity;
  #over = false;

  constructor(
    readonly job: Job,
    /** The fence: names this holder of the job, and no other. */
    readonly fence: string,
    private readonly link: Link,
    private readonly options: LeaseOptions,
  ) {
    this.signal = this.#abort.signal;
    this.#progress = job.progress;
    this.#begun = options.now();
  }

  checkpoints(): Promise<readonly Checkpoint[]> {
    return this.#held(() => this.link.ask('checkpoints', this.job.id, this.fence));
  }

  async checkpoint(piece: Checkpoint): Promise<void> {
    this.#progress = { ...this.#progress, doneSeconds: piece.doneSeconds };
    await this.#save(piece);
  }

  async progress(progress: JobProgress): Promise<void> {
    if (this.#over) throw new MalgwiError('job_lease_lost');
    this.#progress = progress;
    const now = this.options.now();
    if (now - this.#reported < PROGRESS_MS) return;
    this.#reported = now;
    await this.#save();
  }

  shouldYield(): boolean {
    return this.#others && this.options.now() - this.#begun >= this.options.sliceMs;
  }

  /** Whether it is over, for whatever reason. */
  get over(): boolean {
    return this.#over;
  }

  /** From now on every call is refused, and whoever works is told to stop. */
  end(reason: MalgwiError): void {
    if (this.#over) return;
    this.#over = true;
    this.#abort.abort(reason);
  }

  /** As {@link end}, of work that is done: nobody has to stop. */
  settle(): void {
    this.#over = true;
  }

  async #save(piece?: Checkpoint): Promise<void> {
    const { job, fence, link } = this;
    const now = this.options.now();
    this.#others = await this.#held(() => link.ask('save', now, job.id, fence, this.#progress, piece));
    this.options.onChange(job.id);
  }

  async #held<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#over) throw new MalgwiError('job_lease_lost');
    try {
      return await ask();
    } catch (error) {
      if (error instanceof MalgwiError && error.code === 'job_lease_lost') this.end(error);
      throw error;
    }
  }
}
