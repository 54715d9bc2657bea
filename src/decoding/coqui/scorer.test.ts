import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coquiAlphabet, coquiProbabilities, coquiScorer } from '../../../test/fixtures/coqui/cases.js';
import { MalgwiError } from '../../errors.js';
import { MemoryReader } from '../lm/bytes.js';
import { parseAlphabet } from './alphabet.js';
import type { CoquiAlphabet } from './alphabet.js';
import { CoquiDecoder } from './decoder.js';
import { follow } from './dictionary.js';
import { CoquiScorer } from './scorer.js';

const LAYOUTS = ['probing', 'trie', 'qtrie', 'atrie', 'qatrie'];
const syllables = coquiAlphabet('ko_syl');
const jamo = coquiAlphabet('ko_jamo');
const bytes = coquiAlphabet('ko_bytes');

const open = (file: Uint8Array, alphabet: CoquiAlphabet): CoquiScorer =>
  new CoquiScorer(new MemoryReader(file), alphabet);

/** Where Coqui's part of the file begins. */
const trailer = (file: Uint8Array): number => Buffer.from(file).indexOf('EIRT');

describe('scorer', () => {
  it.each(LAYOUTS)('opens, %s', (layout) => {
    const scorer = open(coquiScorer(`ko_syl.${layout}.scorer`), syllables);
    expect(scorer.codePoints).toBe(false);
    expect(scorer.weights).toEqual({ alpha: Math.fround(0.9), beta: Math.fround(1.2) });
    expect(scorer.index('')).toBe(0);
  });

  it('knows whether its units are words or code points', () => {
    expect(open(coquiScorer('ko_bytes.qatrie.scorer'), bytes).codePoints).toBe(true);
    expect(open(coquiScorer('ko_jamo.qatrie.scorer'), jamo).codePoints).toBe(false);
  });

  it('has a dictionary of the words of its language model, each with the space behind it', () => {
    const scorer = open(coquiScorer('ko_syl.trie.scorer'), syllables);
    const { dictionary } = scorer;
    const found: string[] = [];
    const walk = (state: number, word: string): void => {
      const { labels, targets } = dictionary.arcs(state);
      labels.forEach((label, i) => {
        expect(follow(dictionary.arcs(state), label)).toBe(targets[i]);
        if (!dictionary.isFinal(targets[i])) walk(targets[i], word + syllables.labels[label - 1]);
        else if (label - 1 === syllables.space) found.push(word);
      });
      expect(follow(dictionary.arcs(state), 1000)).toBe(-1);
    };
    walk(dictionary.start, '');
    expect(found.length).toBe(scorer.model.size - 3); // <unk>, <s>, </s>
    for (const word of found) expect(scorer.index(word)).toBeGreaterThan(0);
  });
});

describe('a scorer for another alphabet', () => {
  const refusal = (name: string, alphabet: CoquiAlphabet): string => {
    try {
      open(coquiScorer(name), alphabet);
    } catch (error) {
      expect((error as MalgwiError).code).toBe('scorer_mismatch');
      return (error as MalgwiError).message;
    }
    return 'accepted';
  };
  const permuted = (shift: number): CoquiAlphabet => {
    const letters = syllables.texts.filter((text) => text !== ' ');
    const texts = syllables.texts.map((text) =>
      text === ' ' ? ' ' : letters[(letters.indexOf(text) + shift) % letters.length],
    );
    return parseAlphabet(texts.join('\n'));
  };

  it.each([
    ['code points for syllables', 'ko_bytes.qatrie.scorer', syllables, /spell in bytes/],
    ['words for bytes', 'ko_syl.qatrie.scorer', bytes, /spells in bytes/],
    ['jamo for syllables', 'ko_jamo.qatrie.scorer', syllables, /beyond|space|no word/],
    ['syllables for jamo', 'ko_syl.qatrie.scorer', jamo, /space|no word/],
    ['the same syllables in another order', 'ko_syl.qatrie.scorer', permuted(1), /no word/],
    ['no space', 'ko_syl.qatrie.scorer', parseAlphabet('가\n나\n'), /no space/],
    ['fewer labels', 'abc3.scorer', parseAlphabet(' \na\nb\n'), /beyond/],
  ])('is refused: %s', (_name, file, alphabet, message) => {
    expect(refusal(file, alphabet)).toMatch(message);
  });

  it('is not what its own is taken for', () => {
    expect(refusal('ko_syl.qatrie.scorer', permuted(0))).toBe('accepted');
  });
});

