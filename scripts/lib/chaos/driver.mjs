/**
 * A process of a chaos run that needs no model: it submits jobs, or works on them, or both. Its task is JSON in its argument.
 */
import { appendFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openQueue } from './queue.mjs';
import { PIECES, segmentOf } from './work.mjs';

const task = JSON.parse(process.argv[2]);
const { name, roles, count, folder, concurrency, paceMs } = task;
const results = join(folder, 'results');
const temporary = join(folder, 'tmp', name);

const handlers = {
  async transcribe(lease) {
    const { id } = lease.job;
    const done = await lease.checkpoints();
    const segments = done.flatMap((piece) => piece.segments);
    for (let index = done.length; index < PIECES; index++) {
      await sleep(10 + Math.random() * 40, undefined, { signal: lease.signal });
      const piece = { index, doneSeconds: index + 1, segments: [segmentOf(id, index)] };
      await lease.checkpoint(piece);
      segments.push(...piece.segments);
      if (index + 1 < PIECES && lease.shouldYield()) return { type: 'yielded' };
    }
    // As a storage does: whole or not at all.
    await writeFile(join(temporary, id), JSON.stringify(segments.map(({ text }) => text)));
    await rename(join(temporary, id), join(results, id));
    return {
      type: 'completed',
      resultKey: `results/${id}`,
      progress: { doneSeconds: PIECES, totalSeconds: PIECES },
    };
  },
  async notify({ job, messageId, attempt }) {
    // Every seventh is refused once.
    if (attempt === 1 && Number(job.id.slice(3)) % 7 === 0) throw new Error('refused');
    await appendFile(
      join(folder, 'notices'),
      `${JSON.stringify({ id: job.id, state: job.state, messageId })}\n`,
    );
  },
};

async function submitAll(queue) {
  for (let i = 0; i < count; i++) {
    const id = `job${i}`;
    const spec = {
      source: { type: 'object', key: `audio/${id}`, bytes: 1 },
      model: 'none',
      options: {},
      outputs: ['json'],
      priority: ['high', 'normal', 'low'][i % 3],
      owner: '',
      webhook: 'https://example.org/',
    };
    // Whether a process that died had submitted it already, the key tells.
    for (;;) {
      const failure = await queue.submit({ id, spec, idempotencyKey: id, fingerprint: id }).then(
        () => undefined,
        (error) => error,
      );
      if (failure === undefined) break;
      if (failure.code !== 'job_queue_unavailable') throw failure;
      await sleep(100);
    }
    await sleep(paceMs);
  }
}

const queue = await openQueue(task, (error) => console.error(error.message));
if (roles.includes('work')) {
  await mkdir(results, { recursive: true });
  // What this worker left behind when it was killed.
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  await queue.work(handlers, { concurrency });
}
process.stdout.write('ready\n');
if (roles.includes('submit')) await submitAll(queue);
setInterval(() => undefined, 2 ** 30);
