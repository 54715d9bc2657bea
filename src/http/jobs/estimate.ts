import type { Job, JobQueue } from '../../jobs/contract.js';

/** So many ended jobs tell how fast things go. */
const SAMPLE = 50;
/** How long what they told is believed. */
const FRESH_MS = 10_000;
/** As long as nothing tells, it is asked again sooner. */
const IDLE_MS = 1000;

export interface Pace {
  /** Seconds of audio that the whole service does in a second. */
  readonly throughput: number;
  /** Seconds of audio of a job, on average. */
  readonly meanSeconds: number;
}

/**
 * How fast jobs went lately: their audio over the time from the start of the first to the end of the last, in which pauses
 * between jobs do not count.
 * @returns nothing where none of them tells
 */
export function paceOf(completed: readonly Job[]): Pace | undefined {
  const spans = completed
    .map(({ startedAt, finishedAt, progress }) => ({
      from: startedAt ?? NaN,
      to: finishedAt ?? NaN,
      audio: progress.totalSeconds ?? progress.doneSeconds,
    }))
    .filter(({ from, to, audio }) => to > from && audio > 0)
    .sort((a, b) => a.from - b.from);
  let busyMs = 0;
  let until = -Infinity;
  for (const { from, to } of spans) {
    busyMs += Math.max(0, to - Math.max(from, until));
    until = Math.max(until, to);
  }
  if (busyMs === 0) return undefined;
  const audio = spans.reduce((sum, span) => sum + span.audio, 0);
  return { throughput: (audio * 1000) / busyMs, meanSeconds: audio / spans.length };
}

/**
 * When a job will have ended, in milliseconds since 1970.
 * @param ahead jobs that are taken first; 0 for one at work
 * @returns nothing where there is nothing to tell it from
 */
export function estimateFinish(
  job: Job,
  ahead: number,
  pace: Pace | undefined,
  now: number,
): number | undefined {
  const { doneSeconds, totalSeconds } = job.progress;
  if (
    job.state === 'active' &&
    totalSeconds !== undefined &&
    doneSeconds > 0 &&
    job.startedAt !== undefined
  ) {
    const perSecond = (now - job.startedAt) / doneSeconds;
    return now + Math.max(0, totalSeconds - doneSeconds) * perSecond;
  }
  if (pace === undefined || (job.state !== 'queued' && job.state !== 'active')) return undefined;
  const own = Math.max(0, (totalSeconds ?? pace.meanSeconds) - doneSeconds);
  return now + ((ahead * pace.meanSeconds + own) * 1000) / pace.throughput;
}

/** Measures the pace when it is asked for, at most once in a while. */
export class Estimator {
  #until = -Infinity;
  #pace: Promise<Pace | undefined> = Promise.resolve(undefined);

  constructor(private readonly jobs: JobQueue) {}

  async finish(job: Job, ahead: number): Promise<number | undefined> {
    const now = Date.now();
    if (now > this.#until) {
      this.#until = now + IDLE_MS;
      this.#pace = this.jobs
        .list({ states: ['completed'], limit: SAMPLE })
        .then(({ jobs }) => {
          const pace = paceOf(jobs);
          if (pace !== undefined) this.#until = now + FRESH_MS;
          return pace;
        })
        .catch(() => undefined);
    }
    return estimateFinish(job, ahead, await this.#pace, now);
  }
}
