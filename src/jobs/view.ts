import { ERRORS } from '../errors.js';
import type { PlainError } from '../errors.js';
import type { Job, JobEvent, JobProgress, Waiting } from './contract.js';

const time = (milliseconds: number): string => new Date(milliseconds).toISOString();
const seconds = (value: number): number => Number(value.toFixed(3));

const errorOf = ({ code, message, param }: PlainError) => ({
  message,
  type: ERRORS[code].type,
  param: param ?? null,
  code,
});

export const progressOf = ({ doneSeconds, totalSeconds }: JobProgress) => ({
  done_seconds: seconds(doneSeconds),
  ...(totalSeconds === undefined ? {} : { total_seconds: seconds(totalSeconds) }),
});

/** A job as clients see it, over HTTP and in webhooks. Times are ISO 8601, durations seconds. */
export function viewJob(job: Job) {
  const { id, spec, error, notification } = job;
  const self = `/v1/jobs/${id}`;
  const { source } = spec;
  return {
    id,
    object: 'job' as const,
    state: job.state,
    ...(spec.name === undefined ? {} : { name: spec.name }),
    model: spec.model,
    outputs: [...spec.outputs],
    priority: spec.priority,
    source:
      source.type === 'url'
        ? { type: 'url' as const, url: source.url }
        : { type: 'upload' as const, bytes: source.bytes },
    created_at: time(job.createdAt),
    ...(job.startedAt === undefined ? {} : { started_at: time(job.startedAt) }),
    ...(job.finishedAt === undefined ? {} : { finished_at: time(job.finishedAt) }),
    attempts: job.attempts,
    progress: progressOf(job.progress),
    ...(error === undefined ? {} : { error: errorOf(error) }),
    ...(spec.webhook === undefined
      ? {}
      : {
          webhook: {
            url: spec.webhook,
            ...(notification === undefined
              ? {}
              : {
                  state: notification.state,
                  attempts: notification.attempts,
                  ...(notification.lastOutcome === undefined
                    ? {}
                    : { last_outcome: notification.lastOutcome }),
                }),
          },
        }),
    links: {
      self,
      events: `${self}/events`,
      audio: `${self}/audio`,
      ...(job.state === 'completed'
        ? {
            results: Object.fromEntries(
              spec.outputs.map((format) => [format, `${self}/result?format=${format}`]),
            ),
          }
        : {}),
    },
  };
}

/** What only a job that has not ended has. */
export const viewOutlook = (waiting: Waiting | undefined, finish: number | undefined) => ({
  ...(waiting === undefined ? {} : { position: waiting.ahead + 1 }),
  ...(finish === undefined ? {} : { estimated_finish_at: time(finish) }),
});

export const viewEvent = (event: JobEvent) => ({
  type: event.type,
  at: time(event.at),
  progress: progressOf(event.progress),
  ...(event.error === undefined ? {} : { error: errorOf(event.error) }),
});
