/** The event loop stays free while every worker decodes: live sessions and probes live on it. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startRecognizer, testService, TRANSCRIPTIONS, wav, wavClip } from './http-support.js';

/** The uploads come from another process, so that only the service is measured. */
const UPLOAD = `
const { openAsBlob } = require('node:fs');
const [url, file] = process.argv.slice(1);
(async () => {
  for (;;) {
    const form = new FormData();
    form.set('file', await openAsBlob(file), 'long.wav');
    const response = await fetch(url, { method: 'POST', body: form });
    if (response.status !== 200) throw new Error(String(response.status));
    await response.text();
  }
})();`;

it('p99 of its delay stays small while both workers transcribe', { timeout: 90_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-loop-'));
  const clip = wavClip().bytes.subarray(44);
  const speech = new Int16Array(clip.buffer.slice(clip.byteOffset, clip.byteOffset + (clip.length & ~1)));
  const long = new Int16Array(speech.length * 40);
  for (let repeat = 0; repeat < 40; repeat += 1) long.set(speech, repeat * speech.length);
  const file = join(folder, 'long.wav');
  await writeFile(file, wav(long, 22_050));

  const recognizer = await startRecognizer(2);
  const service = await testService(recognizer);
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
  const clients = [0, 1, 2].map(() =>
    spawn(process.execPath, ['-e', UPLOAD, `${address}${TRANSCRIPTIONS}`, file], { stdio: 'ignore' }),
  );
  try {
    for (let waited = 0; recognizer.stats().busy < 2 && waited < 20_000; waited += 50) await sleep(50);
    expect(recognizer.stats().busy).toBe(2);
    const delay = monitorEventLoopDelay({ resolution: 10 });
    delay.enable();
    const before = performance.eventLoopUtilization();
    let busy = 0;
    let slowest = 0;
    for (let look = 0; look < 50; look += 1) {
      await sleep(100);
      busy += recognizer.stats().busy;
      const asked = performance.now();
      expect((await fetch(`${address}/healthz`)).status).toBe(200);
      slowest = Math.max(slowest, performance.now() - asked);
    }
    delay.disable();
    const use = performance.eventLoopUtilization(before);
    const p99 = delay.percentile(99) / 1e6 - 10;
    console.log(
      `event loop p99 ${p99.toFixed(1)} ms above its period, slowest /healthz ${slowest.toFixed(0)} ms, ${(busy / 50).toFixed(1)} workers busy`,
    );
    // Not much is measured unless the workers were really at work.
    expect(busy / 50).toBeGreaterThan(1);
    // scripts/bench-event-loop.mjs measures it on a quiet machine. Where others want the cores too, the thread waits for
    // its turn; then this only shows that nobody computes here.
    const crowded = loadavg()[0] > 1.5 * availableParallelism();
    expect(p99).toBeLessThan(crowded ? 400 : 100);
    expect(use.utilization).toBeLessThan(0.8);
  } finally {
    for (const client of clients) client.kill();
    await service.close();
    await recognizer.close();
    await rm(folder, { recursive: true, force: true });
  }
});