describe('damaged scorers', () => {
  const file = coquiScorer('ko_syl.trie.scorer');
  const at = trailer(file);
  const fst = at + 25;
  const patched = (offset: number, ...values: number[]): Uint8Array => {
    const copy = file.slice();
    copy.set(values, offset);
    return copy;
  };
  const code = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      return error instanceof MalgwiError ? error.code : String(error);
    }
    return 'accepted';
  };

  it.each([
    ['no trailer', file.subarray(0, at)],
    ['another magic', patched(at, 0)],
    ['an old version', patched(at + 4, 5)],
    ['a weight that is no number', patched(at + 9, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)],
    ['no FST', patched(fst, 0)],
    ['another kind of FST', patched(fst + 8, 0x76)],
    ['a name of 2 GB', patched(fst + 4, 255, 255, 255, 127)],
    ['an FST with symbols', patched(fst + 29, 5)],
    ['a start beyond the states', patched(fst + 41, 255)],
    ['no start', patched(fst + 41, 255, 255, 255, 255, 255, 255, 255, 255)],
    ['2^40 states', patched(fst + 49, 0, 0, 0, 0, 0, 1)],
    ['2^40 arcs', patched(fst + 57, 0, 0, 0, 0, 0, 1)],
  ])('are refused: %s', (_name, damaged) => {
    expect(code(() => open(damaged, syllables))).toBe('manifest_invalid');
  });

  it('are refused wherever they are cut', () => {
    for (let length = 0; length < file.length; length += 31) {
      expect(code(() => open(file.subarray(0, length), syllables))).toBe('manifest_invalid');
    }
  });

  it.each([
    ['ko_syl', syllables, 'ko02'],
    ['ko_bytes', bytes, 'ko04'],
  ])('give finite scores or a clear error, %s', (model, alphabet, audio) => {
    const { data, frames } = coquiProbabilities(`${model}.f32`, audio);
    const originals = LAYOUTS.filter((layout) => model === 'ko_syl' || layout !== 'qtrie').map((layout) =>
      coquiScorer(`${model}.${layout}.scorer`),
    );
    const flips = fc.array(fc.tuple(fc.nat(), fc.nat(7)), { minLength: 1, maxLength: 12 });
    const where = fc.constantFrom('header', 'model', 'dictionary');
    fc.assert(
      fc.property(fc.constantFrom(...originals), flips, where, (original, bits, part) => {
        const damaged = original.slice();
        const split = trailer(original);
        const [from, to] = {
          header: [0x58, 0x90],
          model: [0x90, split],
          dictionary: [split, damaged.length],
        }[part];
        for (const [position, bit] of bits) damaged[from + (position % (to - from))] ^= 1 << bit;
        const run = (): void => {
          const decoder = new CoquiDecoder(alphabet, { beamWidth: 30, scorer: open(damaged, alphabet) });
          decoder.next(data, Math.min(frames, 60), alphabet.labels.length + 1);
          for (const { score } of decoder.decode(5)) expect(Number.isFinite(score)).toBe(true);
        };
        expect(['accepted', 'manifest_invalid', 'scorer_mismatch']).toContain(code(run));
      }),
      { seed: 6, numRuns: 400 },
    );
  });

  it('do not trap the search in a dictionary that runs in circles', () => {
    // Every arc leads back to the start, which is not final: words never end.
    const damaged = file.slice();
    const view = new DataView(damaged.buffer);
    const states = Number(view.getBigUint64(fst + 49, true));
    const table = Math.ceil((fst + 65) / 16) * 16;
    const arcs = Math.ceil((table + 20 * states) / 16) * 16;
    for (let arc = arcs; arc + 16 <= damaged.length; arc += 16) view.setInt32(arc + 12, 0, true);
    expect(['manifest_invalid', 'scorer_mismatch', 'accepted']).toContain(
      code(() => {
        const decoder = new CoquiDecoder(syllables, { beamWidth: 30, scorer: open(damaged, syllables) });
        const { data, frames } = coquiProbabilities('ko_syl.f32', 'ko02');
        decoder.next(data, frames, 56);
        decoder.decode(3);
      }),
    );
  });
});
