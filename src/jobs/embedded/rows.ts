/** Between the row of a job and {@link Job}. */
import type { PlainError } from '../../errors.js';
import type { Job, JobPriority, JobSpec, JobState, Notification } from '../contract.js';

/** Small numbers first. */
export const PRIORITY: Readonly<Record<JobPriority, number>> = { high: 0, normal: 1, low: 2 };

export interface JobRow {
  readonly seq: number;
  readonly id: string;
  readonly owner: string;
  readonly state: JobState;
  readonly priority: number;
  readonly spec: string;
  readonly fingerprint: string;
  readonly generation: number;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly finished_at: number | null;
  readonly attempts: number;
  readonly failures: number;
  readonly crashes: number;
  readonly turn: number;
  readonly lease: string | null;
  readonly done_seconds: number;
  readonly total_seconds: number | null;
  readonly error: string | null;
  readonly result_key: string | null;
  readonly notice_state: Notification['state'] | null;
  readonly notice_attempts: number;
  readonly notice_outcome: string | null;
  readonly notice_lease: string | null;
}

export function toJob(row: JobRow): Job {
  return {
    id: row.id,
    spec: JSON.parse(row.spec) as JobSpec,
    state: row.state,
    createdAt: row.created_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at }),
    attempts: row.attempts,
    progress: {
      doneSeconds: row.done_seconds,
      ...(row.total_seconds === null ? {} : { totalSeconds: row.total_seconds }),
    },
    ...(row.error === null ? {} : { error: JSON.parse(row.error) as PlainError }),
    ...(row.result_key === null ? {} : { resultKey: row.result_key }),
    ...(row.notice_state === null ? {} : { notification: toNotification(row, row.notice_state) }),
  };
}

const toNotification = (row: JobRow, state: Notification['state']): Notification => ({
  state,
  attempts: row.notice_attempts,
  ...(row.notice_outcome === null ? {} : { lastOutcome: row.notice_outcome }),
});
