/**
 * Durable transcription jobs. A queue keeps them, whatever happens to the process: a job that was accepted ends exactly
 * once, as completed, failed or cancelled. Every adapter (embedded, BullMQ) passes jobs/conformance.ts.
 *
 * Delivery is at least once, completion exactly once: work is leased, a lease that is not renewed is given to someone else,
 * and what the holder of a lost lease still reports is refused. Times are milliseconds since 1970.
 */
import type { PlainError } from '../errors.js';
import type { ResumePoint, Segment, TranscribeOptions } from '../recognition/contract.js';

export type JobState = 'queued' | 'active' | 'completed' | 'failed' | 'cancelled';
export const JOB_STATES: readonly JobState[] = ['queued', 'active', 'completed', 'failed', 'cancelled'];
export const TERMINAL_STATES: readonly JobState[] = ['completed', 'failed', 'cancelled'];

/** Taken in this order; within one, jobs share the workers in turn, so that short ones do not wait for long ones. */
export type JobPriority = 'high' | 'normal' | 'low';
export const JOB_PRIORITIES: readonly JobPriority[] = ['high', 'normal', 'low'];

export type OutputFormat = 'json' | 'text' | 'srt' | 'vtt';
export const OUTPUT_FORMATS: readonly OutputFormat[] = ['json', 'text', 'srt', 'vtt'];

/** What of {@link TranscribeOptions} can be written down. */
export type JobOptions = Pick<
  TranscribeOptions,
  'endpoint' | 'beamWidth' | 'alternatives' | 'hotWords' | 'lmAlpha' | 'lmBeta' | 'segmentation'
>;

export type JobSource =
  /** In the storage already. */
  | { readonly type: 'object'; readonly key: string; readonly bytes: number }
  /** Fetched by the worker, into the storage. */
  | { readonly type: 'url'; readonly url: string };

export interface JobSpec {
  readonly source: JobSource;
  /** What the client calls it; shown, never used as a path. */
  readonly name?: string;
  /** A name that is installed, aliases resolved. */
  readonly model: string;
  readonly options: JobOptions;
  /** At least one. */
  readonly outputs: readonly OutputFormat[];
  readonly priority: JobPriority;
  /** Whose it is: an identifier derived from the API key, empty where the service asks for none. */
  readonly owner: string;
  /** Told of the end of the job. */
  readonly webhook?: string;
}

export interface NewJob {
  readonly id: string;
  readonly spec: JobSpec;
  /** The same key of the same owner gives the same job, as long as that is kept. */
  readonly idempotencyKey?: string;
  /** Of what was asked for: the same key with another fingerprint is refused. */
  readonly fingerprint?: string;
  /** So many queued jobs the owner may have; a further one is refused with `job_queue_full`. */
  readonly maxQueuedOfOwner?: number;
}

export interface JobProgress {
  readonly doneSeconds: number;
  /** Where the header tells. */
  readonly totalSeconds?: number;
}

export interface Notification {
  readonly state: 'pending' | 'delivered' | 'failed';
  readonly attempts: number;
  /** Of the last attempt: an HTTP status, or a code of the error table. */
  readonly lastOutcome?: string;
}

export interface Job {
  readonly id: string;
  readonly spec: JobSpec;
  readonly state: JobState;
  readonly createdAt: number;
  /** Of the first attempt. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** How often it was begun, after failures; giving way to others does not count. */
  readonly attempts: number;
  readonly progress: JobProgress;
  /** Of a failed job; of a queued one, why the last attempt ended. */
  readonly error?: PlainError;
  /** Of a completed job. */
  readonly resultKey?: string;
  readonly notification?: Notification;
}

/** A finished piece of a job: kept, so that the next attempt goes on behind it. Pieces are saved in order of time. */
export interface Checkpoint {
  /** 0, 1, 2 ... */
  readonly index: number;
  /** Everything before this second of the audio is done. */
  readonly doneSeconds: number;
  readonly segments: readonly Segment[];
  /** Where the work goes on behind it. */
  readonly resume?: ResumePoint;
}

export type JobEventType =
  'queued' | 'started' | 'progress' | 'retrying' | 'completed' | 'failed' | 'cancelled';

export interface JobEvent {
  /** Ascending within a job; what `events` goes on behind. */
  readonly id: string;
  readonly type: JobEventType;
  readonly at: number;
  readonly progress: JobProgress;
  readonly error?: PlainError;
}

