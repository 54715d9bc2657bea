/** Work, failures, and what becomes of leases. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import type { JobLease, JobOutcome, JobSpec } from '../contract.js';
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

export function workSuite({ open, openAll, reaches }: Suite): void {
  describe('working', () => {
    it('brings a job to its end, with its events in order', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.work(
        handlers(async (lease) => {
          expect(lease.job).toMatchObject({ id: 'a', state: 'active', attempts: 1 });
          await lease.progress({ doneSeconds: 1, totalSeconds: 2 });
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      const events = await collect(queue.events('a', { signal: AbortSignal.timeout(10_000) }));
      expect(types(events)).toEqual(['queued', 'started', 'completed']);
      const numbers = events.map(({ id }) => Number(id));
      expect(numbers).toEqual([...numbers].sort((x, y) => x - y));
      const job = (await queue.get('a'))!;
      expect(job).toMatchObject({
        state: 'completed',
        attempts: 1,
        resultKey: 'results/a.json',
        progress: { doneSeconds: 2, totalSeconds: 2 },
      });
      expect(job.error).toBeUndefined();
      expect(job.startedAt).toBeGreaterThanOrEqual(job.createdAt);
      expect(job.finishedAt).toBeGreaterThanOrEqual(job.startedAt!);
    });

    it('takes as many at a time as it was told', async () => {
      const queue = await open();
      let now = 0;
      let most = 0;
      await queue.work(
        handlers(async (lease) => {
          most = Math.max(most, ++now);
          await sleep(30);
          now -= 1;
          return completed(lease);
        }),
        { concurrency: 3 },
      );
      await Promise.all(Array.from({ length: 9 }, (_, i) => queue.submit(newJob(`a${i}`))));
      await expect.poll(async () => (await queue.stats()).byState.completed, PATIENT).toBe(9);
      expect(most).toBe(3);
    });

    it('takes high before normal before low, and each in order', async () => {
      const queue = await open();
      const order: string[] = [];
      for (const id of ['low1', 'normal1', 'high1', 'low2', 'normal2', 'high2'])
        await queue.submit(newJob(id, { priority: id.slice(0, -1) as JobSpec['priority'] }));
      expect(await queue.waiting('high2')).toEqual({ ahead: 1 });
      expect(await queue.waiting('low1')).toEqual({ ahead: 4 });
      await queue.work(
        handlers(async (lease) => {
          order.push(lease.job.id);
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await expect.poll(() => order.length, PATIENT).toBe(6);
      expect(order).toEqual(['high1', 'high2', 'normal1', 'normal2', 'low1', 'low2']);
      await reaches(queue, 'low2', 'completed');
      expect(await queue.waiting('low2')).toBeUndefined();
      expect(await queue.waiting('none')).toBeUndefined();
    });

    it('has a job give way to others when it had its share, and go on later', async () => {
      const queue = await open({ sliceMs: 50 });
      const order: string[] = [];
      let slices = 0;
      await queue.submit(newJob('long'));
      await queue.work(
        handlers(async (lease) => {
          const { id } = lease.job;
          order.push(id);
          if (id !== 'long') return completed(lease);
          expect(lease.job.attempts).toBe(1);
          const done = await lease.checkpoints();
          expect(done.map(({ index }) => index)).toEqual(Array.from({ length: slices }, (_, i) => i));
          slices += 1;
          for (let index = done.length; index < 4; index++) {
            if (index === done.length && slices === 1) {
              expect(lease.shouldYield()).toBe(false);
              await queue.submit(newJob('short1'));
              await queue.submit(newJob('short2'));
            }
            await sleep(60);
            await lease.checkpoint(piece(index));
            if (lease.shouldYield()) return { type: 'yielded' };
          }
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(queue, 'long', 'completed');
      expect(order).toEqual(['long', 'short1', 'short2', 'long']);
      expect(await queue.get('long')).toMatchObject({ attempts: 1 });
    });

    it('does not ask a job to give way when nobody waits, or only what matters less', async () => {
      const queue = await open({ sliceMs: 10 });
      const asked: boolean[] = [];
      await queue.submit(newJob('a'));
      await queue.work(
        handlers(async (lease) => {
          if (lease.job.id !== 'a') return completed(lease);
          for (let index = 0; index < 3; index++) {
            await sleep(20);
            if (index === 1) await queue.submit(newJob('later', { priority: 'low' }));
            await lease.checkpoint(piece(index));
            asked.push(lease.shouldYield());
          }
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(queue, 'a', 'completed');
      expect(asked).toEqual([false, false, false]);
    });

    it('keeps pieces exactly, and refuses one that is out of order', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      let kept: unknown;
      let refused: unknown;
      await queue.work(
        handlers(async (lease) => {
          await lease.checkpoint(piece(0));
          await lease.checkpoint(piece(1));
          refused = await lease.checkpoint(piece(3)).catch((error: unknown) => error);
          kept = await lease.checkpoints();
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(queue, 'a', 'completed');
      expect(kept).toEqual([piece(0), piece(1)]);
      expect(refused).toBeInstanceOf(Error);
    });
  });

  describe('failing', () => {
    it('tries again with growing pauses, so often and no more', async () => {
      const queue = await open({ retryDelayMs: 120 });
      const at: number[] = [];
      await queue.submit(newJob('a'));
      await queue.work(
        handlers(async () => {
          at.push(performance.now());
          throw new MalgwiError('storage_unavailable', { detail: 'the reason' });
        }),
        { concurrency: 1 },
      );
      const events = await collect(queue.events('a', { signal: AbortSignal.timeout(20_000) }));
      expect(types(events)).toEqual([
        'queued',
        'started',
        'retrying',
        'started',
        'retrying',
        'started',
        'failed',
      ]);
      const error = { code: 'storage_unavailable', message: 'the reason' };
      expect(events.at(-1)).toMatchObject({ error });
      expect(await queue.get('a')).toMatchObject({ state: 'failed', attempts: 3, error });
      expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(110);
      expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(220);
    });

    it('says while it waits why the last attempt ended', async () => {
      const queue = await open({ retryDelayMs: 60_000 });
      await queue.submit(newJob('a'));
      await queue.submit(newJob('b'));
      await queue.work(
        handlers(async (lease) => {
          if (lease.job.id === 'b') return completed(lease);
          throw new MalgwiError('worker_crashed');
        }),
        { concurrency: 1 },
      );
      // A job that pauses holds up nobody.
      await reaches(queue, 'b', 'completed');
      expect(await queue.get('a')).toMatchObject({ state: 'queued', error: { code: 'worker_crashed' } });
    });

    it('ends at once what cannot succeed', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.submit(newJob('b'));
      const errors: unknown[] = [];
      await queue.work(
        handlers(async (lease) => {
          if (lease.job.id === 'a') throw new MalgwiError('audio_corrupt');
          throw new TypeError('a secret of the inside');
        }),
        { concurrency: 1, onError: (error) => errors.push(error) },
      );
      await reaches(queue, 'a', 'failed');
      await reaches(queue, 'b', 'failed');
      expect(await queue.get('a')).toMatchObject({ attempts: 1, error: { code: 'audio_corrupt' } });
      const { error } = (await queue.get('b'))!;
      expect(error!.code).toBe('internal_error');
      expect(error!.message).not.toContain('secret');
      expect(errors).toHaveLength(1);
    });

    it('gives the next attempt the pieces of the one before', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const seen: number[] = [];
      await queue.work(
        handlers(async (lease) => {
          const done = await lease.checkpoints();
          seen.push(done.length);
          await lease.checkpoint(piece(done.length));
          if (done.length < 2) throw new MalgwiError('timeout');
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(queue, 'a', 'completed');
      expect(seen).toEqual([0, 1, 2]);
    });

    it('takes a failed job up again by hand, with its pieces and fresh attempts', async () => {
      const queue = await open({ maxAttempts: 1 });
      await queue.submit(newJob('a'));
      let broken = true;
      let kept: number | undefined;
      await queue.work(
        handlers(async (lease) => {
          if (broken) {
            await lease.checkpoint(piece(0));
            throw new MalgwiError('storage_unavailable');
          }
          kept = (await lease.checkpoints()).length;
          expect(lease.job.attempts).toBe(1);
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(queue, 'a', 'failed');
      expect(await code(queue.retry('none'))).toBe('job_not_found');
      broken = false;
      const again = await queue.retry('a');
      expect(again).toMatchObject({ state: 'queued', attempts: 0 });
      expect(again.error).toBeUndefined();
      expect(again.finishedAt).toBeUndefined();
      await reaches(queue, 'a', 'completed');
      expect(kept).toBe(1);
      expect(await code(queue.retry('a'))).toBe('job_not_retryable');
    });
  });

  describe('leases', () => {
    it('gives the jobs of a process that died to the next one, with their pieces', async () => {
      const { queue, crash } = await openAll();
      await queue.submit(newJob('a'));
      const held = deferred<JobLease>();
      await queue.work(
        handlers(async (lease) => {
          await lease.checkpoint(piece(0));
          held.resolve(lease);
          await told(lease);
          throw new MalgwiError('cancelled');
        }),
        { concurrency: 1, onError: () => undefined },
      );
      const lost = await held.promise;
      await crash();
      const again = await open();
      let kept: unknown;
      await again.work(
        handlers(async (lease) => {
          kept = await lease.checkpoints();
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await reaches(again, 'a', 'completed');
      expect(kept).toEqual([piece(0)]);
      expect(await again.get('a')).toMatchObject({ attempts: 2 });
      await expect(lost.checkpoint(piece(1))).rejects.toThrow();
      const ends = (await collect(again.events('a', { signal: AbortSignal.timeout(5000) }))).filter(
        ({ type }) => type === 'completed',
      );
      expect(ends).toHaveLength(1);
    });

    it('refuses what the holder of a lost lease still reports', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const first = deferred<JobLease>();
      const goOn = deferred();
      const second = deferred();
      let runs = 0;
      await queue.work(
        handlers(async (lease) => {
          runs += 1;
          if (runs === 1) {
            first.resolve(lease);
            await goOn.promise;
            return { ...completed(lease), resultKey: 'results/wrong.json' } as JobOutcome;
          }
          second.resolve();
          return completed(lease);
        }),
        { concurrency: 2 },
      );
      const stale = await first.promise;
      await queue.cancel('a');
      await queue.retry('a');
      await second.promise;
      await reaches(queue, 'a', 'completed');
      goOn.resolve();
      expect(await code(stale.checkpoint(piece(0)))).toBe('job_lease_lost');
      expect(await code(stale.checkpoints())).toBe('job_lease_lost');
      expect(await code(stale.progress({ doneSeconds: 9 }))).toBe('job_lease_lost');
      await sleep(50);
      expect(await queue.get('a')).toMatchObject({ state: 'completed', resultKey: 'results/a.json' });
    });

    it('takes a job for the cause whose holders die again and again', async () => {
      for (let died = 0; ; died++) {
        const { queue, crash } = await openAll();
        if (died === 0) await queue.submit(newJob('a'));
        const held = deferred();
        await queue.work(
          handlers(async (lease) => {
            held.resolve();
            await told(lease);
            throw new MalgwiError('cancelled');
          }),
          { concurrency: 1, onError: () => undefined },
        );
        const state = await Promise.race([
          held.promise.then(() => 'active'),
          reaches(queue, 'a', 'failed').then(() => 'failed'),
        ]);
        if (state === 'failed') {
          expect(died).toBeGreaterThanOrEqual(3);
          expect(await queue.get('a')).toMatchObject({ error: { code: 'worker_crashed' } });
          break;
        }
        expect(died).toBeLessThan(10);
        await crash();
      }
    }, 120_000);
  });
}
