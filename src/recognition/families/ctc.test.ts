/** What a CTC package may ask for beyond its graph: a language model, a calibration, a search. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DecodedHypothesis, DecodeOptions } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import { readPackage, type Manifest, type ModelPackage } from '../../models/index.js';
import { loadFamily } from './index.js';

const root = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));

/** A model that says one syllable only, whatever came before. */
const arpa = (syllable: string): string =>
  `\\data\\\nngram 1=4\n\\1-grams:\n-3\t<unk>\n-99\t<s>\n-1\t</s>\n-0.001\t${syllable}\n\\end\\\n`;

describe('a CTC package', () => {
  let folder: string;
  let plain: ModelPackage;
  const features: FeatureMatrix = {
    data: Float32Array.from({ length: 90 * 16 }, (_, index) => {
      const [t, f] = [Math.floor(index / 16), index % 16];
      return Math.sin(0.05 * t * (1 + (f % 5)) + 0.7 * f) + 0.5 * Math.cos(0.013 * t * f);
    }),
    frames: 90,
    dims: 16,
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'malgwi-ctc-'));
    const { directory, manifest } = await readPackage(root('test/fixtures/packages/tiny-ctc'));
    for (const name of ['tokens.txt', 'encoder.onnx'])
      await copyFile(join(directory, name), join(folder, name));
    plain = { directory: folder, manifest };
  });
  afterAll(() => rm(folder, { recursive: true }));

  async function decode(
    changes: Partial<Manifest>,
    options?: DecodeOptions,
  ): Promise<readonly DecodedHypothesis[]> {
    const family = await loadFamily({ ...plain, manifest: { ...plain.manifest, ...changes } });
    try {
      return (await family.decode(features, options)).hypotheses;
    } finally {
      await family.close();
    }
  }

  const languageModel = (
    file: string,
    format: 'arpa' | 'kenlm',
    alpha?: number,
  ): Pick<Manifest, 'languageModel'> => ({
    languageModel: { file, format, unit: 'character', ...(alpha === undefined ? {} : { alpha }), beta: 0 },
  });

  it('is fused with its ARPA model, with its own weights and those of the request', async () => {
    const [greedy] = await decode({});
    const [beam] = await decode({ decoder: { method: 'beam' } });
    const known = [...beam.text].find((character) => character !== ' ' && character !== '.')!;
    await writeFile(join(folder, 'lm.arpa'), arpa(known));
    const model = languageModel('lm.arpa', 'arpa', 3);
    const [fused] = await decode({ decoder: { method: 'beam' }, ...model });
    const share = (text: string): number =>
      [...text].filter((character) => character === known).length / [...text.replaceAll(' ', '')].length;
    expect(share(fused.text)).toBeGreaterThan(share(beam.text));
    const [weightless] = await decode({ decoder: { method: 'beam' }, ...model }, { lmAlpha: 0 });
    expect(weightless.text).not.toBe(fused.text);
    // A greedy package uses its model where a request weighs it, and only there.
    expect(await decode(model)).toEqual([greedy]);
    expect((await decode(model, { lmAlpha: 3 }))[0].text).toBe(fused.text);
  });

  it('gives the same with an ARPA model and with KenLM files of it, page by page', async () => {
    const scorers = root('test/fixtures/coqui/scorers');
    for (const name of ['ko_cpns.arpa', 'ko_cpns.trie.bin', 'ko_cpns.probing.bin']) {
      await copyFile(join(scorers, name), join(folder, name));
    }
    const ask = (name: string, format: 'arpa' | 'kenlm'): Promise<readonly DecodedHypothesis[]> =>
      decode({ decoder: { method: 'beam' }, ...languageModel(name, format, 0.8) }, { alternatives: 5 });
    const expected = await ask('ko_cpns.arpa', 'arpa');
    for (const name of ['ko_cpns.trie.bin', 'ko_cpns.probing.bin']) {
      const found = await ask(name, 'kenlm');
      expect(found.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
      found.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(expected[i].score, 3);
      });
    }
  });

  it('is refused with a language model that is damaged', async () => {
    const whole = await readFile(join(root('test/fixtures/coqui/scorers'), 'ko_cpns.trie.bin'));
    await writeFile(join(folder, 'cut.bin'), whole.subarray(0, 200));
    await writeFile(join(folder, 'cut.arpa'), arpa('가').slice(0, 40));
    for (const [file, format] of [
      ['cut.bin', 'kenlm'],
      ['cut.arpa', 'arpa'],
    ] as const) {
      await expect(decode(languageModel(file, format))).rejects.toMatchObject({ code: 'manifest_invalid' });
    }
  });

  it('calibrates the confidence of words, greedy and with a beam', async () => {
    for (const method of ['greedy', 'beam'] as const) {
      const [raw] = await decode({ decoder: { method } });
      const [calibrated] = await decode({ decoder: { method, confidence: { scale: 1, offset: -2 } } });
      raw.words.forEach(({ word, confidence }, i) => {
        const odds = (confidence / (1 - confidence)) * Math.exp(-2);
        expect(calibrated.words[i].word).toBe(word);
        expect(calibrated.words[i].confidence).toBeCloseTo(odds / (1 + odds), 3);
      });
    }
  });

  it('is searched with a beam where a request asks for what only a beam gives', async () => {
    const [greedy] = await decode({});
    expect((await decode({}, { alternatives: 4 })).length).toBeGreaterThan(1);
    expect(await decode({}, { beamWidth: 1, alternatives: 1, hotWords: [] })).toEqual([greedy]);
    const [heard] = await decode({}, { hotWords: [{ phrase: '가', weight: 2 }] });
    expect(heard.score).not.toBe(greedy.score);
    await expect(decode({}, { beamWidth: 5000 })).rejects.toMatchObject({ code: 'invalid_field' });
  });
});
