/** The family coqui with a scorer in its package, against what Coqui's own engine gave (test/fixtures/coqui/README.md). */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acoustic, samples } from '../../../test/coqui-support.js';
import type { DecodeOptions } from '../../decoding/contract.js';
import { createFrontEnd } from '../../features/index.js';
import { readPackage, type Manifest, type ModelPackage } from '../../models/index.js';
import { CoquiFamily } from './coqui.js';
import { readTokens } from './index.js';

const fixtures = fileURLToPath(new URL('../../../test/fixtures', import.meta.url));
const scorer = (name: string): string => join(fixtures, 'coqui/scorers', name);

let directory: string;
let model: ModelPackage;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'malgwi-coqui-'));
  cpSync(join(fixtures, 'packages/tiny-coqui'), directory, { recursive: true });
  for (const name of ['ko_syl.qatrie.scorer', 'ko_jamo.trie.scorer'])
    cpSync(scorer(name), join(directory, name));
  model = await readPackage(directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

async function load(change: Partial<Manifest>): Promise<CoquiFamily> {
  const changed = { ...model, manifest: { ...model.manifest, ...change } };
  return CoquiFamily.load(changed, await readTokens(changed));
}

const withScorer = (more: object = {}, file = 'ko_syl.qatrie.scorer'): Partial<Manifest> => ({
  languageModel: { file, format: 'coqui-scorer', unit: 'word', ...more },
});

async function best(family: CoquiFamily, name: string, options: DecodeOptions = {}) {
  const features = createFrontEnd(model.manifest.frontEnd).extract(samples(name));
  const { hypotheses } = await family.decode(features, options);
  return hypotheses[0];
}

interface Session {
  name: string;
  answers: { call: unknown[]; value: { transcripts: { confidence: number }[] } }[];
}
const sessions = JSON.parse(readFileSync(join(fixtures, 'coqui/stt-1.4.0.json'), 'utf8')) as Session[];

/** The score of the last result of a recorded session. */
function recorded(session: string): number {
  const { answers } = sessions.find(({ name }) => name === session)!;
  return answers.at(-1)!.value.transcripts[0].confidence;
}

describe('CoquiFamily', () => {
  it('decodes with the scorer of its package, and with the weights of the request before those of the package', async () => {
    const family = await load(withScorer());
    const plain = await best(family, 'ko00');
    expect(plain.text).toBe('안녕하세요 반갑습니다');
    expect(plain.score).toBeCloseTo(-4.40098, 3);
    const weighed = await best(family, 'ko00', { lmAlpha: 3, lmBeta: 2 });
    expect(weighed.score).toBeCloseTo(recorded('a new scorer has its own weights'), 3);
    await family.close();

    const packaged = await load(withScorer({ alpha: 3, beta: 2 }));
    expect((await best(packaged, 'ko00')).score).toBe(weighed.score);
    expect((await best(packaged, 'ko00', { lmAlpha: 0.9, lmBeta: 1.2 })).score).toBeCloseTo(plain.score, 4);
    await packaged.close();
  });

  it.each(['ko00', 'ko02', 'ko07'])(
    "gives the best classes of the original's probabilities for %s",
    async (name) => {
      const family = await load({});
      const features = createFrontEnd(model.manifest.frontEnd).extract(samples(name));
      const probs = acoustic(`${name}.probs`);
      const classes = probs.length / features.frames;
      const path = Array.from({ length: features.frames }, (_, frame) => {
        const row = probs.subarray(frame * classes, (frame + 1) * classes);
        return row.indexOf(Math.max(...row));
      });
      const ids = path.filter((id, at) => id !== classes - 1 && id !== path[at - 1]);
      expect(await family.greedyIds(features)).toEqual(ids);
      await family.close();
    },
  );

  it('boosts hot words as Coqui does', async () => {
    const family = await load(withScorer());
    const hotWords = [{ phrase: '다시', weight: 30 }];
    const hot = await best(family, 'ko05', { hotWords, beamWidth: 2 });
    const session = recorded('hot words and beam width change under a running stream');
    expect(hot.score / session).toBeCloseTo(1, 5);
    await family.close();
  });

  it('boosts phrases without a scorer, where Coqui cannot', async () => {
    const family = await load({});
    expect((await best(family, 'ko06')).text).toBe('서악을 틀어 줘');
    const hotWords = [{ phrase: '음악을 틀어', weight: 4 }];
    expect((await best(family, 'ko06', { hotWords })).text).toBe('음악을 틀어 줘');
    const stream = family.openStream({ hotWords });
    await stream.feed(samples('ko06'));
    expect((await stream.finish())[0].text).toBe('음악을 틀어 줘');
    await family.close();
  });

  it('takes the beam search of other CTC models when the package says so', async () => {
    const family = await load({ ...withScorer(), decoder: { method: 'beam', beamWidth: 16 } });
    expect((await best(family, 'ko00')).text).toBe('안녕하세요 반갑습니다');
    await family.close();
  });

  it('refuses a scorer of another alphabet, and a token list of another length', async () => {
    const jamo = load(withScorer({}, 'ko_jamo.trie.scorer'));
    await expect(jamo).rejects.toMatchObject({ code: 'scorer_mismatch' });
    const table = await readTokens(model);
    const shorter = { ...table, tokens: table.tokens.slice(1), blank: table.blank - 1 };
    const other = CoquiFamily.load(model, shorter);
    await expect(other).rejects.toMatchObject({ code: 'manifest_invalid', param: 'tokens' });
  });

  it('refuses options beyond their bounds', async () => {
    const family = await load(withScorer());
    expect(() => family.openStream({ beamWidth: 0 })).toThrow(/beamWidth/);
    await family.close();
  });
});
