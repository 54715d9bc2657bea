/** A queue in memory whose jobs end when the test says so, and the service around it. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventEmitter, on } from 'node:events';
import type { ConfigOverrides } from '../src/config.js';
import { MalgwiError } from '../src/errors.js';
import { TERMINAL_STATES } from '../src/jobs/contract.js';
import type { Job, JobEvent, JobEventType, JobQueue, NewJob } from '../src/jobs/contract.js';
import type { Recognizer, Transcript } from '../src/recognition/contract.js';
import { LocalStorage } from '../src/storage/local/index.js';
import { testService } from './http-support.js';
import type { TestService } from './http-support.js';

interface Entry {
  job: Job;
  readonly created: NewJob;
  readonly events: JobEvent[];
}

/** As much of the contract as HTTP asks for, with levers for tests. */
export class MemoryQueue implements JobQueue {
  readonly adapter = 'embedded';
  readonly entries = new Map<string, Entry>();
  readonly #bus = new EventEmitter().setMaxListeners(0);
  #clock = Date.now();

  async submit(created: NewJob): Promise<{ job: Job; created: boolean }> {
    const { id, spec, idempotencyKey, fingerprint, maxQueuedOfOwner = Infinity } = created;
    const all = [...this.entries.values()];
    const known = all.find(
      (entry) =>
        idempotencyKey !== undefined &&
        entry.created.idempotencyKey === idempotencyKey &&
        entry.job.spec.owner === spec.owner,
    );
    if (known !== undefined) {
      if (known.created.fingerprint !== fingerprint) throw new MalgwiError('idempotency_mismatch');
      return { job: known.job, created: false };
    }
    const queued = all.filter(({ job }) => job.state === 'queued' && job.spec.owner === spec.owner);
    if (queued.length >= maxQueuedOfOwner) throw new MalgwiError('job_queue_full');
    const job: Job = {
      id,
      spec,
      state: 'queued',
      createdAt: (this.#clock += 1),
      attempts: 0,
      progress: { doneSeconds: 0 },
    };
    this.entries.set(id, { job, created, events: [] });
    this.change(id, 'queued', {});
    return { job, created: true };
  }

  change(id: string, type: JobEventType, update: Partial<Job>): Job {
    const entry = this.entries.get(id)!;
    entry.job = { ...entry.job, ...update };
    const { progress, error } = entry.job;
    const event = { id: String(entry.events.length + 1), type, at: Date.now(), progress };
    entry.events.push(error === undefined ? event : { ...event, error });
    this.#bus.emit(id);
    return entry.job;
  }

  async get(id: string): Promise<Job | undefined> {
    return this.entries.get(id)?.job;
  }

  async waiting(id: string): Promise<{ ahead: number } | undefined> {
    const queued = [...this.entries.values()].filter(({ job }) => job.state === 'queued');
    const ahead = queued.findIndex(({ job }) => job.id === id);
    return ahead < 0 ? undefined : { ahead };
  }

  async list({ states, owner, cursor, limit }: Parameters<JobQueue['list']>[0]) {
    const from = cursor === undefined ? Infinity : Number(cursor);
    if (Number.isNaN(from)) throw new MalgwiError('invalid_field', { param: 'cursor' });
    const jobs = [...this.entries.values()]
      .map(({ job }) => job)
      .filter(({ state }) => states === undefined || states.includes(state))
      .filter(({ spec }) => owner === undefined || spec.owner === owner)
      .filter(({ createdAt }) => createdAt < from)
      .sort((a, b) => b.createdAt - a.createdAt);
    const page = jobs.slice(0, limit);
    return jobs.length > limit ? { jobs: page, cursor: String(page.at(-1)!.createdAt) } : { jobs: page };
  }

  async cancel(id: string): Promise<Job> {
    const { job } = this.entries.get(id)!;
    if (TERMINAL_STATES.includes(job.state)) return job;
    return this.change(id, 'cancelled', { state: 'cancelled', finishedAt: Date.now() });
  }

  async retry(id: string): Promise<Job> {
    const { state } = this.entries.get(id)!.job;
    if (state !== 'failed' && state !== 'cancelled') throw new MalgwiError('job_not_retryable');
    return this.change(id, 'queued', { state: 'queued', error: undefined, finishedAt: undefined });
  }

  async remove(id: string): Promise<void> {
    this.entries.delete(id);
  }

  async *events(
    id: string,
    { after, signal }: { readonly after?: string; readonly signal: AbortSignal },
  ): AsyncIterable<JobEvent> {
    const { events } = this.entries.get(id)!;
    const changes = on(this.#bus, id, { signal });
    let next = Number(after ?? 0);
    try {
      for (;;) {
        for (; next < events.length; next += 1) {
          yield events[next];
          if ((TERMINAL_STATES as string[]).includes(events[next].type)) return;
        }
        await changes.next();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  expired = async () => [];
  stats = async () => {
    throw new Error('not asked for over HTTP');
  };
  work = async () => {
    throw new Error('not asked for over HTTP');
  };
  close = async () => undefined;
}

export interface JobService extends TestService {
  readonly queue: MemoryQueue;
  readonly storage: LocalStorage;
  /** Keys of everything stored, and names of what is unfinished. */
  stored(): Promise<string[]>;
  /** Forgets everything. */
  clear(): Promise<void>;
}

export async function jobService(
  recognizer: Recognizer,
  overrides: ConfigOverrides = {},
): Promise<JobService> {
  const dir = await mkdtemp(join(tmpdir(), 'malgwi-test-objects-'));
  const storage = await LocalStorage.open({ dir, keepFreeBytes: 0 });
  const queue = new MemoryQueue();
  const service = await testService(recognizer, overrides, { queue, storage });
  return {
    ...service,
    queue,
    storage,
    stored: async () => {
      const entries = await readdir(dir, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort();
    },
    clear: async () => {
      queue.entries.clear();
      for (const folder of await readdir(dir)) await rm(join(dir, folder), { recursive: true, force: true });
    },
    close: async () => {
      await service.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** A recogniser that is only asked for its models. */
export const models = {
  defaultModel: 'test-ko',
  models: () =>
    ['test-ko', 'test-other'].map((name) => ({
      name,
      version: '1.0.0',
      description: '',
      language: 'ko',
      family: 'ctc',
      architecture: 'conformer',
      parameters: 1,
      license: 'Apache-2.0',
      isDefault: name === 'test-ko',
      bytes: 1,
      metrics: [],
    })),
  start: async () => undefined,
  check: async () => undefined,
  stats: () => ({ workers: 1, busy: 0, queued: 0, queueLimit: 1, liveStreams: 0, restarts: 0 }),
  close: async () => undefined,
} as unknown as Recognizer;

export const transcript: Transcript = {
  model: 'test-ko',
  language: 'ko',
  text: '이십칠 번 자리 반납할게요',
  duration: 2.4,
  segments: [
    {
      id: 0,
      start: 0.1,
      end: 2.2,
      text: '이십칠 번 자리 반납할게요',
      words: [
        { word: '이십칠', start: 0.1, end: 0.6, confidence: 0.9 },
        { word: '번', start: 0.6, end: 0.8, confidence: 0.9 },
        { word: '자리', start: 0.8, end: 1.2, confidence: 0.9 },
        { word: '반납할게요', start: 1.3, end: 2.2, confidence: 0.8 },
      ],
      confidence: 0.9,
      avgLogProb: -0.1,
      noSpeechProb: 0.01,
      alternatives: [],
    },
  ],
  info: { container: 'wav', codec: 'pcm_s16le', sampleRate: 16000, channels: 1 },
  stages: { queueMs: 0, audioMs: 0, featuresMs: 0, encoderMs: 0, decodingMs: 0 },
  processingSeconds: 0.1,
};
