/** Submitting, listing, cancelling, removing, counting. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import type { Job, JobQueue, NewJob } from '../contract.js';
import { newJob, deferred, completed, handlers, code, told, collect, type Suite } from './support.js';

export function clientSuite({ open, openAll, reaches }: Suite): void {
  describe('submitting', () => {
    it('gives back what was submitted, also after a restart', async () => {
      const queue = await open();
      const wanted = newJob('a', { name: '회의 1.wav', webhook: 'https://example.org/' });
      const before = Date.now();
      const { job, created } = await queue.submit(wanted);
      expect(created).toBe(true);
      expect(job).toEqual({
        id: 'a',
        spec: wanted.spec,
        state: 'queued',
        createdAt: job.createdAt,
        attempts: 0,
        progress: { doneSeconds: 0 },
      });
      expect(Math.abs(job.createdAt - before)).toBeLessThan(60_000);
      expect(await queue.get('a')).toEqual(job);
      await queue.close();
      expect(await (await open()).get('a')).toEqual(job);
    });

    it('has kept what it accepted when the process dies in the next moment', async () => {
      const { queue, crash } = await openAll();
      const ids = Array.from({ length: 20 }, (_, index) => `a${index}`);
      await Promise.all(ids.map((id) => queue.submit(newJob(id))));
      await crash();
      const again = await open();
      for (const id of ids) expect(await again.get(id)).toMatchObject({ id, state: 'queued' });
    });

    it('knows an idempotency key again, of the same owner alone', async () => {
      const queue = await open();
      const key = { idempotencyKey: 'key 1 ä', fingerprint: 'x' };
      expect((await queue.submit(newJob('a', { owner: 'me' }, key))).created).toBe(true);
      expect(await queue.submit(newJob('b', { owner: 'me' }, key))).toMatchObject({
        created: false,
        job: { id: 'a' },
      });
      expect(await queue.get('b')).toBeUndefined();
      expect((await queue.submit(newJob('c', { owner: 'you' }, key))).created).toBe(true);
      const other = { ...key, fingerprint: 'y' };
      expect(await code(queue.submit(newJob('d', { owner: 'me' }, other)))).toBe('idempotency_mismatch');
      expect(await queue.get('d')).toBeUndefined();
    });

    it('makes one job of many submissions at once with the same key', async () => {
      const queue = await open();
      const answers = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          queue.submit(newJob(`a${index}`, {}, { idempotencyKey: 'k', fingerprint: 'f' })),
        ),
      );
      expect(answers.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(answers.map(({ job }) => job.id)).size).toBe(1);
    });

    it('forgets a key with its job', async () => {
      const queue = await open();
      await queue.submit(newJob('a', {}, { idempotencyKey: 'k', fingerprint: 'f' }));
      await queue.cancel('a');
      await queue.remove('a');
      const again = await queue.submit(newJob('b', {}, { idempotencyKey: 'k', fingerprint: 'g' }));
      expect(again).toMatchObject({ created: true, job: { id: 'b' } });
    });

    it('refuses more jobs than may wait', async () => {
      const queue = await open({ maxQueued: 2 });
      await queue.submit(newJob('a', {}, { idempotencyKey: 'k', fingerprint: 'f' }));
      await queue.submit(newJob('b'));
      expect(await code(queue.submit(newJob('c')))).toBe('job_queue_full');
      // A submission that is known takes no room.
      const known = await queue.submit(newJob('d', {}, { idempotencyKey: 'k', fingerprint: 'f' }));
      expect(known.created).toBe(false);
      await queue.cancel('a');
      expect((await queue.submit(newJob('c'))).created).toBe(true);
    });

    it('refuses more jobs than its owner may have waiting', async () => {
      const queue = await open();
      const mine = (id: string): NewJob => newJob(id, { owner: 'me' }, { maxQueuedOfOwner: 2 });
      await queue.submit(mine('a'));
      await queue.submit(newJob('b', { owner: 'you' }));
      await queue.submit(mine('c'));
      expect(await code(queue.submit(mine('d')))).toBe('job_queue_full');
      await queue.submit(newJob('e', { owner: 'you' }, { maxQueuedOfOwner: 2 }));
    });
  });

  describe('listing', () => {
    it('pages through all jobs, newest first, each once', async () => {
      const queue = await open();
      for (let i = 0; i < 23; i++) await queue.submit(newJob(`a${i}`));
      const seen: Job[] = [];
      let pages = 0;
      for (let cursor: string | undefined; ; pages++) {
        const page = await queue.list({ limit: 10, ...(cursor === undefined ? {} : { cursor }) });
        seen.push(...page.jobs);
        // What comes while someone pages does not shift the pages.
        if (pages === 0) await queue.submit(newJob('late'));
        cursor = page.cursor;
        if (cursor === undefined) break;
      }
      expect(pages).toBe(2);
      expect(seen.map(({ id }) => id)).toEqual(Array.from({ length: 23 }, (_, i) => `a${22 - i}`));
    });

    it('has no cursor where nothing follows', async () => {
      const queue = await open();
      for (let i = 0; i < 4; i++) await queue.submit(newJob(`a${i}`));
      const first = await queue.list({ limit: 2 });
      expect(first.cursor).toBeDefined();
      const last = await queue.list({ limit: 2, cursor: first.cursor! });
      expect(last.jobs).toHaveLength(2);
      expect(last.cursor).toBeUndefined();
      expect(await (await open()).list({ limit: 5, states: ['failed'] })).toEqual({ jobs: [] });
    });

    it('filters by state and by owner', async () => {
      const queue = await open();
      for (const [id, owner] of [
        ['a', 'me'],
        ['b', 'you'],
        ['c', 'me'],
        ['d', 'you'],
      ] as const)
        await queue.submit(newJob(id, { owner }));
      await queue.cancel('c');
      await queue.cancel('d');
      const ids = async (query: Parameters<JobQueue['list']>[0]): Promise<string[]> =>
        (await queue.list(query)).jobs.map(({ id }) => id);
      expect(await ids({ limit: 10, owner: 'me' })).toEqual(['c', 'a']);
      expect(await ids({ limit: 10, states: ['queued'] })).toEqual(['b', 'a']);
      expect(await ids({ limit: 10, states: ['cancelled', 'queued'] })).toEqual(['d', 'c', 'b', 'a']);
      expect(await ids({ limit: 10, states: ['cancelled'], owner: 'you' })).toEqual(['d']);
      expect(await ids({ limit: 10, owner: 'nobody' })).toEqual([]);
    });

    it('refuses a cursor that is not its own', async () => {
      const queue = await open();
      for (const cursor of ['x', '', '12', 'YWZ0ZXIgLTE', "' OR 1=1"]) {
        expect(await code(queue.list({ limit: 5, cursor }))).toBe('invalid_field');
      }
    });
  });

  describe('cancelling', () => {
    it('ends a queued job', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      const job = await queue.cancel('a');
      expect(job).toMatchObject({ state: 'cancelled', attempts: 0 });
      expect(job.finishedAt).toBeGreaterThan(0);
      let runs = 0;
      await queue.work(
        handlers(async (lease) => {
          runs += 1;
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await queue.submit(newJob('b'));
      await reaches(queue, 'b', 'completed');
      expect(runs).toBe(1);
      expect(await queue.get('a')).toEqual(job);
    });

    it('stops a job at work within a second, and keeps it cancelled', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.submit(newJob('b'));
      const started = deferred();
      let reason: unknown;
      let stoppedAt = 0;
      await queue.work(
        handlers(async (lease) => {
          if (lease.job.id === 'b') return completed(lease);
          started.resolve();
          await told(lease);
          stoppedAt = performance.now();
          reason = lease.signal.reason;
          return completed(lease);
        }),
        { concurrency: 1 },
      );
      await started.promise;
      const since = performance.now();
      expect(await queue.cancel('a')).toMatchObject({ state: 'cancelled' });
      await reaches(queue, 'b', 'completed');
      expect(stoppedAt - since).toBeLessThan(1000);
      expect(reason).toMatchObject({ code: 'cancelled' });
      const job = (await queue.get('a'))!;
      expect(job.state).toBe('cancelled');
      expect(job.resultKey).toBeUndefined();
    });

    it('leaves an ended job as it is, and knows no other', async () => {
      const queue = await open();
      await queue.submit(newJob('a'));
      await queue.work(
        handlers(async (lease) => completed(lease)),
        { concurrency: 1 },
      );
      await reaches(queue, 'a', 'completed');
      const job = await queue.get('a');
      expect(await queue.cancel('a')).toEqual(job);
      expect(await code(queue.cancel('none'))).toBe('job_not_found');
    });
  });

  describe('removing', () => {
    it('forgets an ended job and everything of it', async () => {
      const queue = await open();
      await queue.submit(newJob('a', { owner: 'me' }));
      expect(await code(queue.remove('a'))).toBe('job_not_finished');
      await queue.cancel('a');
      await queue.remove('a');
      expect(await queue.get('a')).toBeUndefined();
      expect(await queue.list({ limit: 10, owner: 'me' })).toEqual({ jobs: [] });
      expect((await queue.stats()).byState.cancelled).toBe(0);
      expect(await code(queue.remove('a'))).toBe('job_not_found');
      expect(await queue.expired(Date.now() + 60_000, 10)).toEqual([]);
      const events = queue.events('a', { signal: AbortSignal.timeout(1000) });
      expect(await code(collect(events))).toBe('job_not_found');
    });

    it('tells what ended before a moment, oldest first', async () => {
      const queue = await open();
      for (const id of ['a', 'b', 'c', 'open']) await queue.submit(newJob(id));
      for (const id of ['b', 'a', 'c']) {
        await queue.cancel(id);
        await sleep(5);
      }
      const { finishedAt } = (await queue.get('c'))!;
      expect((await queue.expired(finishedAt!, 10)).map(({ id }) => id)).toEqual(['b', 'a']);
      expect((await queue.expired(finishedAt! + 1, 2)).map(({ id }) => id)).toEqual(['b', 'a']);
      expect(await queue.expired(finishedAt! - 60_000, 10)).toEqual([]);
    });
  });

  it('counts', async () => {
    const queue = await open({ maxAttempts: 1 });
    const empty = { queued: 0, active: 0, completed: 0, failed: 0, cancelled: 0 };
    expect(await queue.stats()).toEqual({
      byState: empty,
      oldestQueuedSeconds: 0,
      pendingNotifications: 0,
    });
    for (const id of ['a', 'b', 'c', 'd', 'e']) await queue.submit(newJob(id));
    await queue.cancel('e');
    await sleep(30);
    const waiting = await queue.stats();
    expect(waiting.byState).toEqual({ ...empty, queued: 4, cancelled: 1 });
    expect(waiting.oldestQueuedSeconds).toBeGreaterThan(0.02);
    expect(waiting.oldestQueuedSeconds).toBeLessThan(60);
    const held = deferred();
    await queue.work(
      handlers(async (lease) => {
        if (lease.job.id === 'a') return completed(lease);
        if (lease.job.id === 'b') throw new MalgwiError('audio_empty');
        held.resolve();
        await told(lease);
        throw new MalgwiError('cancelled');
      }),
      { concurrency: 1 },
    );
    await held.promise;
    const { byState } = await queue.stats();
    expect(byState).toEqual({ queued: 1, active: 1, completed: 1, failed: 1, cancelled: 1 });
  });
}
