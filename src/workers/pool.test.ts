import { afterEach, describe, expect, it } from 'vitest';
import { WorkerPool, type PoolOptions } from './pool.js';

const entry = new URL('../../test/fixtures/pool-worker.mjs', import.meta.url);
const pools: WorkerPool[] = [];

async function start(options: Partial<PoolOptions> = {}): Promise<WorkerPool> {
  const pool = new WorkerPool({ entry, size: 2, queueLimit: 50, ...options });
  pools.push(pool);
  await pool.start();
  return pool;
}

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

const code = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'resolved',
    (error: { code?: string }) => error.code,
  );

describe('WorkerPool', () => {
  it('answers calls on several threads', async () => {
    const pool = await start();
    const threads = await Promise.all(Array.from({ length: 8 }, () => pool.call<number>('block', 20)));
    expect(new Set(threads).size).toBe(2);
  });

  it('keeps calls of one reservation on one thread, with its state', async () => {
    const pool = await start();
    const reservation = pool.reserve();
    const counts = await Promise.all([1, 2, 3].map(() => pool.call('count', null, { reservation })));
    expect(counts).toEqual([1, 2, 3]);
    expect(await pool.call('count', null, { reservation: pool.reserve() })).toBe(1);
  });

  it('takes live work before batch work', async () => {
    const pool = await start({ size: 1 });
    const order: string[] = [];
    const running = pool.call('block', 50);
    const batch = pool.call('echo', 1, { priority: 'batch' }).then(() => order.push('batch'));
    const interactive = pool.call('echo', 1).then(() => order.push('interactive'));
    const live = pool.call('echo', 1, { priority: 'live' }).then(() => order.push('live'));
    await Promise.all([running, batch, interactive, live]);
    expect(order).toEqual(['live', 'interactive', 'batch']);
  });

  it('adds up what calls take of their threads, waiting not included, and side by side only once', async () => {
    const pool = await start({ size: 1 });
    const meter = { busySeconds: 0 };
    const reservation = pool.reserve();
    const unmetered = pool.call('block', 200);
    const metered = pool.call('block', 60, { meter });
    await Promise.all([unmetered, metered]);
    expect(meter.busySeconds).toBeGreaterThan(0.055);
    expect(meter.busySeconds).toBeLessThan(0.2);

    meter.busySeconds = 0;
    const blocking = pool.call('block', 30);
    const peers = [1, 2, 3, 4].map((subject) => pool.call('peers', null, { reservation, subject, meter }));
    await Promise.all([blocking, ...peers]);
    // Each of the four takes 40 ms, at the same time.
    expect(meter.busySeconds).toBeGreaterThan(0.035);
    expect(meter.busySeconds).toBeLessThan(0.15);
  });

  describe('calls with subjects', () => {
    it('are worked on side by side, those of one subject one after the other', async () => {
      const pool = await start({ size: 1 });
      const reservation = pool.reserve();
      const running = pool.call('block', 30);
      const subjects = [1, 2, 3, 1, 4];
      const peers = subjects.map((subject) => pool.call<number>('peers', null, { reservation, subject }));
      const alone = pool.call<number>('peers', null, { reservation });
      await running;
      expect(await Promise.all(peers)).toEqual([4, 4, 4, 1, 4]);
      expect(await alone).toBe(1);
    });

    it('do not wait for company', async () => {
      const pool = await start({ size: 1 });
      const reservation = pool.reserve();
      const first = pool.call<number>('peers', null, { reservation, subject: 1 });
      const second = pool.call<number>('peers', null, { reservation, subject: 2 });
      expect([await first, await second]).toEqual([1, 1]);
    });

    it('fail, are given up and die each by itself, or all with their thread', async () => {
      const pool = await start({ size: 1 });
      const reservation = pool.reserve();
      const giveUp = new AbortController();
      const running = pool.call('block', 30);
      const of = (subject: number) => ({ reservation, subject });
      const calls = [
        code(pool.call('refuse', null, of(1))),
        code(pool.call('wait', 200, { ...of(2), signal: giveUp.signal })),
        code(pool.call('echo', 'well', of(3))),
      ];
      await running;
      expect(await calls[2]).toBe('resolved');
      giveUp.abort();
      expect(await Promise.all(calls)).toEqual(['audio_empty', 'cancelled', 'resolved']);
      const again = pool.call('block', 30);
      const dying = [code(pool.call('wait', 500, of(1))), code(pool.call('die', null, of(2)))];
      await again;
      expect(await Promise.all(dying)).toEqual(['worker_crashed', 'worker_crashed']);
    });
  });

  it('refuses beyond its bound at once', async () => {
    const pool = await start({ size: 1, queueLimit: 2 });
    const calls = [1, 2, 3, 4, 5].map(() => code(pool.call('block', 30)));
    expect(await Promise.all(calls)).toEqual([
      'resolved',
      'resolved',
      'resolved',
      'queue_full',
      'queue_full',
    ]);
  });

  it('cancels a waiting call without running it and a running one at once', async () => {
    const pool = await start({ size: 1 });
    const controller = new AbortController();
    const running = code(pool.call('wait', 300, { signal: controller.signal }));
    const waiting = code(pool.call('count', null, { signal: controller.signal }));
    controller.abort();
    expect(await Promise.all([running, waiting])).toEqual(['cancelled', 'cancelled']);
    expect(pool.queued).toBe(0);
    expect(await code(pool.call('echo', 1, { signal: AbortSignal.abort() }))).toBe('cancelled');
  });

  it('tells the thread of a running call that was cancelled, and only of that one', async () => {
    const pool = await start({ size: 1 });
    const controller = new AbortController();
    const running = code(pool.call('steps', 1e9, { signal: controller.signal }));
    const next = pool.call('steps', 50);
    setTimeout(() => controller.abort(), 50);
    expect(await running).toBe('cancelled');
    expect(await next).toBe(50);
    controller.abort();
    expect(await pool.call('state', null)).toBe(50);
  });

  it('replaces a worker that dies and fails what was on it', async () => {
    const deaths: string[] = [];
    const pool = await start({ size: 1, onRestart: (reason) => deaths.push(reason) });
    const reservation = pool.reserve();
    const dying = code(pool.call('die', null));
    const bound = code(pool.call('count', null, { reservation }));
    const shared = pool.call('echo', 'survives');
    expect(await dying).toBe('worker_crashed');
    expect(await bound).toBe('worker_crashed');
    expect(await shared).toBe('survives');
    expect(await code(pool.call('count', null, { reservation }))).toBe('worker_crashed');
    expect(deaths).toHaveLength(1);
    expect(pool.restarts).toBe(1);
  });

  it('gives up a call that hangs, and its thread, and works on', async () => {
    const pool = await start({ size: 1, callTimeoutMs: 100 });
    expect(await code(pool.call('wait', 3000))).toBe('timeout');
    expect(await pool.call('echo', 'again')).toBe('again');
  });

  it('passes known errors on and hides the detail of others', async () => {
    const logged: string[] = [];
    const pool = await start({ onInternalError: (_method, stack) => logged.push(stack) });
    await expect(pool.call('refuse', null)).rejects.toMatchObject({ code: 'audio_empty', param: 'file' });
    await expect(pool.call('fault', null)).rejects.toMatchObject({ code: 'internal_error' });
    await expect(pool.call('fault', null)).rejects.not.toThrow(/secret/);
    expect(logged.join()).toContain('secret detail');
  });

  it('rejects everything after close', async () => {
    const pool = await start({ size: 1 });
    const running = code(pool.call('wait', 300));
    const waiting = code(pool.call('echo', 1));
    await pool.close();
    expect(await Promise.all([running, waiting, code(pool.call('echo', 1))])).toEqual(
      Array(3).fill('shutting_down'),
    );
  });

  it('leaves the event loop free while every worker is busy', async () => {
    const pool = await start();
    const busy = Promise.all([pool.call('block', 300), pool.call('block', 300)]);
    let ticks = 0;
    const timer = setInterval(() => (ticks += 1), 10);
    await busy;
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(5);
  });

  it('gives no reservation on a thread that is being replaced while another works', async () => {
    const pool = await start({ size: 2 });
    const dying = pool.reserve();
    const held = [pool.reserve(), pool.reserve(), pool.reserve()];
    expect(await code(pool.call('die', null, { reservation: dying }))).toBe('worker_crashed');
    dying.release();
    for (const one of held) if (one.slot === dying.slot) one.release();
    expect(pool.reserve().slot).not.toBe(dying.slot);
  });

  it('works again when threads that were given up come back', async () => {
    const pool = await start({ size: 1, callTimeoutMs: 40 });
    for (let hang = 0; hang < 4; hang += 1) {
      expect(await code(pool.call('wait', 3000))).toBe('timeout');
    }
    // No thread is left that could take it, and none will be started before one of the four answers.
    expect(await code(pool.call('count', null, { reservation: pool.reserve() }))).toBe('worker_crashed');
    expect(await pool.call('echo', 'back')).toBe('back');
  });
});
