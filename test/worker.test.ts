/** `malgwi worker` beside `malgwi serve`, with a Redis between them, as they run in production. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasRedisServer, startRedis, type RedisServer } from '../scripts/lib/redis-server.mjs';
import { malgwi, MALGWI, ROOT, serve, start, type Running, type Service } from './cli-support.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe('malgwi worker', () => {
  it('does not start without Redis, and says why', async () => {
    const { code, stderr } = await malgwi(['worker', '--port', '0']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^config_invalid: .*REDIS_URL/m);
  });
});

describe.skipIf(!hasRedisServer())('service and worker (redis-server is not installed: skipped)', () => {
  const dir = mkdtempSync(join(tmpdir(), 'malgwi-worker-'));
  const data = join(dir, 'data');
  let redis: RedisServer;
  let service: Service;
  let worker: Running;
  let address: string;

  beforeAll(async () => {
    redis = await startRedis({ dir });
    // The service takes no jobs itself: whatever is done is the worker's work.
    const env = { REDIS_URL: redis.url, MALGWI_DATA_DIR: data, MALGWI_WORKERS: '1' };
    service = await serve([], { env: { ...env, MALGWI_JOBS_CONCURRENCY: '0' } });
    worker = start(process.execPath, [MALGWI, 'worker', '--port', '0'], { env });
    address = (await worker.until(/Server listening at (http:\/\/127\.0\.0\.1:\d+)/))[1];
    await worker.until(/"msg":"ready"/);
  });
  afterAll(async () => {
    await service?.stop();
    worker?.child.kill('SIGKILL');
    await redis?.kill();
    rmSync(dir, { recursive: true, force: true });
  });

  it('works on what the service accepts', async () => {
    const body = new FormData();
    body.append('file', new Blob([await readFile(join(ROOT, 'test-audio/greeting.wav'))]), 'greeting.wav');
    const accepted = await fetch(`${service.url}/v1/jobs`, { method: 'POST', body });
    expect(accepted.status).toBe(202);
    const { id } = (await accepted.json()) as { readonly id: string };
    const get = async (): Promise<{ readonly state: string }> =>
      (await (await fetch(`${service.url}/v1/jobs/${id}`)).json()) as { readonly state: string };
    await expect.poll(async () => (await get()).state, { timeout: 60_000, interval: 100 }).toBe('completed');
    const result = await fetch(`${service.url}/v1/jobs/${id}/result?format=text`);
    expect((await result.text()).trim()).not.toBe('');
  });

  it('answers probes and metrics', async () => {
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    expect((await fetch(`${address}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${address}/metrics`)).text()).toContain('malgwi_ready 1');
    expect((await fetch(`${address}/v1/models`)).status).toBe(404);
  });

  it('is not ready while Redis is away, and again when it is back', async () => {
    await redis.kill();
    const away = await fetch(`${address}/readyz`);
    expect(away.status).toBe(503);
    expect(await away.json()).toMatchObject({ error: { code: 'job_queue_unavailable' } });
    expect((await fetch(`${address}/healthz`)).status).toBe(200);
    await redis.start();
    await expect.poll(async () => (await fetch(`${address}/readyz`)).status, { timeout: 20_000 }).toBe(200);
  });

  it('ends when it is told to', async () => {
    worker.child.kill('SIGTERM');
    expect((await worker.finished).code).toBe(0);
  });
});
