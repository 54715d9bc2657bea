/** What the adapter is told; durations in milliseconds. */
export interface EmbeddedOptions {
  /** A folder of its own. */
  readonly dir: string;
  /** More jobs than these are not taken on; `job_queue_full`. */
  readonly maxQueued: number;
  /** How often a job is tried whose attempts fail with a retryable error. */
  readonly maxAttempts: number;
  /** Pause before the second attempt; doubled for each further one. */
  readonly retryDelayMs: number;
  /** How long a job may hold its place while others of its priority, or a higher one, wait. */
  readonly sliceMs: number;
  readonly maxNoticeAttempts: number;
  /** As `retryDelayMs`, of notices. */
  readonly noticeDelayMs: number;
  /** How long the start waits for a process that still holds the database. */
  readonly lockWaitMs: number;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
  /** What happens beside the calls. */
  readonly onError: (error: unknown) => void;
}

export const DEFAULTS: Omit<EmbeddedOptions, 'dir'> = {
  maxQueued: 100_000,
  maxAttempts: 3,
  retryDelayMs: 5000,
  sliceMs: 30_000,
  maxNoticeAttempts: 8,
  noticeDelayMs: 5000,
  lockWaitMs: 10_000,
  now: Date.now,
  onError: () => undefined,
};

/**
 * How often a job may lose its worker without getting on. More than failures: a machine that dies is seldom the job's fault.
 */
export const MAX_CRASHES = 5;

/** No pause is longer than an hour. */
export const backOff = (firstMs: number, failures: number): number =>
  Math.min(firstMs * 2 ** (failures - 1), 3_600_000);
