/** The parts of a verification that no package on disk shows; test/cli-models.test.ts has the others. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tokens, writeNpz, type TestArray } from '../../../test/npz-support.js';
import { MalgwiError } from '../../errors.js';
import { createFrontEnd } from '../../features/index.js';
import type { FeatureMatrix } from '../../features/contract.js';
import { readPackage } from '../../models/manifest.js';
import type { RecognitionEngine } from '../../recognition/engine.js';
import { Reference } from './reference.js';
import { verify, type UtteranceVerdict } from './run.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-run-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const package_ = fileURLToPath(new URL('../../../test/fixtures/packages/tiny-coqui', import.meta.url));

/** A Coqui model that always says the same, and counts the frames it is given. */
async function engineSaying(
  text: string,
  ids: readonly number[],
  frames: number[],
): Promise<RecognitionEngine> {
  const model = await readPackage(package_);
  const said = {
    text,
    tokens: ids.map((id) => ({ id, text: '', startFrame: 0, endFrame: 0, probability: 1 })),
  };
  const family = {
    decode(features: FeatureMatrix) {
      frames.push(features.frames);
      if (features.frames > 500) throw new MalgwiError('inference_failed', { detail: 'too long' });
      return Promise.resolve({ hypotheses: [said, { text: 'another', tokens: [] }] });
    },
  };
  const frontEnd = createFrontEnd(model.manifest.frontEnd);
  return { model, family, frontEnd } as unknown as RecognitionEngine;
}

async function run(
  engine: RecognitionEngine,
  arrays: Readonly<Record<string, TestArray>>,
): Promise<UtteranceVerdict[]> {
  const path = join(folder, 'reference.npz');
  await writeNpz(path, arrays);
  const reference = await Reference.open(path);
  const verdicts: UtteranceVerdict[] = [];
  try {
    for await (const verdict of verify(engine, reference)) verdicts.push(verdict);
  } finally {
    reference.close();
  }
  return verdicts;
}

describe('verify, for a Coqui model', () => {
  const pcm = (length: number): TestArray => ({ shape: [length], values: new Int16Array(length) });

  it('compares the whole pcm in its default decoding with text and labels', async () => {
    const frames: number[] = [];
    const engine = await engineSaying('각 나', [4, 0, 5], frames);
    const verdicts = await run(engine, {
      a_pcm: pcm(16_000),
      a_text: '각 나'.normalize('NFD'),
      a_ids: tokens([4, 0, 5]),
      b_pcm: pcm(0),
      b_text: '각나',
      c_pcm: pcm(320_000),
      c_text: '각 나',
    });
    // Coqui's engine adds a frame of what is left, be it nothing.
    expect(frames).toEqual([50, 1, 1000]);
    expect(verdicts).toMatchObject([
      { id: 'a', idsEqual: true, textEqual: true, expectedTokens: 3, gotTokens: 3, note: null },
      { id: 'b', idsEqual: null, textEqual: false, expectedTokens: null },
      { id: 'c', idsEqual: null, textEqual: false, note: 'inference_failed: too long' },
    ]);
  });

  it('knows no end of a sentence that labels could stop at', async () => {
    const engine = await engineSaying('', [4, 2, 5], []);
    const [verdict] = await run(engine, { a_pcm: pcm(1000), a_ids: tokens([4]) });
    expect(verdict).toMatchObject({ idsEqual: false, firstDifference: 1 });
  });
});
