/** Jobs through the service itself, as users start it: over HTTP, with the bundled model, through a stop and a kill. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { MALGWI, ROOT, start, type Running } from './cli-support.js';

vi.setConfig({ testTimeout: 180_000 });

interface View {
  readonly id: string;
  readonly state: string;
  readonly attempts: number;
  readonly progress: { readonly done_seconds: number };
}

const SAMPLE_BYTES = 2;
/** The recordings one after the other, again and again. */
async function recording(minutes: number): Promise<Blob> {
  const clips = (await readFile(join(ROOT, 'test-audio/manifest.jsonl'), 'utf8'))
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { audio: string }).audio)
    .filter((name) => name.endsWith('.wav'));
  const wanted = minutes * 60 * 16_000 * SAMPLE_BYTES;
  const bodies: Buffer[] = [];
  let header: Buffer | undefined;
  for (let bytes = 0; bytes < wanted;) {
    for (const name of clips) {
      const file = await readFile(join(ROOT, 'test-audio', name));
      header ??= Buffer.from(file.subarray(0, 44));
      const body = file.subarray(file.indexOf('data') + 8);
      bodies.push(body);
      bytes += body.length;
    }
  }
  const body = Buffer.concat(bodies);
  header!.writeUInt32LE(36 + body.length, 4);
  header!.writeUInt32LE(body.length, 40);
  return new Blob([Buffer.concat([header!, body]) as Uint8Array<ArrayBuffer>]);
}

describe('jobs of the service', () => {
  const data = mkdtempSync(join(tmpdir(), 'malgwi-jobs-service-'));
  let service: Running;
  let address: string;
  const begin = async (): Promise<void> => {
    const env = { MALGWI_DATA_DIR: data, MALGWI_WORKERS: '1', MALGWI_JOBS_CONCURRENCY: '1' };
    service = start(process.execPath, [MALGWI, 'serve', '--port', '0'], { env });
    address = (await service.until(/Server listening at (http:\/\/127\.0\.0\.1:\d+)/))[1];
    await service.until(/"msg":"ready"/);
  };
  const get = async (id: string): Promise<View> =>
    (await (await fetch(`${address}/v1/jobs/${id}`)).json()) as View;
  afterAll(() => {
    service?.child.kill('SIGKILL');
    rmSync(data, { recursive: true, force: true });
  });

  it('go on where they were after a kill and after a stop, and end with one transcript', async () => {
    await begin();
    const form = new FormData();
    form.append('file', await recording(12), '../../회의 록음.wav');
    const accepted = await fetch(`${address}/v1/jobs`, { method: 'POST', body: form });
    expect(accepted.status).toBe(202);
    const { id } = (await accepted.json()) as View;
    const past = (seconds: number): Promise<void> =>
      expect
        .poll(async () => (await get(id)).progress.done_seconds, { timeout: 120_000, interval: 20 })
        .toBeGreaterThan(seconds);

    await past(60);
    service.child.kill('SIGKILL');
    await service.finished;
    await begin();
    expect((await get(id)).progress.done_seconds).toBeGreaterThan(40);
    await past(200);
    const since = performance.now();
    service.child.kill('SIGTERM');
    expect((await service.finished).code).toBe(0);
    expect(performance.now() - since).toBeLessThan(20_000);
    await begin();
    await expect
      .poll(async () => (await get(id)).state, { timeout: 120_000, interval: 100 })
      .toBe('completed');
    // The first one, and the one after the kill; the stop handed it back.
    expect((await get(id)).attempts).toBe(2);
    const result = (await (await fetch(`${address}/v1/jobs/${id}/result?format=json`)).json()) as {
      readonly duration: number;
      readonly segments: readonly { readonly start: number; readonly end: number }[];
    };
    expect(result.duration).toBeGreaterThan(700);
    expect(result.segments.length).toBeGreaterThan(50);
    for (const [index, segment] of result.segments.entries()) {
      expect(segment.start).toBeGreaterThanOrEqual(result.segments[index - 1]?.end ?? 0);
    }
    const metrics = await (await fetch(`${address}/metrics`)).text();
    expect(metrics).toContain('malgwi_jobs{state="completed"} 1');
    expect(metrics).toContain('malgwi_job_run_seconds_count{outcome="completed"} 1');
  });

  it('belong to one service at a time', async () => {
    const second = start(process.execPath, [MALGWI, 'serve', '--port', '0'], {
      env: { MALGWI_DATA_DIR: data, MALGWI_WORKERS: '1' },
    });
    const { code, stderr } = await second.finished;
    expect(code).not.toBe(0);
    expect(stderr).toContain('another process');
  });
});
