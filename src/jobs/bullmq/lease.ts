import { MalgwiError } from '../../errors.js';
import type { Checkpoint, Job, JobLease, JobProgress } from '../contract.js';
import { PRIORITY } from './records.js';

/** Progress that comes faster than this is dropped. */
const PROGRESS_MS = 250;

/** A lease's way to Redis: runs a script, waits for Redis where it must. */
export type Run = (name: 'SAVE' | 'PIECES', ...args: readonly (string | number)[]) => Promise<unknown>;

/** A job in the hands of this process, until `end`. */
export class Lease implements JobLease {
  readonly signal: AbortSignal;
  readonly #abort = new AbortController();
  readonly #begun = performance.now();
  #others = 0;
  #progress: JobProgress;
  #reported = -Infinity;
  #over = false;

  constructor(
    readonly job: Job,
    readonly generation: number,
    /** Of BullMQ's lock. */
    readonly token: string,
    /** The fence: the token, and which activation of the job it is. */
    readonly fence: string,
    private readonly sliceMs: number,
    private readonly run: Run,
  ) {
    this.signal = this.#abort.signal;
    this.#progress = job.progress;
  }

  async checkpoints(): Promise<readonly Checkpoint[]> {
    const [answer, pieces] = (await this.#call('PIECES')) as [string, string[]];
    this.#check(answer);
    return pieces.map((piece) => JSON.parse(piece) as Checkpoint);
  }

  async checkpoint(piece: Checkpoint): Promise<void> {
    this.#progress = { ...this.#progress, doneSeconds: piece.doneSeconds };
    await this.#save(piece.index, JSON.stringify(piece));
  }

  async progress(progress: JobProgress): Promise<void> {
    this.#open();
    this.#progress = progress;
    if (performance.now() - this.#reported < PROGRESS_MS) return;
    this.#reported = performance.now();
    await this.#save();
  }

  shouldYield(): boolean {
    return this.#others > 0 && performance.now() - this.#begun >= this.sliceMs;
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

  async #save(...piece: readonly (string | number)[]): Promise<void> {
    const [answer, others] = (await this.#call(
      'SAVE',
      PRIORITY[this.job.spec.priority],
      JSON.stringify(this.#progress),
      ...piece,
    )) as [string, number];
    if (answer === 'order') throw new Error('pieces of a job are saved in order');
    this.#check(answer);
    this.#others = others;
  }

  #call(name: 'SAVE' | 'PIECES', ...args: readonly (string | number)[]): Promise<unknown> {
    this.#open();
    return this.run(name, this.job.id, this.fence, ...args);
  }

  #open(): void {
    if (this.#over) throw new MalgwiError('job_lease_lost');
  }

  #check(answer: string): void {
    if (answer !== 'lost') return;
    const error = new MalgwiError('job_lease_lost');
    this.end(error);
    throw error;
  }
}
