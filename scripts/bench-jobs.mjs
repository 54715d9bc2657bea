// What the job queue itself costs, without any recognition: `npm run bench:jobs -- --adapter embedded|bullmq [--json]`.
//   overhead   wall time of jobs that do nothing, one after the other, divided by their number: dispatch, lease, a checkpoint,
//              the end
//   submit     with 10,000 jobs queued
//   page       200 of them, and a filtered one, anywhere in the list
//   ratio      the speed of two worker processes over that of one, with jobs that wait 40 ms for nothing (so that the queue is
//              measured, not the number of cores)
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openQueue } from './lib/chaos/queue.mjs';
import { hasRedisServer, startRedis } from './lib/redis-server.mjs';

const { values } = parseArgs({
  options: {
    adapter: { type: 'string', default: 'bullmq' },
    appendfsync: { type: 'string', default: 'always' },
    json: { type: 'boolean', default: false },
    // A worker process of the ratio, started by this program itself.
    work: { type: 'string' },
  },
});

const WORK_MS = 40;
const handlers = (ms) => ({
  async transcribe(lease) {
    await lease.checkpoints();
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
    await lease.checkpoint({ index: 0, doneSeconds: 1, segments: [] });
    return { type: 'completed', resultKey: `results/${lease.job.id}`, progress: { doneSeconds: 1 } };
  },
  notify: async () => undefined,
});

const jobOf = (id) => ({
  id,
  spec: {
    source: { type: 'object', key: `audio/${id}`, bytes: 1 },
    model: 'none',
    options: {},
    outputs: ['json'],
    priority: 'normal',
    owner: `owner${id.length}`,
  },
});

if (values.work !== undefined) {
  const queue = await openQueue(JSON.parse(values.work));
  await queue.work(handlers(WORK_MS), { concurrency: 1 });
  process.stdout.write('ready\n');
} else await bench();

async function bench() {
  const redisUsed = values.adapter === 'bullmq';
  if (redisUsed && !hasRedisServer()) throw new Error('redis-server is not installed');
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-bench-'));
  let redis;
  const figures = { adapter: values.adapter };
  try {
    if (redisUsed) {
      await mkdir(join(folder, 'redis'));
      redis = await startRedis({ dir: join(folder, 'redis'), appendfsync: values.appendfsync });
      figures.appendfsync = values.appendfsync;
    }
    let number = 0;
    const place = () =>
      redis ? { url: redis.url, prefix: `bench${++number}` } : { dir: join(folder, String(++number)) };
    figures['overhead, ms per job'] = await overhead(await openQueue(place()), 400);
    Object.assign(figures, await crowded(await openQueue(place())));
    if (redis) figures['two workers over one'] = await ratio(place);
  } finally {
    await redis?.kill();
    await rm(folder, { recursive: true, force: true });
  }
  if (values.json) console.log(JSON.stringify(figures));
  else
    for (const [name, value] of Object.entries(figures))
      console.log(`${name.padEnd(28)} ${typeof value === 'number' ? value.toFixed(2) : value}`);
}

async function submitMany(queue, from, count) {
  for (let i = 0; i < count; i += 100)
    await Promise.all(
      Array.from({ length: Math.min(100, count - i) }, (_, j) => queue.submit(jobOf(`job${from + i + j}`))),
    );
}

async function empty(queue) {
  for (;;) {
    const { byState } = await queue.stats();
    if (byState.queued + byState.active === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function overhead(queue, count) {
  await submitMany(queue, 0, count);
  const since = performance.now();
  await queue.work(handlers(0), { concurrency: 1 });
  await empty(queue);
  const each = (performance.now() - since) / count;
  await queue.close();
  return each;
}

async function timed(count, act) {
  const times = [];
  for (let i = 0; i < count; i++) {
    const since = performance.now();
    await act(i);
    times.push(performance.now() - since);
  }
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(count * 0.5)], p95: times[Math.floor(count * 0.95)] };
}

async function crowded(queue) {
  await submitMany(queue, 0, 10_000);
  const submit = await timed(400, (i) => queue.submit(jobOf(`more${i}`)));
  const cursors = [undefined];
  for (let i = 0; i < 40; i++) {
    const at = cursors.at(-1);
    const { cursor } = await queue.list({ limit: 200, ...(at === undefined ? {} : { cursor: at }) });
    cursors.push(cursor);
  }
  const query = (i) => {
    const cursor = cursors[i % cursors.length];
    return { limit: 200, ...(cursor === undefined ? {} : { cursor }) };
  };
  const page = await timed(200, (i) => queue.list(query(i)));
  const filtered = await timed(200, (i) =>
    queue.list({ ...query(i), states: ['queued', 'active'], owner: 'owner7' }),
  );
  const place = await timed(200, (i) => queue.waiting(`job${i * 40}`));
  await queue.close();
  return {
    'submit, ms p50': submit.p50,
    'submit, ms p95': submit.p95,
    'page of 200, ms p95': page.p95,
    'filtered page, ms p95': filtered.p95,
    'place in line, ms p95': place.p95,
  };
}

async function ratio(placeOf) {
  const run = async (workers) => {
    const place = placeOf();
    const queue = await openQueue(place);
    const self = fileURLToPath(import.meta.url);
    await submitMany(queue, 0, 120);
    const children = Array.from({ length: workers }, () =>
      spawn(process.execPath, [self, '--work', JSON.stringify(place)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    // From the moment that all of them work: starting a process is not the queue's doing.
    await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
    const left = async () => (await queue.stats()).byState.completed;
    const first = await left();
    const since = performance.now();
    await empty(queue);
    const speed = (120 - first) / (performance.now() - since);
    for (const child of children) child.kill('SIGKILL');
    await queue.close();
    return speed;
  };
  const one = await run(1);
  return (await run(2)) / one;
}
