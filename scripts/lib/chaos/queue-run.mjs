/** A chaos run of the queue alone: no model, no HTTP, hundreds of jobs in a minute. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Process } from './process.mjs';
import { openQueue } from './queue.mjs';
import { resultOf } from './work.mjs';

const DRIVER = fileURLToPath(new URL('./driver.mjs', import.meta.url));
const ENDED = ['completed', 'failed', 'cancelled'];

/**
 * @param redis a server, for BullMQ; without it the embedded adapter, whose one process does everything
 * @returns what the run kills, how far it is, and its checks
 */
export async function queueRun({ folder, redis, jobs, workers }) {
  const place = redis ? { url: redis.url } : { dir: join(folder, 'queue') };
  await Promise.all(
    ['results', 'tmp', 'queue'].map((name) => mkdir(join(folder, name), { recursive: true })),
  );
  const process = (name, roles) => {
    const task = { ...place, name, roles, count: jobs, folder, concurrency: 2, paceMs: 20 };
    return new Process({ name, args: [DRIVER, JSON.stringify(task)], log: join(folder, `${name}.log`) });
  };
  const services = redis
    ? [
        process('server', ['submit']),
        ...Array.from({ length: workers }, (_, i) => process(`worker-${i + 1}`, ['work'])),
      ]
    : [process('server', ['submit', 'work'])];
  // The embedded queue belongs to its process; how far that is, the results tell.
  const watcher = redis && (await openQueue(place));

  return {
    services,
    start: () => Promise.all(services.map((service) => service.start())),
    async progress() {
      if (!watcher) return (await readdir(join(folder, 'results'))).length;
      const { byState } = await watcher.stats();
      return ENDED.reduce((sum, state) => sum + byState[state], 0);
    },
    async over() {
      const notices = await readNotices(folder);
      return new Set(notices.map(({ messageId }) => messageId)).size >= jobs;
    },
    async check() {
      await Promise.all(services.map((service) => service.kill()));
      const queue = watcher || (await openQueue(place));
      try {
        return await check(queue, folder, jobs);
      } finally {
        await queue.close();
      }
    },
  };
}

async function readNotices(folder) {
  const text = await readFile(join(folder, 'notices'), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

async function check(queue, folder, jobs) {
  const faults = [];
  const found = [];
  for (let cursor; ;) {
    const page = await queue.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    found.push(...page.jobs);
    cursor = page.cursor;
    if (cursor === undefined) break;
  }
  const byId = new Map(found.map((job) => [job.id, job]));
  if (byId.size !== found.length) faults.push(`${found.length - byId.size} jobs are listed twice`);
  const ids = Array.from({ length: jobs }, (_, i) => `job${i}`);
  let attempts = 0;
  for (const id of ids) {
    const job = byId.get(id);
    if (job === undefined) {
      faults.push(`${id} is lost`);
      continue;
    }
    attempts += job.attempts;
    if (job.state !== 'completed') {
      faults.push(`${id} is ${job.state}${job.error ? ` (${job.error.code}: ${job.error.message})` : ''}`);
      continue;
    }
    const ends = [];
    for await (const event of queue.events(id, { signal: AbortSignal.timeout(10_000) }))
      if (ENDED.includes(event.type)) ends.push(event.type);
    if (ends.length !== 1) faults.push(`${id} ended ${ends.length} times: ${ends.join(', ')}`);
    const result = await readFile(join(folder, 'results', id), 'utf8').catch(() => undefined);
    if (result !== resultOf(id)) faults.push(`${id} has ${result === undefined ? 'no' : 'another'} result`);
    if (job.notification?.state !== 'delivered')
      faults.push(`${id}: its notice is ${job.notification?.state}`);
  }
  for (const { id } of found) if (!ids.includes(id)) faults.push(`${id} was never submitted`);

  const notices = await readNotices(folder);
  const told = new Map();
  for (const { id, state, messageId } of notices) {
    if (state !== byId.get(id)?.state) faults.push(`${id}: the notice says ${state}`);
    const ofJob = told.get(id) ?? new Set();
    told.set(id, ofJob.add(messageId));
  }
  for (const id of ids) {
    const count = told.get(id)?.size ?? 0;
    if (count !== 1) faults.push(`${id} has ${count} different notices`);
  }
  const left = (await readdir(join(folder, 'tmp'), { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile(),
  );
  // What a worker was writing when it was killed for the last time is cleared at its next start.
  const stats = await queue.stats();
  return {
    faults,
    completed: found.filter(({ state }) => state === 'completed').length,
    attempts,
    notices: notices.length,
    'notices told twice': notices.length - new Set(notices.map(({ messageId }) => messageId)).size,
    'temporary files': left.length,
    'notices pending': stats.pendingNotifications,
  };
}
