/**
 * What every decoding family must do, whatever is inside: one list of packages, one suite. A new family joins the list.
 * The packages are tiny models that learned a few made-up utterances (python/malgwi_models/testing); `expected.json`
 * holds what PyTorch computes with them.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecodedHypothesis } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import { createFrontEnd } from '../../features/index.js';
import { readPackage, type ModelPackage } from '../../models/index.js';
import { loadFamily, type Family } from './index.js';

interface Subject {
  /** Folder below test/fixtures/packages. */
  readonly package: string;
  /** Whether the search asks the model step by step, so that it can be cancelled in between. */
  readonly steps: boolean;
}

const SUBJECTS: readonly Subject[] = [
  { package: 'tiny-ctc', steps: false },
  { package: 'tiny-conformer', steps: false },
  { package: 'tiny-ds2', steps: false },
  { package: 'tiny-las', steps: true },
  { package: 'tiny-las-mha', steps: true },
  { package: 'tiny-transformer', steps: true },
  { package: 'tiny-rnnt', steps: true },
  { package: 'tiny-coqui', steps: true },
];

/** Long enough to be long; a package may take more than a test has time for. */
const LONGEST = 3000;

interface Expected {
  readonly utterances: readonly {
    readonly frames: number;
    readonly encoderFrames: number;
    readonly ids?: readonly number[];
    readonly tokenFrames?: readonly number[];
    readonly ctc?: { readonly ids: readonly number[] };
  }[];
}

