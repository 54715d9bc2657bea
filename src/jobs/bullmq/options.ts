/** What the adapter is told; durations in milliseconds. */
export interface BullmqOptions {
  /** `redis://` or `rediss://` (TLS), with user, password and database where they are needed. */
  readonly url: string;
  /** Namespace of the keys: services that share it share their jobs. */
  readonly prefix: string;
  /** More jobs than these are not taken on; `job_queue_full`. */
  readonly maxQueued: number;
  /** How often a job is tried whose attempts fail with a retryable error. */
  readonly maxAttempts: number;
  /** Pause before the second attempt; doubled for each further one. */
  readonly retryDelayMs: number;
  /** How long a job may hold its worker while others of its priority wait. */
  readonly sliceMs: number;
  readonly maxNoticeAttempts: number;
  /** As `retryDelayMs`, of notices. */
  readonly noticeDelayMs: number;
  /** A job whose worker says nothing for this long is given to another one. */
  readonly leaseMs: number;
  /** How often it is looked whether there are such jobs. */
  readonly stalledIntervalMs: number;
  /** How long a request waits for Redis. */
  readonly timeoutMs: number;
  /** How long the start waits for Redis. */
  readonly startTimeoutMs: number;
  /** What happens beside the calls: Redis is away, a sweep failed. */
  readonly onError: (error: unknown) => void;
}

export const DEFAULTS: Omit<BullmqOptions, 'url'> = {
  prefix: 'malgwi',
  maxQueued: 100_000,
  maxAttempts: 3,
  retryDelayMs: 5000,
  sliceMs: 30_000,
  maxNoticeAttempts: 8,
  noticeDelayMs: 5000,
  leaseMs: 30_000,
  stalledIntervalMs: 15_000,
  timeoutMs: 3000,
  startTimeoutMs: 30_000,
  onError: () => undefined,
};

/**
 * How often a job may lose its worker without getting on. More than failures: a machine that dies, or a Redis that was away,
 * is seldom the job's fault.
 */
export const MAX_CRASHES = 5;

/** No pause is longer than an hour. */
export const backOff = (firstMs: number, failures: number): number =>
  Math.min(firstMs * 2 ** (failures - 1), 3_600_000);

export const JOBS = 'jobs';
export const NOTIFICATIONS = 'notifications';
