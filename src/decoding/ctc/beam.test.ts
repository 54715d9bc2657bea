import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCtcDecoder, parseTokens } from '../index.js';
import type { CtcDecoderConfig, CtcLanguageModel, DecodeOptions, LogProbs, TokenTable } from '../index.js';
import { readArpa } from '../lm/arpa.js';
import { logAdd } from './frame.js';

/** Nothing is pruned: the beam is wider than there are prefixes. */
const EXACT: CtcDecoderConfig = {
  method: 'beam',
  beamWidth: 4096,
  topTokens: 100,
  tokenReach: Infinity,
  beamReach: Infinity,
};

const table = parseTokens(['<blank>', ' ', '가', '나', '<pad>'].join('\n'), {
  unit: 'syllable',
  blank: 0,
  space: ' ',
});

function matrix(rows: readonly (readonly number[])[]): LogProbs {
  const classes = rows[0]?.length ?? 0;
  return { data: Float32Array.from(rows.flatMap(logSoftmax)), frames: rows.length, classes };
}

function logSoftmax(row: readonly number[]): number[] {
  const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
  return row.map((value) => value - total);
}

const rows = (classes: number, most: number): fc.Arbitrary<number[][]> =>
  fc.array(
    fc.array(fc.double({ min: -4, max: 2, noNaN: true }), { minLength: classes, maxLength: classes }),
    { minLength: 1, maxLength: most },
  );

/** P(tokens) by adding up every path there is; control symbols count as blanks. */
function enumerateTokens({ data, frames, classes }: LogProbs, table: TokenTable): [number[], number][] {
  const found = new Map<string, [number[], number]>();
  const path = new Array<number>(frames).fill(0);
  for (;;) {
    let score = 0;
    path.forEach((id, frame) => (score += data[frame * classes + id]));
    const ids = path
      .filter((id, frame) => id !== path[frame - 1])
      .filter((id) => id === table.eos || !table.silent.has(id));
    const key = ids.join();
    found.set(key, [ids, logAdd(found.get(key)?.[1] ?? -Infinity, score)]);
    let at = 0;
    while (at < frames && ++path[at] === classes) path[at++] = 0;
    if (at === frames) return [...found.values()];
  }
}

/** Tokens before the end of the sentence as a text, jamo composed, strays still there. */
function spell(ids: readonly number[], table: TokenTable): string {
  const cut = ids.indexOf(table.eos ?? -2);
  return (cut < 0 ? ids : ids.slice(0, cut))
    .map((id) => (table.tokens[id] === table.space ? ' ' : table.tokens[id]))
    .join('')
    .normalize('NFC')
    .replace(/ +/g, ' ')
    .trim();
}

const show = (spelled: string): string =>
  spelled
    .replace(/[\u1100-\u11FF]/g, '')
    .replace(/ +/g, ' ')
    .trim();

/** log of the sum over all ways to write each text, each way worth its paths and what `worth` says of it. */
function enumerate(
  logProbs: LogProbs,
  table: TokenTable,
  worth: (spelled: string) => number = () => 0,
): Map<string, number> {
  const texts = new Map<string, number>();
  for (const [ids, score] of enumerateTokens(logProbs, table)) {
    const spelled = spell(ids, table);
    const text = show(spelled);
    texts.set(text, logAdd(texts.get(text) ?? -Infinity, score + worth(spelled)));
  }
  return texts;
}

const best = (texts: ReadonlyMap<string, number>): [string, number][] =>
  [...texts].sort((a, b) => b[1] - a[1]);

