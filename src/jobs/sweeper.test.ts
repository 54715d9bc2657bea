import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LocalStorage } from '../storage/local/index.js';
import { completed, handlers, newJob, PATIENT } from './conformance/support.js';
import { openEmbeddedQueue, type EmbeddedQueue } from './embedded/index.js';
import { Sweeper } from './sweeper.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

let dir: string;
let queue: EmbeddedQueue;
let storage: LocalStorage;
/** Ahead of the files' own times, which the disk gives. */
let ahead = 0;

const sweep = (): Promise<void> =>
  new Sweeper({
    queue,
    storage,
    resultMs: 30 * DAY,
    audioMs: 7 * DAY,
    now: () => Date.now() + ahead,
  }).sweep();
const put = (key: string): Promise<unknown> => storage.put(key, Readable.from([Buffer.from(key)]));
const files = async (): Promise<string[]> => {
  const keys: string[] = [];
  for (const folder of ['audio', 'results']) for await (const { key } of storage.list(folder)) keys.push(key);
  return keys.sort();
};

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'malgwi-sweeper-'));
  ahead = 0;
  queue = await openEmbeddedQueue({ dir: join(dir, 'jobs') });
  storage = await LocalStorage.open({ dir: join(dir, 'objects'), keepFreeBytes: 0 });
});
afterEach(async () => {
  await queue.close();
  await rm(dir, { recursive: true, force: true });
});

async function complete(id: string): Promise<void> {
  await put(`audio/${id}`);
  await queue.submit(newJob(id));
  const worker = await queue.work(
    handlers(async (lease) => {
      await put(`results/${id}.json`);
      return completed(lease);
    }),
    { concurrency: 1 },
  );
  await expect.poll(async () => (await queue.get(id))?.state, PATIENT).toBe('completed');
  await worker.drain(0);
}

it('keeps what is needed, and lets time take the rest', async () => {
  await complete('a');
  await put('audio/waiting');
  await queue.submit(newJob('waiting'));
  await sweep();
  expect(await files()).toEqual(['audio/a', 'audio/waiting', 'results/a.json']);
  ahead = 7 * DAY + MINUTE;
  await sweep();
  expect(await files()).toEqual(['audio/waiting', 'results/a.json']);
  expect(await queue.get('a')).toMatchObject({ state: 'completed' });
  ahead = 30 * DAY + MINUTE;
  await sweep();
  expect(await files()).toEqual(['audio/waiting']);
  expect(await queue.get('a')).toBeUndefined();
  expect(await queue.get('waiting')).toMatchObject({ state: 'queued' });
});

it('leaves nothing of a cancelled job after an hour, and no result at all', async () => {
  await put('audio/a');
  await queue.submit(newJob('a'));
  await queue.cancel('a');
  // Written in the moment in which it was cancelled.
  await put('results/a.json');
  await sweep();
  expect(await files()).toEqual(['audio/a']);
  ahead = HOUR + MINUTE;
  await sweep();
  expect(await files()).toEqual([]);
  expect(await queue.get('a')).toMatchObject({ state: 'cancelled' });
});

it('takes what a killed process left over, once it is old enough', async () => {
  await put('audio/never-submitted');
  await put('results/forgotten.json');
  await sweep();
  expect(await files()).toHaveLength(2);
  ahead = HOUR + MINUTE;
  await sweep();
  expect(await files()).toEqual([]);
});

it('leaves a complete upload the time that its client has to make a job of it', async () => {
  await put('audio/upload');
  await put('results/left.json');
  const options = { queue, storage, resultMs: 30 * DAY, audioMs: 7 * DAY, unclaimedMs: DAY };
  const sweeper = new Sweeper({ ...options, now: () => Date.now() + ahead });
  ahead = 23 * HOUR;
  await sweeper.sweep();
  expect(await files()).toEqual(['audio/upload']);
  ahead = DAY + MINUTE;
  await sweeper.sweep();
  expect(await files()).toEqual([]);
});

it('forgets more jobs than come on one page', async () => {
  for (let index = 0; index < 230; index++) {
    await queue.submit(newJob(`a${index}`));
    await queue.cancel(`a${index}`);
  }
  ahead = 31 * DAY;
  await sweep();
  expect(await queue.list({ limit: 1 })).toEqual({ jobs: [] });
});
