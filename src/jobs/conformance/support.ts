/** What the suite of the job queues is made with. */
import { MalgwiError } from '../../errors.js';
import type { Segment } from '../../recognition/contract.js';
import type {
  JobEvent,
  JobHandlers,
  JobLease,
  JobOutcome,
  JobQueue,
  JobSpec,
  JobState,
  NewJob,
} from '../contract.js';
import type { QueuePolicy } from '../policy.js';

export type TestSettings = Omit<QueuePolicy, 'onError'>;

export interface QueueUnderTest {
  readonly queue: JobQueue;
  /** The end of the process, as far as the jobs can tell: nothing is said any more, to nobody. */
  crash(): Promise<void>;
}

/** A place with no jobs in it. */
export interface JobsPlace {
  /** A process that has its jobs there; after the one before was closed, or crashed. */
  open(settings: TestSettings): Promise<QueueUnderTest>;
  /** Closes what is open, and forgets everything. */
  remove(): Promise<void>;
}

/** What the tests are given. The place is removed after each of them. */
export interface Suite {
  open(settings?: Partial<TestSettings>): Promise<JobQueue>;
  openAll(settings?: Partial<TestSettings>): Promise<QueueUnderTest>;
  /** Waits until a job is in a state. */
  reaches(queue: JobQueue, id: string, state: JobState): Promise<void>;
}

export const SETTINGS: TestSettings = {
  maxQueued: 1000,
  maxAttempts: 3,
  retryDelayMs: 40,
  sliceMs: 60_000,
  maxNoticeAttempts: 3,
  noticeDelayMs: 40,
};
export const PATIENT = { timeout: 10_000, interval: 20 };

export function newJob(id: string, spec: Partial<JobSpec> = {}, rest: Partial<NewJob> = {}): NewJob {
  return {
    id,
    spec: {
      source: { type: 'object', key: `audio/${id}`, bytes: 1 },
      model: 'model',
      options: { beamWidth: 8, hotWords: [{ phrase: '좌석', weight: 2 }] },
      outputs: ['json', 'srt'],
      priority: 'normal',
      owner: '',
      ...spec,
    },
    ...rest,
  };
}

export function deferred<T = void>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
} {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => (resolve = done));
  return { promise, resolve };
}

export const segment = (id: number): Segment => ({
  id,
  start: id,
  end: id + 0.75,
  text: `조각 ${id}`,
  words: [{ word: '조각', start: id, end: id + 0.5, confidence: 0.123 }],
  confidence: 0.5,
  avgLogProb: -0.25,
  noSpeechProb: 0.1,
  alternatives: [],
});

export const piece = (index: number) => ({ index, doneSeconds: index + 1, segments: [segment(index)] });

export const completed = ({ job }: JobLease): JobOutcome => ({
  type: 'completed',
  resultKey: `results/${job.id}.json`,
  progress: { doneSeconds: 2, totalSeconds: 2 },
});

export const handlers = (
  transcribe: JobHandlers['transcribe'],
  notify: JobHandlers['notify'] = async () => undefined,
): JobHandlers => ({ transcribe, notify });

export const code = async (action: Promise<unknown>): Promise<unknown> =>
  action.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof MalgwiError ? error.code : error),
  );

/** Resolves when the handler is told to stop. */
export const told = (lease: JobLease): Promise<void> =>
  new Promise((resolve) => {
    if (lease.signal.aborted) resolve();
    lease.signal.addEventListener('abort', () => resolve(), { once: true });
  });

export async function collect(events: AsyncIterable<JobEvent>): Promise<JobEvent[]> {
  const all: JobEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

export const types = (events: readonly JobEvent[]): string[] =>
  events.map(({ type }) => type).filter((type) => type !== 'progress');
