/** What only this adapter has: outages of Redis, lost locks, what a killed process left untold. The rest is jobs/conformance.ts. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UnrecoverableError, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasRedisServer, startRedis, type RedisServer } from '../../../scripts/lib/redis-server.mjs';
import { MalgwiError } from '../../errors.js';
import type { JobEvent, JobHandlers, JobSpec, NewJob } from '../contract.js';
import { openBullmqQueue, type BullmqOptions, type BullmqQueue } from './index.js';

const available = hasRedisServer();
let redis: RedisServer;
let dir: string;
let number = 0;
const queues: BullmqQueue[] = [];

beforeAll(async () => {
  if (!available) return;
  dir = await mkdtemp(join(tmpdir(), 'malgwi-redis-'));
  redis = await startRedis({ dir });
});
afterAll(async () => {
  await redis?.kill();
  if (dir !== undefined) await rm(dir, { recursive: true, force: true });
});
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.close()));
});

const QUICK: Partial<BullmqOptions> = {
  leaseMs: 600,
  stalledIntervalMs: 200,
  retryDelayMs: 50,
  noticeDelayMs: 50,
  timeoutMs: 1000,
  startTimeoutMs: 2000,
};

async function open(options: Partial<BullmqOptions> = {}): Promise<BullmqQueue> {
  const prefix = options.prefix ?? `test${++number}`;
  const queue = await openBullmqQueue({ url: redis.url, ...QUICK, ...options, prefix });
  queues.push(queue);
  return queue;
}

function job(id: string, spec: Partial<JobSpec> = {}): NewJob {
  return {
    id,
    spec: {
      source: { type: 'object', key: `audio/${id}`, bytes: 1 },
      model: 'malgwi-ko',
      options: {},
      outputs: ['json'],
      priority: 'normal',
      owner: '',
      ...spec,
    },
  };
}

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve!: () => void;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

/** Takes a lock away until its holder notices. */
async function steal(lock: string, signal: AbortSignal): Promise<void> {
  const client = new Redis(redis.url);
  while (!signal.aborted) {
    await client.del(lock);
    await sleep(10);
  }
  client.disconnect();
}

const completes: JobHandlers = {
  transcribe: async ({ job }) => ({
    type: 'completed',
    resultKey: `results/${job.id}.json`,
    progress: { doneSeconds: 1, totalSeconds: 1 },
  }),
  notify: async () => undefined,
};

async function eventsOf(queue: BullmqQueue, id: string): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of queue.events(id, { signal: AbortSignal.timeout(20_000) })) events.push(event);
  return events;
}

