/** What the two queues of BullMQ's have in common. */
import {
  DelayedError,
  UnrecoverableError,
  WaitingError,
  type Job,
  type JobsOptions,
  type Worker,
  type WorkerOptions,
} from 'bullmq';
import type { Redis } from 'ioredis';
import { keyPrefix } from './connection.js';
import type { BullmqOptions } from './options.js';

/** What a job of BullMQ's carries: for people who look at the board. What is to be done stands in the record. */
export interface DispatchData {
  readonly model: string;
  readonly name?: string;
}

/** Dispatches that are done are kept for the board, so many of each kind. */
const KEPT = { count: 1000 };

export const dispatchOptions = (jobId: string, priority?: number): JobsOptions => ({
  jobId,
  ...(priority === undefined ? {} : { priority }),
});

/** BullMQ's prefix has no colon at its end. */
export const bullPrefix = (options: BullmqOptions): string => keyPrefix(options.prefix).slice(0, -1);

export const workerOptions = (options: BullmqOptions, connection: Redis): WorkerOptions => ({
  connection,
  prefix: bullPrefix(options),
  lockDuration: options.leaseMs,
  stalledInterval: options.stalledIntervalMs,
  // The record counts lost workers; BullMQ would fail the job without asking it.
  maxStalledCount: 1_000_000,
  runRetryDelay: 1000,
  removeOnComplete: KEPT,
  removeOnFail: KEPT,
});

/** Errors of a worker of BullMQ's that say no more than that Redis is away, or that a lease was lost: both are known by then. */
export function isOutage(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return (
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|NR_CLOSED)/.test(code ?? '') ||
    /Connection is closed|ECONNREFUSED|ECONNRESET|[Ll]ock|^LOADING|not in the active state/.test(
      message ?? '',
    )
  );
}

/**
 * Does what a dispatch asks for. Whatever comes up that is no answer of BullMQ's kind (Redis has no memory left, say) must not
 * end the dispatch, for then nobody would do it: it is put off.
 */
export async function attended(
  dispatch: Job<DispatchData>,
  pauseMs: number,
  onError: (error: unknown) => void,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DelayedError || error instanceof WaitingError || error instanceof UnrecoverableError)
      throw error;
    onError(error);
    await dispatch.moveToDelayed(Date.now() + pauseMs, dispatch.token);
    throw new DelayedError();
  }
}

/** Waits until all of it is over, whatever is added meanwhile; not longer than `ms`. */
export async function settled(running: ReadonlySet<Promise<unknown>>, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (running.size > 0) {
    const left = end - performance.now();
    if (left <= 0) return;
    await within(Promise.allSettled(running), left);
  }
}

/** Closes a worker of BullMQ's; by force when Redis does not answer in time. */
export async function closeWithin(worker: Worker, ms: number): Promise<void> {
  const closed = worker.close();
  closed.catch(() => undefined);
  if (await within(closed, ms)) return;
  await within(worker.disconnect(), ms);
}

/** @returns whether it was over in time */
export async function within(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => true,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}