const folder = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/packages/${name}`, import.meta.url));

/** The features of the packages' `expected.json`. */
function features(frames: number, dims: number): FeatureMatrix {
  const data = Float32Array.from({ length: frames * dims }, (_, index) => {
    const t = Math.floor(index / dims);
    const f = index % dims;
    return Math.sin(0.05 * t * (1 + (f % 5)) + 0.7 * f) + 0.5 * Math.cos(0.013 * t * f);
  });
  return { data, frames, dims };
}

describe.each(SUBJECTS)('$package', (subject) => {
  const path = `${folder(subject.package)}/expected.json`;
  const expected = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Expected) : undefined;
  const input = (frames: number): FeatureMatrix => features(frames, dims);
  const frames = [4, 37, 90];
  let dims: number;
  let model: ModelPackage;
  let family: Family;
  beforeAll(async () => {
    const { directory, manifest } = await readPackage(folder(subject.package));
    const encoder = { ...manifest.encoder, maxFrames: Math.min(LONGEST, manifest.encoder.maxFrames) };
    model = { directory, manifest: { ...manifest, encoder } };
    ({ dims } = createFrontEnd(manifest.frontEnd).extract(new Float32Array(16000)));
    family = await loadFamily(model);
  });
  afterAll(() => family.close());

  const hypotheses = async (...args: Parameters<Family['decode']>): Promise<readonly DecodedHypothesis[]> =>
    (await family.decode(...args)).hypotheses;

  if (expected !== undefined) {
    it("gives PyTorch's greedy ids, and its text for them", async () => {
      const lines = readFileSync(`${folder(subject.package)}/tokens.txt`, 'utf8').split('\n');
      for (const utterance of expected.utterances) {
        const ids = utterance.ids ?? utterance.ctc!.ids;
        expect(await family.greedyIds(input(utterance.frames))).toEqual(ids);
        const [best] = await hypotheses(input(utterance.frames));
        expect(best.tokens.map(({ text }) => text)).toEqual(best.tokens.map(({ id }) => lines[id]));
        for (const { startFrame, endFrame } of best.tokens) {
          expect(startFrame).toBeGreaterThanOrEqual(0);
          expect(endFrame).toBeGreaterThanOrEqual(startFrame);
          expect(endFrame).toBeLessThan(utterance.encoderFrames);
        }
        const starts = best.tokens.map(({ startFrame }) => startFrame);
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
      }
      expect((await hypotheses(input(frames.at(-1)!)))[0].text).not.toBe('');
    });

    it('places tokens in the frames that emitted them, where the model says which', async () => {
      for (const { frames: count, tokenFrames } of expected.utterances) {
        if (tokenFrames === undefined) continue;
        const [best] = await hypotheses(input(count), { beamWidth: 1 });
        expect(best.tokens.map(({ startFrame }) => startFrame)).toEqual(tokenFrames);
      }
    });
  }

  it('gives one empty hypothesis for no frames and for fewer than it needs', async () => {
    const { minFrames } = model.manifest.encoder;
    for (const count of new Set([0, minFrames - 1])) {
      const found = await hypotheses(input(count), { alternatives: 3 });
      expect(found).toMatchObject([{ text: '', words: [], tokens: [] }]);
      expect(await family.greedyIds(input(count))).toEqual([]);
    }
  });

  it('takes one frame, and the fewest that it needs', async () => {
    for (const count of [1, model.manifest.encoder.minFrames]) {
      const [best] = await hypotheses(input(count));
      expect(Number.isFinite(best.score)).toBe(true);
    }
  });

  it('takes the longest utterance, and refuses a longer one', async () => {
    const { maxFrames, subsampling } = model.manifest.encoder;
    const [best] = await hypotheses(input(maxFrames), { beamWidth: 4 });
    expect(best.tokens.length).toBeLessThanOrEqual((10 * maxFrames) / subsampling);
    expect(Number.isFinite(best.score)).toBe(true);
    const tooLong = { code: 'inference_failed', message: expect.stringContaining(`${maxFrames}`) as string };
    await expect(family.decode(input(maxFrames + 1))).rejects.toMatchObject(tooLong);
    await expect(family.greedyIds(input(maxFrames + 1))).rejects.toMatchObject(tooLong);
  });

  it('is cancelled before it starts and while it works, and works on', async () => {
    const before = await hypotheses(input(37));
    const cancelled = { code: 'cancelled' };
    await expect(family.decode(input(37), {}, AbortSignal.abort())).rejects.toMatchObject(cancelled);
    const controller = new AbortController();
    const { maxFrames } = model.manifest.encoder;
    const running = family.decode(input(maxFrames), { beamWidth: 16 }, controller.signal);
    const ended = expect(running).rejects.toMatchObject(cancelled);
    if (subject.steps)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    await ended;
    expect(await hypotheses(input(37))).toEqual(before);
  });

  it('gives the same at once as one after the other, and each time', async () => {
    const inputs = [90, 5, 37, 90, 64, 37].map(input);
    const options = { beamWidth: 4, alternatives: 3 };
    const alone: (readonly DecodedHypothesis[])[] = [];
    for (const one of inputs) alone.push(await hypotheses(one, options));
    const together = await Promise.all(inputs.map((one) => hypotheses(one, options)));
    expect(together).toEqual(alone);
    expect(alone[3]).toEqual(alone[0]);
  });

  it('leaves its input as it is', async () => {
    const one = input(37);
    await family.decode(one, { beamWidth: 4 });
    expect(one).toEqual(input(37));
  });

  it('gives as many alternatives as asked for at most: best first, no text twice, words and text agreeing', async () => {
    for (const count of frames) {
      const found = await hypotheses(input(count), { beamWidth: 8, alternatives: 5 });
      expect(found.length).toBeGreaterThan(0);
      expect(found.length).toBeLessThanOrEqual(5);
      if (count > 30) expect(found.length).toBeGreaterThan(2);
      expect(new Set(found.map(({ text }) => text)).size).toBe(found.length);
      const scores = found.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      for (const { text, words, confidence, avgLogProb } of found) {
        expect(words.map(({ word }) => word).join(' ')).toBe(text);
        expect(confidence).toBeGreaterThan(0);
        expect(confidence).toBeLessThanOrEqual(1);
        expect(avgLogProb).toBeLessThanOrEqual(0);
      }
    }
  });

  it('hears an avoided word less, and refuses options beyond their bounds', async () => {
    const [plain] = await hypotheses(input(37), { beamWidth: 8 });
    const { word } = plain.words[0];
    const hotWords = [{ phrase: word, weight: -100 }];
    const [avoided] = await hypotheses(input(37), { beamWidth: 8, hotWords });
    expect(avoided.words.map((one) => one.word)).not.toContain(word);
    for (const options of [
      { beamWidth: 0 },
      { alternatives: 1e9 },
      { hotWords: [{ phrase: '', weight: 1 }] },
    ]) {
      await expect(family.decode(input(37), options)).rejects.toMatchObject({ code: 'invalid_field' });
    }
  });

  it('finds nothing worse with a wider beam', async () => {
    for (const count of [...frames, 60, 120, 200]) {
      let before = -Infinity;
      for (const beamWidth of [1, 4, 16]) {
        const [best] = await hypotheses(input(count), { beamWidth });
        expect(best.score, `${count} frames, width ${beamWidth}`).toBeGreaterThanOrEqual(before - 1e-5);
        before = best.score;
      }
    }
  });
});