describe.skipIf(!available)('jobs on Redis (redis-server is not installed: skipped)', () => {
  test('a job goes its way', async () => {
    const queue = await open();
    expect(await queue.submit(job('a'))).toMatchObject({
      created: true,
      job: { state: 'queued', attempts: 0 },
    });
    expect(await queue.waiting('a')).toEqual({ ahead: 0 });
    await queue.work(completes, { concurrency: 2 });
    const events = await eventsOf(queue, 'a');
    expect(events.map(({ type }) => type)).toEqual(['queued', 'started', 'completed']);
    expect(await queue.get('a')).toMatchObject({
      state: 'completed',
      resultKey: 'results/a.json',
      attempts: 1,
    });
  });

  test('a retryable failure is tried again, then fails; the webhook is told of it once', async () => {
    const queue = await open();
    const notices: string[] = [];
    await queue.submit(job('b', { webhook: 'https://example.org/' }));
    await queue.work(
      {
        transcribe: async () => {
          throw new MalgwiError('storage_unavailable');
        },
        notify: async ({ messageId, attempt }) => {
          notices.push(`${messageId} ${attempt}`);
          if (attempt < 2) throw new MalgwiError('url_fetch_failed');
        },
      },
      { concurrency: 1 },
    );
    const events = await eventsOf(queue, 'b');
    expect(events.map(({ type }) => type)).toEqual([
      'queued',
      'started',
      'retrying',
      'started',
      'retrying',
      'started',
      'failed',
    ]);
    await expect
      .poll(async () => (await queue.get('b'))?.notification?.state, { timeout: 5000 })
      .toBe('delivered');
    expect(notices).toEqual(['b.1 1', 'b.1 2']);
    expect((await queue.stats()).pendingNotifications).toBe(0);
  });

  test('a cancelled job stops, and its lease is void', async () => {
    const queue = await open();
    await queue.submit(job('c'));
    let refused: unknown;
    await queue.work(
      {
        ...completes,
        transcribe: async (lease) => {
          await new Promise((resolve) => lease.signal.addEventListener('abort', resolve));
          refused = await lease.progress({ doneSeconds: 1 }).catch((error: unknown) => error);
          return completes.transcribe(lease);
        },
      },
      { concurrency: 1 },
    );
    await expect.poll(async () => (await queue.get('c'))?.state).toBe('active');
    expect(await queue.cancel('c')).toMatchObject({ state: 'cancelled' });
    await expect.poll(() => refused).toMatchObject({ code: 'job_lease_lost' });
    expect(await queue.get('c')).toMatchObject({ state: 'cancelled' });
    await sleep(300);
    expect(await queue.get('c')).toMatchObject({ state: 'cancelled' });
  });

  test('a full queue, and a full share of it, take no more', async () => {
    const queue = await open({ maxQueued: 3 });
    const mine = (id: string): NewJob => ({ ...job(id, { owner: 'me' }), maxQueuedOfOwner: 2 });
    await queue.submit(mine('m1'));
    await queue.submit(mine('m2'));
    await expect(queue.submit(mine('m3'))).rejects.toMatchObject({ code: 'job_queue_full' });
    await queue.submit(job('o1', { owner: 'other' }));
    await expect(queue.submit(job('o2', { owner: 'other' }))).rejects.toMatchObject({
      code: 'job_queue_full',
    });
  });

  test('what was submitted and never dispatched is found by the sweep', async () => {
    const queue = await open();
    await queue.submit(job('untold'));
    // As if the process had died between the two.
    const client = new Redis(redis.url);
    const prefix = `{test${number}}:`;
    await queue.boards[0]!.remove('untold.1');
    await client.zadd(`${prefix}outbox`, 1, 'job:untold.1');
    await queue.work(completes, { concurrency: 1 });
    await expect.poll(async () => (await queue.get('untold'))?.state, { timeout: 8000 }).toBe('completed');
    expect(await client.zcard(`${prefix}outbox`)).toBe(0);
    client.disconnect();
  });

  test('jobs and notices that BullMQ lost come back', async () => {
    const queue = await open();
    const told: string[] = [];
    await queue.submit(job('lost'));
    await queue.submit(job('lost2', { webhook: 'https://example.org/' }));
    await queue.cancel('lost2');
    for (const board of queue.boards) await board.obliterate({ force: true });
    await queue.work(
      { ...completes, notify: async ({ job }) => void told.push(`${job.id} ${job.state}`) },
      { concurrency: 1 },
    );
    await expect.poll(async () => (await queue.get('lost'))?.state, { timeout: 20_000 }).toBe('completed');
    await expect.poll(() => told, { timeout: 20_000 }).toEqual(['lost2 cancelled']);
  }, 60_000);

  test('a dispatch that ended without its job is made again', async () => {
    const prefix = `test${++number}`;
    const queue = await open({ prefix });
    await queue.submit(job('half'));
    const client = new Redis(redis.url, { maxRetriesPerRequest: null });
    const stranger = new Worker(
      'jobs',
      async () => {
        throw new UnrecoverableError('not one of ours');
      },
      { connection: client, prefix: `{${prefix}}` },
    );
    await once(stranger, 'failed');
    await stranger.close();
    client.disconnect();
    expect(await queue.get('half')).toMatchObject({ state: 'queued' });
    await queue.work(completes, { concurrency: 1 });
    await expect.poll(async () => (await queue.get('half'))?.state, { timeout: 20_000 }).toBe('completed');
  }, 30_000);

  test('what comes up between a job and Redis puts the job off, and loses nothing', async () => {
    const own = await mkdtemp(join(tmpdir(), 'malgwi-redis-'));
    const server = await startRedis({ dir: own });
    const client = new Redis(server.url);
    const errors: unknown[] = [];
    const queue = await open({ url: server.url });
    await queue.work(
      {
        ...completes,
        transcribe: async (lease) => {
          // No memory left: Redis refuses whatever would take some.
          if (lease.job.attempts === 1) {
            await client.config('SET', 'maxmemory', '1');
            setTimeout(() => void client.config('SET', 'maxmemory', '0'), 300);
          }
          return completes.transcribe(lease);
        },
      },
      { concurrency: 1, onError: (error) => errors.push(error) },
    );
    await queue.submit(job('full'));
    await expect.poll(async () => (await queue.get('full'))?.state, { timeout: 20_000 }).toBe('completed');
    expect(String(errors[0])).toContain('OOM');
    await queue.close();
    client.disconnect();
    await server.kill();
    await rm(own, { recursive: true, force: true });
  }, 30_000);

  test('a lost lock is a lost lease: the next worker ends the job, the first one is refused', async () => {
    const prefix = `test${++number}`;
    // Seldom renewed, often looked for: its holder would take the lock back.
    const options = { prefix, leaseMs: 4000, stalledIntervalMs: 50 };
    const [a, b] = [await open(options), await open(options)];
    await a.submit(job('d'));
    let refused: unknown;
    let reason: unknown;
    const held = deferred();
    await a.work(
      {
        ...completes,
        transcribe: async (lease) => {
          await lease.checkpoint({ index: 0, doneSeconds: 3, segments: [] });
          held.resolve();
          await steal(`{${prefix}}:jobs:d.1:lock`, lease.signal);
          reason = lease.signal.reason;
          refused = await lease
            .checkpoint({ index: 1, doneSeconds: 4, segments: [] })
            .catch((error: unknown) => error);
          return { type: 'completed', resultKey: 'results/wrong.json', progress: { doneSeconds: 4 } };
        },
      },
      { concurrency: 1 },
    );
    await held.promise;
    const pieces: number[] = [];
    await b.work(
      {
        ...completes,
        transcribe: async (lease) => {
          pieces.push((await lease.checkpoints()).length);
          return completes.transcribe(lease);
        },
      },
      { concurrency: 1 },
    );
    await expect.poll(() => refused, { timeout: 8000 }).toMatchObject({ code: 'job_lease_lost' });
    expect(reason).toMatchObject({ code: 'job_lease_lost' });
    await expect.poll(async () => (await a.get('d'))?.state, { timeout: 8000 }).toBe('completed');
    expect(await a.get('d')).toMatchObject({ resultKey: 'results/d.json', attempts: 2 });
    expect(pieces).toEqual([1]);
  });

  test('a job that takes its workers down fails after bounded tries', async () => {
    const queue = await open({ stalledIntervalMs: 50, leaseMs: 2000 });
    await queue.submit(job('poison'));
    let begun = 0;
    await queue.work(
      {
        ...completes,
        transcribe: async (lease) => {
          begun++;
          await steal(`{test${number}}:jobs:poison.1:lock`, lease.signal);
          throw lease.signal.reason;
        },
      },
      { concurrency: 10 },
    );
    await expect.poll(async () => (await queue.get('poison'))?.state, { timeout: 20_000 }).toBe('failed');
    expect((await queue.get('poison'))?.error).toMatchObject({ code: 'worker_crashed' });
    expect(begun).toBe(5);
  }, 30_000);

  test('draining hands jobs back with their pieces, and no attempt is counted', async () => {
    const prefix = `test${++number}`;
    const [a, b] = [await open({ prefix }), await open({ prefix })];
    await a.submit(job('e'));
    const held = deferred();
    const worker = await a.work(
      {
        ...completes,
        transcribe: async (lease) => {
          await lease.checkpoint({ index: 0, doneSeconds: 3, segments: [] });
          held.resolve();
          return new Promise(() => undefined);
        },
      },
      { concurrency: 1 },
    );
    await held.promise;
    const since = performance.now();
    await worker.drain(100);
    expect(performance.now() - since).toBeLessThan(4000);
    expect(await b.get('e')).toMatchObject({ state: 'queued', attempts: 1, progress: { doneSeconds: 3 } });
    expect(await b.waiting('e')).toEqual({ ahead: 0 });
    await b.work(completes, { concurrency: 1 });
    await expect.poll(async () => (await b.get('e'))?.state).toBe('completed');
    expect(await b.get('e')).toMatchObject({ attempts: 1 });
  });

  test('Redis is away: requests are refused in time, running work goes on when it is back', async () => {
    const own = await mkdtemp(join(tmpdir(), 'malgwi-redis-'));
    const server = await startRedis({ dir: own });
    const errors: unknown[] = [];
    const queue = await open({ url: server.url, onError: (error) => errors.push(error) });
    await queue.submit(job('f'));
    const held = deferred();
    const goOn = deferred();
    await queue.work(
      {
        ...completes,
        transcribe: async (lease) => {
          held.resolve();
          await goOn.promise;
          await lease.checkpoint({ index: 0, doneSeconds: 3, segments: [] });
          return completes.transcribe(lease);
        },
      },
      { concurrency: 1, onError: (error) => errors.push(error) },
    );
    await held.promise;
    const events = eventsOf(queue, 'f');
    await sleep(100);
    await server.kill();
    const since = performance.now();
    await expect(queue.submit(job('g'))).rejects.toMatchObject({ code: 'job_queue_unavailable' });
    await expect(queue.get('f')).rejects.toMatchObject({ code: 'job_queue_unavailable' });
    expect(performance.now() - since).toBeLessThan(3000);
    goOn.resolve();
    // Longer than the lease: its lock has run out when Redis is back.
    await sleep(1500);
    await server.start();
    await expect
      .poll(async () => (await queue.get('f').catch(() => undefined))?.state, { timeout: 8000 })
      .toBe('completed');
    expect((await events).at(-1)).toMatchObject({ type: 'completed' });
    expect(await queue.get('g')).toBeUndefined();
    expect(errors.map((error) => (error as MalgwiError).code)).toContain('job_queue_unavailable');
    await queue.close();
    await server.kill();
    await rm(own, { recursive: true, force: true });
  });

  test('a Redis that would lose jobs is refused, one that is not there too', async () => {
    const own = await mkdtemp(join(tmpdir(), 'malgwi-redis-'));
    const server = await startRedis({ dir: own, args: ['--maxmemory-policy', 'allkeys-lru'] });
    await expect(open({ url: server.url })).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('noeviction') as string,
    });
    await server.kill();
    await expect(open({ url: server.url, startTimeoutMs: 300 })).rejects.toMatchObject({
      code: 'job_queue_unavailable',
    });
    await rm(own, { recursive: true, force: true });
  });

  test('10,000 queued jobs: pages within 50 ms, submitting within 20 ms', async () => {
    const queue = await open({ timeoutMs: 20_000 });
    const times: number[] = [];
    const specs = Array.from({ length: 10_000 }, (_, i) => job(`many${i}`, { owner: `owner${i % 7}` }));
    for (let i = 0; i < specs.length; i += 100)
      await Promise.all(specs.slice(i, i + 100).map((one) => queue.submit(one)));
    for (let i = 0; i < 50; i++) {
      const since = performance.now();
      await queue.submit(job(`later${i}`));
      times.push(performance.now() - since);
    }
    const seen = new Set<string>();
    let cursor: string | undefined;
    let slowest = 0;
    for (let pages = 0; pages < 60; pages++) {
      const since = performance.now();
      const page = await queue.list({
        states: ['queued', 'active'],
        limit: 200,
        ...(cursor === undefined ? {} : { cursor }),
      });
      slowest = Math.max(slowest, performance.now() - since);
      for (const { id } of page.jobs) seen.add(id);
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(seen.size).toBe(10_050);
    times.sort((x, y) => x - y);
    // Generous: other tests run beside this one. scripts/bench-jobs.mjs measures.
    expect(times[47]).toBeLessThan(200);
    expect(slowest).toBeLessThan(500);
  }, 120_000);
});
