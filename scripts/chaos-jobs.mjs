#!/usr/bin/env node
/**
 * Kills the service, its workers and Redis at random moments while they work through a queue of jobs, and counts what was
 * lost: `npm run chaos:jobs -- --adapter embedded|bullmq --jobs 300 --kills 50`.
 *
 * Redis writes every command to its file before it answers (appendfsync always), because that is what "accepted" means here.
 * With everysec, a kill of Redis loses what it had not handed to the system yet while a slow write was under way, and a power
 * cut loses a second: such a run shows how much that is.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { queueRun } from './lib/chaos/queue-run.mjs';
import { serviceRun } from './lib/chaos/service-run.mjs';
import { seeded } from './lib/random.mjs';
import { hasRedisServer, startRedis } from './lib/redis-server.mjs';

const USAGE = `usage: chaos-jobs --adapter embedded|bullmq [--jobs 300] [--kills 50] [--seed 1] [--workers 2] [--minutes 60]
                  [--queue-only] [--appendfsync always|everysec] [--keep] [--json]`;

const { values } = parseArgs({
  options: {
    adapter: { type: 'string', default: '' },
    jobs: { type: 'string', default: '300' },
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '2' },
    minutes: { type: 'string', default: '60' },
    appendfsync: { type: 'string', default: 'always' },
    'queue-only': { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const { adapter, appendfsync } = values;
const numbers = ['jobs', 'kills', 'seed', 'workers', 'minutes'].map((name) => Number(values[name]));
const [jobs, kills, seed, workers, minutes] = numbers;
if (!['embedded', 'bullmq'].includes(adapter) || !numbers.every(Number.isSafeInteger)) {
  console.error(USAGE);
  process.exit(2);
}
if (adapter === 'bullmq' && !hasRedisServer()) {
  console.error('redis-server is not installed');
  process.exit(2);
}

const began = performance.now();
const seconds = () => (performance.now() - began) / 1000;
const say = (text) => values.json || console.error(`${seconds().toFixed(1).padStart(7)} s  ${text}`);
const random = seeded(seed);
const folder = await mkdtemp(join(tmpdir(), 'malgwi-chaos-'));
const ends = [];
let code = 1;
try {
  code = await chaos();
} catch (error) {
  console.error(error);
} finally {
  for (const end of ends.reverse()) await end().catch(() => undefined);
  if (values.keep || code !== 0) console.error(`kept: ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}
process.exit(code);

async function chaos() {
  let redis;
  if (adapter === 'bullmq') {
    await mkdir(join(folder, 'redis'));
    redis = await startRedis({ dir: join(folder, 'redis'), appendfsync });
    ends.push(() => redis.kill());
  }
  const run = await (values['queue-only'] ? queueRun : serviceRun)({ folder, redis, jobs, workers });
  ends.push(() => Promise.all(run.services.map((service) => service.kill())));
  await run.start();

  const targets = redis ? [...run.services, Object.assign(redis, { name: 'redis' })] : run.services;
  const killsOf = Object.fromEntries(targets.map(({ name }) => [name, 0]));
  say(`${jobs} jobs, ${kills} kills of ${Object.keys(killsOf).join(', ')}; seed ${seed}`);
  // Each kill waits for its share of the work, so that all of them come before the queue is empty, and then a moment more.
  const marks = Array.from({ length: kills }, () => random() * jobs * 0.95).sort((a, b) => a - b);
  const faults = [];
  const away = new Set();
  let killed = 0;
  let told = 0;
  for (;;) {
    if (seconds() > minutes * 60) {
      faults.push(`not over after ${minutes} minutes`);
      break;
    }
    for (const service of run.services) {
      if (service.alive || away.has(service)) continue;
      faults.push(`${service.name} ended by itself`);
      await service.start();
    }
    const done = await run.progress().catch(() => undefined);
    if (killed < kills) {
      // Where Redis is away nobody knows how far it is; its own return is what all wait for.
      if (done === undefined || done < marks[killed]) await sleep(20);
      else {
        const target = targets[Math.floor(random() * targets.length)];
        await sleep(random() * 300);
        if (away.has(target)) continue;
        await target.kill();
        killed++;
        killsOf[target.name]++;
        away.add(target);
        // One in five stays away for a while, so that others die meanwhile.
        const back = async () => {
          await sleep(random() < 0.2 ? random() * 3000 : 0);
          await target.start();
          away.delete(target);
        };
        back().catch((error) => faults.push(String(error)));
      }
    } else if (done === jobs && (await run.over())) break;
    else await sleep(100);
    if (done !== undefined && Math.floor((done * 10) / jobs) > told) {
      told = Math.floor((done * 10) / jobs);
      say(`${done} jobs ended, ${killed} kills`);
    }
  }
  while (away.size > 0) await sleep(50);
  const wall = seconds();
  say('checking');
  const { faults: found, ...figures } = await run.check();
  faults.push(...found);
  if (killed < kills) faults.push(`only ${killed} kills`);

  const report = {
    adapter,
    jobs,
    kills: killed,
    killsOf,
    seed,
    seconds: Math.round(wall),
    ...(redis ? { appendfsync } : {}),
    ...figures,
    faults,
  };
  if (values.json) console.log(JSON.stringify(report));
  else print(report);
  return faults.length === 0 ? 0 : 1;
}

function print({ faults, killsOf, ...figures }) {
  const rows = [
    ...Object.entries(figures),
    ...Object.entries(killsOf).map(([name, count]) => [`kills of ${name}`, count]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${value}`);
  console.log(
    faults.length === 0
      ? 'Nothing was lost, nothing doubled, nothing left over.'
      : `${faults.length} faults:`,
  );
  for (const fault of faults.slice(0, 50)) console.log(`- ${fault}`);
}
