import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MalgwiError } from '../../errors.js';
import { jobsConformance } from '../conformance.js';
import { completed, handlers, newJob, PATIENT, piece } from '../conformance/support.js';
import { openEmbeddedQueue, type EmbeddedQueue } from './index.js';
import type { Link } from './link.js';

/** Ends the way to the database: whatever is still said reaches nobody, and what was not written is gone. */
const crash = async (queue: EmbeddedQueue): Promise<void> =>
  (queue as unknown as { readonly link: Link }).link.close();

jobsConformance('embedded', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'malgwi-jobs-'));
  const queues: EmbeddedQueue[] = [];
  return {
    open: async (settings) => {
      await queues.at(-1)?.close();
      const queue = await openEmbeddedQueue({ dir, ...settings });
      queues.push(queue);
      return { queue, crash: () => crash(queue) };
    },
    remove: async () => {
      await Promise.all(queues.map((queue) => queue.close()));
      await rm(dir, { recursive: true, force: true });
    },
  };
});

/** Submits jobs, and works on them, until it is killed; says on its output what was accepted. */
const PROGRAM = `
const { openEmbeddedQueue } = await import(process.env.QUEUE);
const queue = await openEmbeddedQueue({ dir: process.env.DIR, sliceMs: 1, retryDelayMs: 1 });
await queue.work({
  async transcribe(lease) {
    const from = (await lease.checkpoints()).length;
    for (let index = from; index < 5; index++) {
      await lease.checkpoint({ index, doneSeconds: index + 1, segments: [] });
      if (lease.shouldYield()) return { type: 'yielded' };
    }
    return { type: 'completed', resultKey: 'results/' + lease.job.id, progress: { doneSeconds: 5 } };
  },
  notify: async () => undefined,
}, { concurrency: 2 });
for (let index = 0; ; index++) {
  const id = process.env.NAME + index;
  const spec = { source: { type: 'object', key: 'audio/' + id, bytes: 1 }, model: 'm', options: {}, outputs: ['json'],
    priority: 'normal', owner: '' };
  await queue.submit({ id, spec });
  process.stdout.write(id + '\\n');
}
`;

describe('jobs in a file', () => {
  let dir: string;
  const queues: EmbeddedQueue[] = [];
  const open = async (options: Partial<Parameters<typeof openEmbeddedQueue>[0]> = {}) => {
    const queue = await openEmbeddedQueue({ dir, ...options });
    queues.push(queue);
    return queue;
  };
  const refusal = async (): Promise<MalgwiError> => {
    const error = await open({ lockWaitMs: 100 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MalgwiError);
    return error as MalgwiError;
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'malgwi-jobs-'));
  });
  afterEach(async () => {
    await Promise.all(queues.splice(0).map((queue) => queue.close()));
    await rm(dir, { recursive: true, force: true });
  });

  it('loses nothing that was accepted when its process is killed, again and again', async () => {
    const accepted: string[] = [];
    for (let life = 0; life < 4; life++) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], {
        env: {
          ...process.env,
          QUEUE: new URL('../../../dist/jobs/embedded/index.js', import.meta.url).href,
          DIR: dir,
          NAME: `life${life}-`,
        },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
      await expect.poll(() => said.split('\n').length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(30);
      child.kill('SIGKILL');
      await once(child, 'exit');
      // The last line may be cut off.
      accepted.push(...said.split('\n').slice(0, -1));
    }
    const queue = await open();
    for (const id of accepted) expect(await queue.get(id)).toMatchObject({ id });
    await queue.work(
      handlers(async (lease) => completed(lease)),
      { concurrency: 8 },
    );
    await expect
      .poll(async () => {
        const { byState } = await queue.stats();
        return byState.queued + byState.active;
      }, PATIENT)
      .toBe(0);
    const { byState } = await queue.stats();
    expect(byState).toMatchObject({ failed: 0, cancelled: 0 });
    expect(byState.completed).toBeGreaterThanOrEqual(accepted.length);
  }, 120_000);

  it('belongs to one process at a time, and waits for the one before', async () => {
    const first = await open();
    const error = await refusal();
    expect(error.code).toBe('config_invalid');
    expect(error.message).toContain('another process');
    const second = open({ lockWaitMs: 10_000 });
    await first.close();
    expect((await (await second).stats()).byState.queued).toBe(0);
  });

  it('says what is wrong with its file', async () => {
    await writeFile(join(dir, 'jobs.db'), 'this is no database, '.repeat(1000));
    expect((await refusal()).message).toContain('damaged');
    await rm(join(dir, 'jobs.db'));
    await mkdir(join(dir, 'jobs.db'));
    expect((await refusal()).code).toBe('config_invalid');
  });

  it('does not touch what a later version wrote', async () => {
    await (await open()).close();
    const db = new Database(join(dir, 'jobs.db'));
    db.exec('PRAGMA user_version = 1000');
    db.close();
    expect((await refusal()).message).toContain('later version');
  });

  it('goes by the clock that it is given', async () => {
    let now = 1_000_000;
    const queue = await open({ now: () => now, retryDelayMs: 3_600_000 });
    const runs: string[] = [];
    await queue.submit(newJob('a'));
    await queue.work(
      handlers(async (lease) => {
        runs.push(lease.job.id);
        if (runs.length === 1) throw new MalgwiError('timeout');
        return completed(lease);
      }),
      { concurrency: 1 },
    );
    await expect.poll(async () => (await queue.get('a'))?.error?.code, PATIENT).toBe('timeout');
    now += 3_599_000;
    await queue.submit(newJob('b'));
    await expect.poll(async () => (await queue.get('b'))?.state, PATIENT).toBe('completed');
    expect(runs).toEqual(['a', 'b']);
    now += 2000;
    await queue.submit(newJob('c'));
    await expect.poll(async () => (await queue.get('a'))?.state, PATIENT).toBe('completed');
    expect(await queue.get('a')).toMatchObject({ createdAt: 1_000_000, finishedAt: 4_601_000 });
  });

  it('keeps its files small while jobs come and go', async () => {
    const queue = await open();
    await queue.work(
      handlers(async (lease) => {
        for (let index = 0; index < 5; index++) await lease.checkpoint(piece(index));
        return completed(lease);
      }),
      { concurrency: 4 },
    );
    for (let round = 0; round < 10; round++) {
      const ids = Array.from({ length: 60 }, (_, index) => `round${round}-${index}`);
      await Promise.all(ids.map((id) => queue.submit(newJob(id, { name: 'x'.repeat(1000) }))));
      await expect.poll(async () => (await queue.stats()).byState.completed, PATIENT).toBe(60);
      await Promise.all(ids.map((id) => queue.remove(id)));
    }
    for (const name of ['jobs.db', 'jobs.db-wal']) {
      expect((await stat(join(dir, name))).size).toBeLessThan(8 * 2 ** 20);
    }
  }, 60_000);
});
