import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTokens, readArpa } from '../index.js';
import { SumFusion, type Fusion } from './fusion.js';
import { HotWordFusion } from './hot-words.js';
import { CachedNgram } from './ngram-cache.js';
import { UnitFusion } from './ngram-units.js';
import { Symbols } from './symbols.js';

const MODEL = `\\data\\
ngram 1=7
ngram 2=4

\\1-grams:
-1.5\t<unk>\t-0.1
-99\t<s>\t-0.3
-0.6\t</s>
-0.8\t가\t-0.2
-1.1\t간\t-0.1
-1.3\tㅏ\t-0.4
-0.5\t▁\t-0.2

\\2-grams:
-0.4\t<s> 가
-0.5\t가 간
-0.2\t가 ▁
-0.1\t▁ 가

\\end\\
`;
const model = readArpa(new TextEncoder().encode(MODEL));

const jamo = parseTokens(['|', ...'ᄀ나ᅥᆫᆨ'].join('\n'), { unit: 'grapheme', blank: 7, space: '|' });
const bare = parseTokens(['|', ...'ᄀ나ᅥᆫᆨ'].join('\n'), {
  unit: 'grapheme',
  blank: 7,
  space: '|',
  compose: 'none',
});
const syllables = parseTokens([' ', ...'가간나낙ㅏ'].join('\n'), { unit: 'syllable', blank: 6, space: ' ' });
const pieces = parseTokens(['▁가', '간▁나', '▁', 'ᄀ', 'ᅡ', '간'].join('\n'), {
  unit: 'subword',
  blank: 6,
  space: '▁',
});

describe('fusion with units', () => {
  it.each([
    ['jamo', jamo],
    ['jamo that stay apart', bare],
    ['syllables', syllables],
    ['pieces', pieces],
  ])('says what a token is worth as its step does, and bounds it, for tokens that are %s', (_name, table) => {
    const symbols = new Symbols(table);
    const options = { jamo: false, compose: table.compose !== 'none', strayJamo: 'silent-onset' } as const;
    const weights = { alpha: 0.7, beta: 2, unknown: -2 };
    const make = (): Fusion[] =>
      [options, { ...options, jamo: true }, { ...options, strayJamo: 'drop' as const }].flatMap((one) => {
        const fusion = new UnitFusion(new CachedNgram(model), symbols, weights, one);
        const hot = new HotWordFusion([{ phrase: '가나', weight: 3 }], symbols);
        return [
          fusion,
          new SumFusion(new UnitFusion(new CachedNgram(model), symbols, weights, one), hot, symbols.tokens),
        ];
      });
    const { blank } = table;
    fc.assert(
      fc.property(fc.array(fc.nat(blank - 1), { maxLength: 12 }), (ids) => {
        for (const fusion of make()) {
          let state = fusion.start;
          for (const next of ids) {
            for (let id = 0; id < blank; id++) {
              const worth = fusion.worth(state, id);
              fusion.step(state, id);
              expect(worth).toBeCloseTo(fusion.delta, 5);
              expect(worth).toBeLessThanOrEqual(fusion.bound(id, fusion.kind(state)) + 1e-6);
              expect(fusion.worth(state, id)).toBe(worth);
            }
            state = fusion.step(state, next);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it('bounds no token by more than the units that it completes', () => {
    const symbols = new Symbols(jamo);
    const options = { jamo: false, compose: true, strayJamo: 'drop' } as const;
    const fusion = new UnitFusion(
      new CachedNgram(model),
      symbols,
      { alpha: 1, beta: 1, unknown: -2 },
      options,
    );
    const [space, onset, , vowel, , coda] = [0, 1, 2, 3, 4, 5];
    const units = (state: number): number[] =>
      [space, onset, vowel, coda].map((id) => fusion.bound(id, fusion.kind(state)));
    const open = fusion.step(fusion.start, onset);
    const whole = fusion.step(open, vowel);
    const closed = fusion.step(whole, coda);
    expect(units(fusion.start)).toEqual([0, 0, 1, 1]);
    expect(units(open)).toEqual([1, 1, 0, 2]);
    expect(units(whole)).toEqual([1, 1, 2, 1]);
    expect(units(closed)).toEqual([0, 0, 1, 1]);
    expect(units(fusion.step(closed, space))).toEqual([0, 1, 2, 2]);
  });
});
