/** Jobs on real recordings with the bundled model: interrupted wherever it may be, the transcript is the same. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MalgwiError } from '../errors.js';
import type {
  Recognizer,
  ResumePoint,
  Segment,
  TranscribeOptions,
  Transcript,
} from '../recognition/contract.js';
import { createRecognizer } from '../recognition/index.js';
import { LocalStorage } from '../storage/local/index.js';
import { newJob, PATIENT } from './conformance/support.js';
import type { JobHandlers, JobSpec } from './contract.js';
import { openEmbeddedQueue, type EmbeddedQueue } from './embedded/index.js';
import { JobRunner } from './runner.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const clip = (name: string): string => join(root, 'test-audio', name);
const PIECE_SECONDS = 2;

let recognizer: Recognizer;
let folder: string;
/** Some minutes of dialogue. */
let long: string;
let whole: Transcript;

/** Recordings one after the other: 16 kHz, 16 bits, behind a header of 44 bytes. */
async function joined(names: readonly string[], times: number): Promise<Buffer> {
  const bodies = await Promise.all(
    names.map(async (name) => {
      const file = await readFile(clip(name));
      return file.subarray(file.indexOf('data') + 8);
    }),
  );
  const body = Buffer.concat(Array.from({ length: times }, () => bodies).flat());
  const header = Buffer.from((await readFile(clip(names[0]!))).subarray(0, 44));
  header.writeUInt32LE(36 + body.length, 4);
  header.writeUInt32LE(body.length, 40);
  return Buffer.concat([header, body]);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-runner-'));
  recognizer = await createRecognizer({ modelsDir: join(root, 'models'), workers: 2 });
  await recognizer.start();
  const names = (await readFile(clip('manifest.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { audio: string }).audio)
    .filter((name) => name.endsWith('.wav') && !name.includes('8k'));
  long = join(folder, 'long.wav');
  await writeFile(long, await joined(names, 3));
  whole = await recognizer.transcribeFile(long);
}, 120_000);
afterAll(async () => {
  await recognizer?.close();
  await rm(folder, { recursive: true, force: true });
});

describe('pieces', () => {
  it('are together what the file is at once', async () => {
    const segments: Segment[] = [];
    const pieces = recognizer.transcribePieces(long, {}, { pieceSeconds: PIECE_SECONDS });
    let count = 0;
    for (;;) {
      const { done, value } = await pieces.next();
      segments.push(...value.segments);
      if (done === true) break;
      count += 1;
      expect(value.resume.segments).toBe(segments.length);
      expect(value.doneSeconds).toBeGreaterThanOrEqual(segments.at(-1)?.end ?? 0);
    }
    expect(count).toBeGreaterThan(5);
    expect(segments).toEqual(whole.segments);
  });

  it.each<[string, TranscribeOptions]>([
    ['pauses', {}],
    ['utterances that are cut for their length', { endpoint: { maxUtteranceMs: 2000, threshold: 0.3 } }],
    ['no pauses at all', { segmentation: 'none' }],
  ])(
    'are the same when each is read by another one: %s',
    async (_name, options) => {
      const expected = await recognizer.transcribeFile(long, options);
      const segments: Segment[] = [];
      let from: ResumePoint | undefined;
      let interruptions = 0;
      for (let ended = false; !ended;) {
        const pieces = recognizer.transcribePieces(long, options, {
          pieceSeconds: 4 * PIECE_SECONDS,
          ...(from === undefined ? {} : { from }),
        });
        const { done, value } = await pieces.next();
        segments.push(...value.segments);
        if (done === true) ended = true;
        else from = JSON.parse(JSON.stringify(value.resume)) as ResumePoint;
        await pieces.return(undefined as never);
        interruptions += 1;
      }
      if (options.segmentation === undefined) expect(interruptions).toBeGreaterThan(2);
      expect(segments).toEqual(expected.segments);
    },
    120_000,
  );

  it('close their file when they are given up', async () => {
    const pieces = recognizer.transcribePieces(long, {}, { pieceSeconds: PIECE_SECONDS });
    await pieces.next();
    await pieces.return(undefined as never);
    expect(recognizer.stats().busy).toBe(0);
  });
});

describe('jobs', () => {
  let dir: string;
  let storage: LocalStorage;
  const queues: EmbeddedQueue[] = [];
  const open = async (sliceMs = 60_000): Promise<EmbeddedQueue> => {
    const queue = await openEmbeddedQueue({ dir: join(dir, 'jobs'), sliceMs, retryDelayMs: 1 });
    queues.push(queue);
    return queue;
  };
  const runner = (maxSeconds = 3600): JobRunner =>
    new JobRunner({
      recognizer,
      storage,
      maxSeconds,
      pieceSeconds: PIECE_SECONDS,
      fetchToStorage: async (_url, key) => storage.put(key, Readable.from([await readFile(long)])),
    });
  const handlers = (transcribe: JobHandlers['transcribe']): JobHandlers => ({
    transcribe,
    notify: async () => undefined,
  });
  const audio = async (id: string, path: string, spec: Partial<JobSpec> = {}) => {
    const { key, bytes } = await storage.put(`audio/${id}`, Readable.from([await readFile(path)]));
    const source = { type: 'object', key, bytes } as const;
    return newJob(id, { source, model: recognizer.defaultModel, options: {}, ...spec });
  };
  const result = async (key: string): Promise<Transcript> =>
    (await json(await storage.get(key))) as Transcript;
  const ends = (queue: EmbeddedQueue, id: string, state: string): Promise<void> =>
    expect.poll(async () => (await queue.get(id))?.state, { ...PATIENT, timeout: 60_000 }).toBe(state);

  beforeEach(async () => {
    dir = await mkdtemp(join(folder, 'jobs-'));
    storage = await LocalStorage.open({ dir: join(dir, 'objects'), keepFreeBytes: 0 });
  });
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
  });

  it('end with the transcript of the file, also of one at a URL', async () => {
    const queue = await open();
    await queue.submit(await audio('a', long));
    const source = { type: 'url', url: 'https://example.org/long.wav' } as const;
    await queue.submit(newJob('b', { source, model: recognizer.defaultModel, options: {} }));
    const work = runner();
    await queue.work(
      handlers((lease) => work.transcribe(lease)),
      { concurrency: 2 },
    );
    for (const id of ['a', 'b']) {
      await ends(queue, id, 'completed');
      const job = (await queue.get(id))!;
      expect(job.progress).toEqual({ doneSeconds: whole.duration, totalSeconds: whole.duration });
      const { stages, processingSeconds, ...transcript } = await result(job.resultKey!);
      expect({ ...transcript, stages: whole.stages, processingSeconds: whole.processingSeconds }).toEqual(
        whole,
      );
      expect(stages.encoderMs).toBeGreaterThan(0);
      expect(processingSeconds).toBeGreaterThan(0);
    }
  }, 120_000);

  it('end with the same transcript when every worker dies after two pieces', async () => {
    let queue = await open();
    await queue.submit(await audio('a', long));
    const work = runner();
    for (let lives = 0; ; lives += 1) {
      let saved = 0;
      const died = new Promise<void>((resolve) => {
        const dying: JobHandlers['transcribe'] = (lease) => {
          const checkpoint = lease.checkpoint.bind(lease);
          lease.checkpoint = async (piece) => {
            await checkpoint(piece);
            if (++saved === 2) {
              resolve();
              await new Promise(() => undefined);
            }
          };
          return work.transcribe(lease);
        };
        void queue.work(handlers(dying), { concurrency: 1 });
      });
      const how = await Promise.race([
        died.then(() => 'died'),
        ends(queue, 'a', 'completed').then(() => 'completed'),
      ]);
      if (how === 'completed') {
        expect(lives).toBeGreaterThan(2);
        break;
      }
      // Without a farewell: the next process finds the job as it was left.
      await (queue as unknown as { readonly link: { close(): Promise<void> } }).link.close();
      queue = await open();
    }
    const job = (await queue.get('a'))!;
    const { segments, text, duration } = await result(job.resultKey!);
    expect(segments).toEqual(whole.segments);
    expect(text).toBe(whole.text);
    expect(duration).toBe(whole.duration);
  }, 120_000);

  it('give way to short ones, and lose nothing by it', async () => {
    const queue = await open(1);
    const order: string[] = [];
    await queue.submit(await audio('long', long));
    const work = runner();
    await queue.work(
      handlers(async (lease) => {
        order.push(lease.job.id);
        if (order.length === 1) await queue.submit(await audio('short', clip('greeting.wav')));
        return work.transcribe(lease);
      }),
      { concurrency: 1 },
    );
    await ends(queue, 'long', 'completed');
    expect(order.slice(0, 3)).toEqual(['long', 'short', 'long']);
    const job = (await queue.get('long'))!;
    expect(job.attempts).toBe(1);
    expect((await result(job.resultKey!)).segments).toEqual(whole.segments);
  }, 120_000);

  it('stop within a second when they are cancelled, and leave no result', async () => {
    const queue = await open();
    await queue.submit(await audio('a', long));
    const work = runner();
    let ended = 0;
    const started = new Promise<void>((resolve) => {
      void queue.work(
        handlers(async (lease) => {
          lease.signal.addEventListener('abort', () => undefined);
          const checkpoint = lease.checkpoint.bind(lease);
          lease.checkpoint = async (piece) => {
            await checkpoint(piece);
            resolve();
          };
          try {
            return await work.transcribe(lease);
          } finally {
            ended = performance.now();
          }
        }),
        { concurrency: 1 },
      );
    });
    await started;
    const since = performance.now();
    await queue.cancel('a');
    await expect.poll(() => ended, PATIENT).toBeGreaterThan(0);
    expect(ended - since).toBeLessThan(1000);
    expect((await queue.get('a'))!.state).toBe('cancelled');
    expect(await storage.head('results/a.json')).toBeUndefined();
    expect(recognizer.stats().busy).toBe(0);
  }, 60_000);

  it.each([
    ['audio that is none', async () => Buffer.from('this is no audio '.repeat(100)), 'audio_unrecognized'],
    ['a file that breaks off', async () => (await readFile(long)).subarray(0, 200_000), 'audio_truncated'],
    ['audio that is too long', async () => readFile(long), 'audio_too_long'],
  ])('fail with the reason: %s', async (_name, bytes, code) => {
    const queue = await open();
    const path = join(dir, 'file');
    await writeFile(path, await bytes());
    await queue.submit(await audio('a', path));
    const work = runner(code === 'audio_too_long' ? 5 : 3600);
    await queue.work(
      handlers((lease) => work.transcribe(lease)),
      { concurrency: 1 },
    );
    await ends(queue, 'a', 'failed');
    expect(await queue.get('a')).toMatchObject({ attempts: 1, error: { code } });
    expect(await storage.head('results/a.json')).toBeUndefined();
  });

  it('fail when their audio is gone, and after so many worker threads that died on them', async () => {
    const queue = await open();
    await queue.submit(newJob('gone', { model: recognizer.defaultModel, options: {} }));
    await queue.submit(await audio('poison', clip('greeting.wav')));
    const poisoned = {
      async *transcribePieces(): ReturnType<Recognizer['transcribePieces']> {
        yield { segments: [], doneSeconds: 1, resume: { state: 'x', doneSeconds: 1, segments: 0 } };
        throw new MalgwiError('worker_crashed');
      },
    };
    const work = new JobRunner({
      recognizer: poisoned,
      storage,
      maxSeconds: 60,
      fetchToStorage: async () => undefined,
    });
    await queue.work(
      handlers((lease) => work.transcribe(lease)),
      { concurrency: 1 },
    );
    await ends(queue, 'gone', 'failed');
    expect(await queue.get('gone')).toMatchObject({ attempts: 1, error: { code: 'object_not_found' } });
    await ends(queue, 'poison', 'failed');
    expect(await queue.get('poison')).toMatchObject({ attempts: 3, error: { code: 'worker_crashed' } });
  });
});
