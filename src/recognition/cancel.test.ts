/** Cancelling reaches a search that is under way in a worker thread: the thread is free again long before it was done. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recognizer } from './contract.js';
import { createRecognizer } from './index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const clip = join(root, 'test-audio', 'reserve-a3.wav');
/** Thousands of hypotheses in every frame: many seconds of work for each second of speech. */
const BEAM_WIDTH = 3000;
const SOON_MS = 2000;

describe('cancelling', () => {
  let models: string;
  let recognizer: Recognizer;
  beforeAll(async () => {
    models = await mkdtemp(join(tmpdir(), 'malgwi-cancel-'));
    for (const name of ['tiny-rnnt', 'slow']) {
      await cp(join(root, 'test/fixtures/packages/tiny-rnnt'), join(models, name), { recursive: true });
    }
    const path = join(models, 'slow/manifest.json');
    const manifest = JSON.parse(await readFile(path, 'utf8')) as { decoder: object };
    const decoder = { ...manifest.decoder, beamWidth: BEAM_WIDTH };
    await writeFile(path, JSON.stringify({ ...manifest, name: 'slow', decoder }));
    recognizer = await createRecognizer({ modelsDir: models, defaultModel: 'tiny-rnnt', workers: 1 });
    await recognizer.start();
  });
  afterAll(async () => {
    await recognizer.close();
    await rm(models, { recursive: true });
  });

  const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  /** Until the only worker has nothing more to do. */
  const freeAgain = async (): Promise<void> => {
    while (recognizer.stats().busy > 0) await pause(5);
  };
  /** Until it has been at work for long enough to be in the middle of the search. */
  const busy = async (): Promise<void> => {
    while (recognizer.stats().busy === 0) await pause(5);
    await pause(1000);
  };

  it('of a file ends the search in its worker', async () => {
    const controller = new AbortController();
    const running = recognizer.transcribeFile(clip, { beamWidth: BEAM_WIDTH, signal: controller.signal });
    const ended = expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await busy();
    expect(recognizer.stats().busy).toBe(1);
    const cancelled = performance.now();
    controller.abort();
    await ended;
    await freeAgain();
    expect(performance.now() - cancelled).toBeLessThan(SOON_MS);
  });

  it('of a live stream, by closing it, does too', async () => {
    const live = await recognizer.openStream({
      model: 'slow',
      encoding: 'pcm_s16le',
      sampleRate: 16000,
      channels: 1,
    });
    const bytes = new Uint8Array((await readFile(clip)).subarray(44));
    await live.feed(bytes);
    const running = live.flush();
    const ended = expect(running).rejects.toMatchObject({ code: 'cancelled' });
    await busy();
    expect(recognizer.stats().busy).toBe(1);
    const closed = performance.now();
    live.close();
    await ended;
    await freeAgain();
    expect(performance.now() - closed).toBeLessThan(SOON_MS);
  });
});
