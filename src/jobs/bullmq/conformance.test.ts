import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { hasRedisServer, startRedis, type RedisServer } from '../../../scripts/lib/redis-server.mjs';
import { jobsConformance } from '../conformance.js';
import type { Connection } from './connection.js';
import { openBullmqQueue, type BullmqQueue } from './index.js';

/** As the end of the process: its connections are gone. */
const crash = async (queue: BullmqQueue): Promise<void> =>
  (queue as unknown as { readonly connection: Connection }).connection.close();

describe.skipIf(!hasRedisServer())('on a real Redis (redis-server is not installed: skipped)', () => {
  let redis: RedisServer;
  let dir: string;
  let number = 0;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'malgwi-redis-'));
    redis = await startRedis({ dir });
  });
  afterAll(async () => {
    await redis.kill();
    await rm(dir, { recursive: true, force: true });
  });

  jobsConformance('bullmq', async () => {
    const prefix = `conformance${++number}`;
    const queues: BullmqQueue[] = [];
    return {
      open: async (settings) => {
        const queue = await openBullmqQueue({
          url: redis.url,
          prefix,
          leaseMs: 600,
          stalledIntervalMs: 200,
          timeoutMs: 2000,
          startTimeoutMs: 5000,
          ...settings,
        });
        queues.push(queue);
        return { queue, crash: () => crash(queue) };
      },
      remove: async () => {
        await Promise.all(queues.map((queue) => queue.close().catch(() => undefined)));
      },
    };
  });
});
