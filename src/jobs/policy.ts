/** How a queue treats its jobs, whatever keeps them; durations in milliseconds. */
export interface QueuePolicy {
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
  /** What happens beside the calls: Redis is away, a sweep failed. */
  readonly onError: (error: unknown) => void;
}

export const DEFAULT_POLICY: QueuePolicy = {
  maxQueued: 100_000,
  maxAttempts: 3,
  retryDelayMs: 5000,
  sliceMs: 30_000,
  maxNoticeAttempts: 8,
  noticeDelayMs: 5000,
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