describe('prefix beam search', () => {
  it('finds the sums over all paths when nothing is pruned', () => {
    fc.assert(
      fc.property(rows(5, 5), (values) => {
        const logProbs = matrix(values);
        const expected = best(enumerate(logProbs, table));
        const found = createCtcDecoder(table, EXACT).decode(logProbs, { alternatives: 100 });
        found.forEach(({ text, score }, i) => {
          expect(score).toBeCloseTo(expected[i][1], 5);
          expect(score).toBeCloseTo(expected.find(([other]) => other === text)![1], 5);
        });
        expect(found).toHaveLength(Math.min(100, expected.length));
      }),
      { numRuns: 100 },
    );
  });

  it('does so with an end of the sentence, which cuts', () => {
    const ending = parseTokens(['가', '나', '<eos>', '<blank>'].join('\n') + '\n ', {
      unit: 'syllable',
      blank: 3,
      eos: 2,
      space: ' ',
    });
    fc.assert(
      fc.property(rows(5, 5), (values) => {
        const logProbs = matrix(values);
        const expected = enumerate(logProbs, ending);
        for (const { text, score } of createCtcDecoder(ending, EXACT).decode(logProbs, {
          alternatives: 100,
        })) {
          expect(score).toBeCloseTo(expected.get(text)!, 5);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('beats the best path where its rivals add up', () => {
    // Graves 2012, figure 7.4: the best path is blank twice (0.36), "가" has 0.64 in three paths.
    const small = parseTokens('가\n ', { unit: 'syllable', blank: 2, space: ' ' });
    const data = Float32Array.from([0.4, 0, 0.6, 0.4, 0, 0.6], (value) => Math.log(value));
    const logProbs = { data, frames: 2, classes: 3 };
    expect(createCtcDecoder(small, { method: 'greedy' }).decode(logProbs)[0].text).toBe('');
    const [first] = createCtcDecoder(small, { method: 'beam' }).decode(logProbs);
    expect(first.text).toBe('가');
    expect(Math.exp(first.score)).toBeCloseTo(0.64, 5);
  });

  it('finds nothing better with its pruning than without, and mostly the same', () => {
    let same = 0;
    let all = 0;
    fc.assert(
      fc.property(rows(5, 8), (values) => {
        const logProbs = matrix(values);
        const [exact] = createCtcDecoder(table, EXACT).decode(logProbs);
        const [pruned] = createCtcDecoder(table, { method: 'beam', beamWidth: 64 }).decode(logProbs);
        expect(pruned.score).toBeLessThanOrEqual(exact.score + 1e-6);
        all++;
        if (pruned.text === exact.text) same++;
      }),
      { numRuns: 100, seed: 7 },
    );
    expect(same / all).toBeGreaterThan(0.85);
  });

  it('says where the tokens are, exactly', () => {
    // 가 at 1-2, 나 at 5; the search's own first sight of 나 would be frame 3.
    const p = [
      [0.9, 0.02, 0.02, 0.04, 0.02],
      [0.1, 0.02, 0.8, 0.06, 0.02],
      [0.1, 0.02, 0.8, 0.06, 0.02],
      [0.7, 0.02, 0.02, 0.24, 0.02],
      [0.9, 0.02, 0.02, 0.04, 0.02],
      [0.1, 0.02, 0.02, 0.84, 0.02],
    ];
    const [first] = createCtcDecoder(table, { method: 'beam' }).decode(
      matrix(p.map((row) => row.map((value) => Math.log(value)))),
    );
    expect(first.tokens.map(({ text, startFrame, endFrame }) => [text, startFrame, endFrame])).toEqual([
      ['가', 1, 2],
      ['나', 5, 5],
    ]);
    expect(first.tokens[0].probability).toBeCloseTo(0.8, 5);
  });

  it('refuses options beyond their bounds', () => {
    const decoder = createCtcDecoder(table, { method: 'beam' });
    const bad: DecodeOptions[] = [
      { beamWidth: 0 },
      { beamWidth: 1.5 },
      { beamWidth: 1e6 },
      { alternatives: 0 },
      { lmAlpha: NaN },
      { lmBeta: Infinity },
      { hotWords: [{ phrase: ' ', weight: 1 }] },
      { hotWords: [{ phrase: '가'.repeat(101), weight: 1 }] },
      { hotWords: [{ phrase: '가', weight: 1001 }] },
      { hotWords: [{ phrase: '가', weight: NaN }] },
      { hotWords: Array.from({ length: 1001 }, (_, i) => ({ phrase: String(i), weight: 1 })) },
    ];
    for (const options of bad) {
      expect(() => decoder.decode(matrix([]), options)).toThrow(
        expect.objectContaining({ code: 'invalid_field', param: Object.keys(options)[0] }) as Error,
      );
    }
  });
});

/** log10 probabilities; a bigram of two words with back-off. */
const WORDS = `\\data\\
ngram 1=5
ngram 2=3

\\1-grams:
-1.5\t<unk>\t0
-99\t<s>\t-0.3
-0.6\t</s>
-0.8\t가\t-0.2
-1.1\t가나\t-0.1

\\2-grams:
-0.4\t<s> 가
-0.5\t가 가나
-0.2\t가나 </s>

\\end\\
`;
const CHARACTERS = WORDS.replaceAll('가나', '나');
const JAMO = WORDS.replaceAll('가나', 'ㅏ').replaceAll('가', 'ᄀ');

const arpa = (text: string) => readArpa(new TextEncoder().encode(text));

/** log10 P of the units after one another, </s> included, and how many of them are unknown. */
function scoreUnits(text: string, units: readonly string[]): { logProb: number; unknown: number } {
  const model = arpa(text);
  let state = model.begin();
  let logProb = 0;
  let unknown = 0;
  for (const unit of [...units, '</s>']) {
    const id = model.index(unit);
    const score = model.score(state, id);
    logProb += score.logProb;
    if (id === 0) unknown++;
    ({ state } = score);
  }
  return { logProb, unknown };
}

describe.each([
  ['words', 'word', WORDS, (spelled: string) => spelled.split(' ').map(show).filter(Boolean), -10],
  ['characters', 'character', CHARACTERS, (spelled: string) => [...spelled.replaceAll(' ', '')], -2],
  ['jamo', 'jamo', JAMO, lettersOf, -2],
] as const)('fusion with %s', (_name, unit, text, split, penalty) => {
  it.each([
    ['syllables', table],
    [
      'jamo',
      parseTokens(['<blank>', '|', 'ᄀ', 'ᅡ', 'ᄂ'].join('\n'), { unit: 'grapheme', blank: 0, space: '|' }),
    ],
    [
      'pieces',
      parseTokens(['<blank>', '▁가', '나', '▁', '가나'].join('\n'), {
        unit: 'subword',
        blank: 0,
        space: '▁',
      }),
    ],
  ])('adds what the n-gram says of the whole text, for a model of %s', (_model, tokens) => {
    const languageModel: CtcLanguageModel = { model: arpa(text), unit, alpha: 0.7, beta: 0.9 };
    const worth = (spelled: string): number => {
      const units = split(spelled);
      const { logProb, unknown } = scoreUnits(text, units);
      return 0.7 * logProb * Math.LN10 + 0.9 * units.length + penalty * unknown;
    };
    fc.assert(
      fc.property(rows(5, 5), (values) => {
        const logProbs = matrix(values);
        const expected = enumerate(logProbs, withSpaces(tokens), worth);
        const found = createCtcDecoder(tokens, EXACT, languageModel).decode(logProbs, { alternatives: 100 });
        expect(found).toHaveLength(Math.min(100, expected.size));
        for (const { text, score } of found) expect(score).toBeCloseTo(expected.get(text)!, 4);
      }),
      { numRuns: 40 },
    );
  });
});

/** The space inside of pieces, spelled as one. */
function withSpaces(tokens: TokenTable): TokenTable {
  return { ...tokens, tokens: tokens.tokens.map((token) => token.replace(tokens.space, ' ')), space: ' ' };
}

/** As the model above writes them: the onset conjoining, the vowel not. */
function lettersOf(spelled: string): string[] {
  return [...spelled.replaceAll(' ', '').normalize('NFD').replaceAll('ᅡ', 'ㅏ')];
}
