import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasRedisServer, startRedis, type RedisServer } from '../../../scripts/lib/redis-server.mjs';
import type { Config } from '../../config.js';
import { openBullmqQueue, type BullmqQueue } from '../../jobs/bullmq/index.js';
import '../decorations.js';
import { securityPlugin } from './security.js';
import { BOARD_PATH, boardPlugin } from './board.js';

const available = hasRedisServer();
const KEY = 'the-administrators-key';
const basic = (password: string): string => `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`;

describe.skipIf(!available)('Bull Board (redis-server is not installed: skipped)', () => {
  let dir: string;
  let redis: RedisServer;
  let queue: BullmqQueue;
  const app = Fastify();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'malgwi-board-'));
    redis = await startRedis({ dir });
    queue = await openBullmqQueue({ url: redis.url });
    app.decorate('config', { server: { adminKey: KEY, corsOrigins: [] as string[] } } as unknown as Config);
    await app.register(securityPlugin);
    await app.register(boardPlugin, { queue });
    await app.ready();
  });
  afterAll(async () => {
    await app.close();
    await queue?.close();
    await redis?.kill();
    if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  test('only administrators get in, by browser or by script', async () => {
    for (const url of [
      BOARD_PATH,
      `${BOARD_PATH}/`,
      `${BOARD_PATH}/api/queues`,
      `${BOARD_PATH}/static/favicon.ico`,
    ]) {
      for (const headers of [{}, { authorization: basic('wrong') }, { authorization: `Bearer ${KEY}x` }]) {
        const refused = await app.inject({ url, headers });
        expect([401, 404], url).toContain(refused.statusCode);
        if (refused.statusCode === 401) expect(refused.headers['www-authenticate']).toContain('Basic');
        expect(refused.body).not.toContain('notifications');
      }
    }
    for (const authorization of [basic(KEY), `Bearer ${KEY}`]) {
      const page = await app.inject({ url: BOARD_PATH, headers: { authorization } });
      expect(page.statusCode).toBe(200);
      expect(page.body).toContain('<base href="/admin/queues');
      expect(page.headers['content-security-policy']).toContain("base-uri 'self'");
    }
  });

  test('it shows both queues and what lies in them', async () => {
    await queue.submit({
      id: 'seen',
      spec: {
        source: { type: 'object', key: 'audio/seen', bytes: 1 },
        model: 'malgwi-ko',
        options: {},
        outputs: ['json'],
        priority: 'high',
        owner: '',
      },
    });
    const headers = { authorization: basic(KEY) };
    const shown = await app.inject({
      url: `${BOARD_PATH}/api/queues?activeQueue=jobs&status=prioritized&page=1&jobsPerPage=10`,
      headers,
    });
    const { queues } = shown.json<{
      queues: { name: string; counts: Record<string, number>; jobs: { id: string }[] }[];
    }>();
    expect(queues.map(({ name }) => name).sort()).toEqual(['jobs', 'notifications']);
    expect(queues.find(({ name }) => name === 'jobs')).toMatchObject({
      counts: { prioritized: 1 },
      jobs: [{ id: 'seen.1' }],
    });
  });

  test('it changes nothing', async () => {
    const headers = { authorization: basic(KEY) };
    const cleaned = await app.inject({
      method: 'PUT',
      url: `${BOARD_PATH}/api/queues/jobs/seen.1/clean`,
      headers,
    });
    expect(cleaned.statusCode).toBeGreaterThanOrEqual(400);
    const emptied = await app.inject({ method: 'PUT', url: `${BOARD_PATH}/api/queues/jobs/empty`, headers });
    expect(emptied.statusCode).toBeGreaterThanOrEqual(400);
    expect(await queue.waiting('seen')).toEqual({ ahead: 0 });
  });
});
