/** Events, notices, and the end of a worker. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import {
  PATIENT,
  newJob,
  deferred,
  piece,
  completed,
  handlers,
  code,
  told,
  collect,
  types,
  type Suite,
} from './support.js';

export function newsSuite({ open, openAll, reaches }: Suite): void {
  describe('events', () => {
    it('goes on behind the last one that was seen', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.work(
        handlers(async (lease) => completed(lease)),
        { concurrency: 1 },
      );
      await reaches(queue, 'a', 'completed');
      const signal = AbortSignal.timeout(5000);
      const all = await collect(queue.events('a', { signal }));
      expect(types(all)).toEqual(['queued', 'started', 'completed']);
      const rest = await collect(queue.events('a', { signal, after: all[0]!.id }));
      expect(types(rest)).toEqual(['started', 'completed']);
      expect(rest.at(-1)).toEqual(all.at(-1));
      expect(await collect(queue.events('a', { signal, after: all.at(-1)!.id }))).toEqual([]);
    });

    it('reaches those that wait for it, and only the latest progress is owed', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const goOn = deferred();
      await queue.work(
        handlers(async (lease) => {
          await goOn.promise;
          for (let index = 0; index < 5; index++) await lease.checkpoint(piece(index));
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      const followed = collect(queue.events('a', { signal: AbortSignal.timeout(10_000) }));
      await sleep(50);
      goOn.resolve();
      const live = await followed;
      expect(types(live)).toEqual(['queued', 'started', 'completed']);
      expect(live.at(-1)!.progress).toEqual({ doneSeconds: 2, totalSeconds: 2 });
      const later = await collect(queue.events('a', { signal: AbortSignal.timeout(5000) }));
      const progress = later.filter(({ type }) => type === 'progress');
      expect(progress.map(({ progress: { doneSeconds } }) => doneSeconds)).toEqual([5]);
    });

    it('ends with the signal', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const controller = new AbortController();
      const followed = collect(queue.events('a', { signal: controller.signal }));
      setTimeout(() => controller.abort(), 50);
      expect(types(await followed)).toEqual(['queued']);
    });

    it('goes on over a retry by hand', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.cancel('a');
      await queue.retry('a');
      const followed = collect(queue.events('a', { signal: AbortSignal.timeout(10_000) }));
      await queue.work(
        handlers(async (lease) => completed(lease)),
        { concurrency: 1 },
      );
      expect(types(await followed)).toEqual(['queued', 'cancelled', 'queued', 'started', 'completed']);
    });
  });

  describe('notices', () => {
    const webhook = 'https://example.org/hook';

    it('tells of every end once', async () => {
      const queue = await open();
      const told_: [string, string, string][] = [];
      await queue.submit(newJob('a', { webhook }));
      await queue.submit(newJob('b', { webhook }));
      await queue.submit(newJob('c'));
      await queue.submit(newJob('d', { webhook, priority: 'low' }));
      await queue.cancel('d');
      await queue.work(
        handlers(
          async (lease) => {
            if (lease.job.id === 'b') throw new MalgwiError('audio_empty');
            return completed(lease);
          },
          async ({ job, url, messageId }) => void told_.push([job.state, url, messageId]),
        ),
        { concurrency: 1 },
      );
      await expect.poll(() => told_.length, PATIENT).toBe(3);
      for (const id of ['a', 'b', 'd']) {
        await expect
          .poll(async () => (await queue.get(id))?.notification, PATIENT)
          .toEqual({ state: 'delivered', attempts: 1 });
      }
      expect(told_.map(([state, url]) => `${state} ${url}`).sort()).toEqual([
        `cancelled ${webhook}`,
        `completed ${webhook}`,
        `failed ${webhook}`,
      ]);
      expect(new Set(told_.map(([, , id]) => id)).size).toBe(3);
      expect((await queue.get('c'))?.notification).toBeUndefined();
      expect((await queue.stats()).pendingNotifications).toBe(0);
    });

    it('tries again with growing pauses, the same message, so often and no more', async () => {
      const queue = await open({ noticeDelayMs: 100 });
      const attempts: { at: number; attempt: number; messageId: string }[] = [];
      await queue.submit(newJob('a', { webhook }));
      await queue.work(
        handlers(
          async (lease) => completed(lease),
          async ({ attempt, messageId }) => {
            attempts.push({ at: performance.now(), attempt, messageId });
            throw new MalgwiError('url_fetch_failed');
          },
        ),
        { concurrency: 1 },
      );
      await expect
        .poll(async () => (await queue.get('a'))?.notification, PATIENT)
        .toEqual({ state: 'failed', attempts: 3, lastOutcome: 'url_fetch_failed' });
      expect(attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
      expect(new Set(attempts.map(({ messageId }) => messageId)).size).toBe(1);
      expect(attempts[1]!.at - attempts[0]!.at).toBeGreaterThanOrEqual(90);
      expect(attempts[2]!.at - attempts[1]!.at).toBeGreaterThanOrEqual(190);
      expect(await queue.get('a')).toMatchObject({ state: 'completed' });
    });

    it('survives the process, and holds up no job', async () => {
      const { queue, crash } = await openAll();
      const asked = deferred();
      await queue.submit(newJob('a', { webhook }));
      await queue.work(
        handlers(
          async (lease) => completed(lease),
          async () => {
            asked.resolve();
            await new Promise(() => undefined);
          },
        ),
        { concurrency: 1, onError: () => undefined },
      );
      await asked.promise;
      await queue.submit(newJob('b'));
      await reaches(queue, 'b', 'completed');
      expect((await queue.stats()).pendingNotifications).toBe(1);
      await crash();
      const again = await open();
      const messages: string[] = [];
      await again.work(
        handlers(
          async (lease) => completed(lease),
          async ({ messageId }) => void messages.push(messageId),
        ),
        { concurrency: 1 },
      );
      await expect.poll(async () => (await again.get('a'))?.notification?.state, PATIENT).toBe('delivered');
      expect(messages).toHaveLength(1);
    });
  });

  describe('ending', () => {
    it('lets jobs end within the grace, and takes nothing more', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.submit(newJob('b'));
      const started = deferred();
      const worker = await queue.work(
        handlers(async (lease) => {
          started.resolve();
          await sleep(150);
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await started.promise;
      await worker.drain(5000);
      expect(await queue.get('a')).toMatchObject({ state: 'completed' });
      expect(await queue.get('b')).toMatchObject({ state: 'queued', attempts: 0 });
    });

    it('hands jobs back at once after it, with their pieces, in their place, as no failed attempt', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.submit(newJob('b'));
      const started = deferred();
      let reason: unknown;
      const worker = await queue.work(
        handlers(async (lease) => {
          await lease.checkpoint(piece(0));
          started.resolve();
          await told(lease);
          reason = lease.signal.reason;
          throw new MalgwiError('cancelled');
        }),
        { concurrency: 1 },
      );
      await started.promise;
      const since = performance.now();
      await worker.drain(50);
      expect(performance.now() - since).toBeLessThan(2000);
      expect(reason).toMatchObject({ code: 'shutting_down' });
      const job = (await queue.get('a'))!;
      expect(job).toMatchObject({ state: 'queued', attempts: 1 });
      expect(job.error).toBeUndefined();
      await queue.close();
      const again = await open();
      const order: [string, number, number][] = [];
      await again.work(
        handlers(async (lease) => {
          order.push([lease.job.id, lease.job.attempts, (await lease.checkpoints()).length]);
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(again, 'b', 'completed');
      expect(order).toEqual([
        ['a', 1, 1],
        ['b', 1, 0],
      ]);
    });

    it('hands back what does not listen', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const started = deferred();
      const worker = await queue.work(
        handlers(async () => {
          started.resolve();
          return new Promise(() => undefined);
        }),
        { concurrency: 1 },
      );
      await started.promise;
      await worker.drain(0);
      expect(await queue.get('a')).toMatchObject({ state: 'queued', attempts: 1 });
    });

    it('ends its followers when it is closed', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const followed = collect(queue.events('a', { signal: AbortSignal.timeout(20_000) }));
      await sleep(30);
      await queue.close();
      expect(types(await followed)).toEqual(['queued']);
      expect(await code(queue.submit(newJob('b')))).toBe('job_queue_unavailable');
    });
  });
}