export interface JobQuery {
  readonly states?: readonly JobState[];
  /** All owners' without it. */
  readonly owner?: string;
  /** From the page before. */
  readonly cursor?: string;
  /** 1 to 200. */
  readonly limit: number;
}

export interface JobPage {
  /** Newest first. */
  readonly jobs: readonly Job[];
  /** Absent on the last page. */
  readonly cursor?: string;
}

export interface Waiting {
  /** Jobs that are taken first. */
  readonly ahead: number;
}

export interface QueueStats {
  readonly byState: Readonly<Record<JobState, number>>;
  /** Seconds that the oldest queued job has waited. */
  readonly oldestQueuedSeconds: number;
  readonly pendingNotifications: number;
}

/** A job in the hands of a worker. Every call rejects with `job_lease_lost` once it is no longer its own. */
export interface JobLease {
  readonly job: Job;
  /** Aborted when the job is cancelled, the lease lost, or the worker closed. */
  readonly signal: AbortSignal;
  /** In order. */
  checkpoints(): Promise<readonly Checkpoint[]>;
  checkpoint(piece: Checkpoint): Promise<void>;
  /** May be dropped when it comes too often. */
  progress(progress: JobProgress): Promise<void>;
  /** Others wait and this one has had its share: it should end with `yielded` after its next checkpoint. */
  shouldYield(): boolean;
}

export type JobOutcome =
  /** The result lies in the storage under `resultKey`. */
  | { readonly type: 'completed'; readonly resultKey: string; readonly progress: JobProgress }
  /** To be taken up again, after those that wait. */
  | { readonly type: 'yielded' };

export interface JobNotice {
  readonly job: Job;
  readonly url: string;
  /** Unique to the event, equal in every attempt. */
  readonly messageId: string;
  /** 1 for the first. */
  readonly attempt: number;
}

export interface JobHandlers {
  /**
   * Failures: a retryable MalgwiError is tried again after a pause, a bounded number of times; any other error ends the job
   * as failed.
   */
  transcribe(lease: JobLease): Promise<JobOutcome>;
  /** Rejects when the notice did not arrive: it is tried again with growing pauses, a bounded number of times. */
  notify(notice: JobNotice, signal: AbortSignal): Promise<void>;
}

export interface WorkerOptions {
  /** Jobs at a time. */
  readonly concurrency: number;
  readonly onError?: (error: unknown) => void;
}

export interface QueueWorker {
  /**
   * Takes nothing more. Jobs at work end within `graceMs`, or are handed back with their checkpoints at once after it;
   * neither counts as a failed attempt.
   */
  drain(graceMs: number): Promise<void>;
}

export interface JobQueue {
  readonly adapter: 'embedded' | 'bullmq';
  /**
   * Durable when it resolves.
   * @returns the job, and whether it is new (false: the idempotency key was known)
   * @throws MalgwiError idempotency_mismatch | job_queue_full | job_queue_unavailable
   */
  submit(job: NewJob): Promise<{ readonly job: Job; readonly created: boolean }>;
  get(id: string): Promise<Job | undefined>;
  /** Where a queued job stands; undefined for any other. */
  waiting(id: string): Promise<Waiting | undefined>;
  /** @throws MalgwiError invalid_field: the cursor is not one of ours */
  list(query: JobQuery): Promise<JobPage>;
  /**
   * The end of a job that has not ended; an ended one stays as it is.
   * @throws MalgwiError job_not_found
   */
  cancel(id: string): Promise<Job>;
  /**
   * A failed or cancelled job once more, with its checkpoints and fresh attempts.
   * @throws MalgwiError job_not_found | job_not_retryable
   */
  retry(id: string): Promise<Job>;
  /**
   * Forgets an ended job.
   * @throws MalgwiError job_not_found | job_not_finished
   */
  remove(id: string): Promise<void>;
  /**
   * What happened and happens to a job, behind `after` when given; ends with the job's end, or the signal. Of progress only
   * the latest need be kept.
   * @throws MalgwiError job_not_found
   */
  events(
    id: string,
    options: { readonly after?: string; readonly signal: AbortSignal },
  ): AsyncIterable<JobEvent>;
  /** Jobs that ended before `endedBefore`, oldest first. */
  expired(endedBefore: number, limit: number): Promise<readonly Job[]>;
  stats(): Promise<QueueStats>;
  work(handlers: JobHandlers, options: WorkerOptions): Promise<QueueWorker>;
  /** Drains its workers first, without grace. */
  close(): Promise<void>;
}
