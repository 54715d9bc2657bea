/** Between the hash of a job and {@link Job}. */
import type { PlainError } from '../../errors.js';
import type { Job, JobPriority, JobProgress, JobSpec, JobState, Notification } from '../contract.js';
import { FIELDS } from './lua/common.js';

/** A job with what only the adapter needs. */
export interface StoredJob {
  readonly job: Job;
  /** Counts up with every `retry`: what was dispatched before is void. */
  readonly generation: number;
  /** Order of submission. */
  readonly seq: number;
}

/** BullMQ takes small numbers first; 0 would go by another list. */
export const PRIORITY: Readonly<Record<JobPriority, number>> = { high: 1, normal: 2, low: 3 };

/** Names a job of BullMQ's, and of the outbox: one for each time that a job is set going. */
export const dispatchId = (id: string, generation: number): string => `${id}.${generation}`;

/** The inverse of {@link dispatchId}. */
export function parseDispatchId(text: string): { readonly id: string; readonly generation: number } {
  const dot = text.lastIndexOf('.');
  return { id: text.slice(0, dot), generation: Number(text.slice(dot + 1)) };
}

type Fields = ReadonlyMap<(typeof FIELDS)[number], string>;

/** The values of {@link FIELDS}, null where the hash lacks one. */
function fields(reply: unknown): Fields {
  const values = reply as readonly (string | null)[];
  const map = new Map<(typeof FIELDS)[number], string>();
  FIELDS.forEach((name, i) => {
    const value = values[i];
    if (typeof value === 'string') map.set(name, value);
  });
  return map;
}

const time = (name: 'startedAt' | 'finishedAt', text: string | undefined): Partial<Job> =>
  text === undefined ? {} : { [name]: Number(text) };

/** @param reply a record of a script; undefined where it has no fields */
export function toStored(id: string, reply: unknown): StoredJob | undefined {
  const hash = fields(reply);
  const spec = hash.get('spec');
  if (spec === undefined) return undefined;
  const error = hash.get('error');
  const result = hash.get('result');
  const notification = toNotification(hash);
  return {
    generation: Number(hash.get('generation')),
    seq: Number(hash.get('seq')),
    job: {
      id,
      spec: JSON.parse(spec) as JobSpec,
      state: hash.get('state') as JobState,
      createdAt: Number(hash.get('created')),
      ...time('startedAt', hash.get('started')),
      ...time('finishedAt', hash.get('finished')),
      attempts: Number(hash.get('attempts')),
      progress: JSON.parse(hash.get('progress') ?? '{"doneSeconds":0}') as JobProgress,
      ...(error === undefined ? {} : { error: JSON.parse(error) as PlainError }),
      ...(result === undefined ? {} : { resultKey: result }),
      ...(notification === undefined ? {} : { notification }),
    },
  };
}

function toNotification(hash: Fields): Notification | undefined {
  const state = hash.get('noticeState');
  if (state === undefined) return undefined;
  const lastOutcome = hash.get('noticeOutcome');
  return {
    state: state as Notification['state'],
    attempts: Number(hash.get('noticeAttempts')),
    ...(lastOutcome === undefined ? {} : { lastOutcome }),
  };
}

/** @param reply pairs of id and record */
export function toStoredList(reply: unknown): StoredJob[] {
  const list = reply as readonly unknown[];
  const jobs: StoredJob[] = [];
  for (let i = 0; i + 1 < list.length; i += 2) {
    // An id without a record is a job that was removed between two reads of an index.
    const stored = toStored(list[i] as string, list[i + 1]);
    if (stored !== undefined) jobs.push(stored);
  }
  return jobs;
}
