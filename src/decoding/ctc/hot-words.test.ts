import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCtcDecoder, parseTokens } from '../index.js';
import type { HotWord, LogProbs, TokenTable } from '../index.js';
import { HotWordFusion, MAX_BOOST_PER_JAMO } from './hot-words.js';
import { Symbols } from './symbols.js';

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String.fromCharCode(from + i));
const JAMO = ['|', ...range(0x1100, 0x1113), ...range(0x1161, 0x1176), ...range(0x11a8, 0x11c3)];
const jamo = parseTokens(JAMO.join('\n'), { unit: 'grapheme', blank: JAMO.length, space: '|' });
const SYLLABLES = [...new Set(' 창가자리린를석반납을해요서울시다라마바사아하에서좀')];
const syllables = parseTokens(SYLLABLES.join('\n'), {
  unit: 'syllable',
  blank: SYLLABLES.length,
  space: ' ',
});
const BYTES = Array.from({ length: 256 }, (_, i) => `<0x${i.toString(16).toUpperCase().padStart(2, '0')}>`);
const bytes = parseTokens(BYTES.join('\n'), { unit: 'byte', blank: 256, space: '<0x20>' });
const pieces = parseTokens(['▁창가', '▁자', '리', '▁', '를', '▁반납', '가', '자리'].join('\n'), {
  unit: 'subword',
  blank: 8,
  space: '▁',
});

/** Ids of a text in a model's own tokens, one way to write it. */
function spell(table: TokenTable, text: string): number[] {
  if (table.unit === 'byte') return [...new TextEncoder().encode(text)];
  const spaced = (table.unit === 'grapheme' ? text.normalize('NFD') : text).replaceAll(' ', table.space);
  const ids: number[] = [];
  for (let at = 0; at < spaced.length;) {
    const fits = table.tokens
      .map((token, id) => ({ token, id }))
      .filter(({ token }) => spaced.startsWith(token, at))
      .sort((a, b) => b.token.length - a.token.length);
    ids.push(fits[0].id);
    at += fits[0].token.length;
  }
  return ids;
}

/** What the whole text is worth to the search. */
function worth(table: TokenTable, hotWords: readonly HotWord[], text: string): number {
  const symbols = new Symbols(table);
  const fusion = new HotWordFusion(hotWords, symbols);
  let state = fusion.start;
  let pending = 0;
  let sum = 0;
  for (const id of spell(table, text)) {
    const symbol = symbols.advance(pending, id);
    ({ pending } = symbols);
    if (symbol < 0) continue;
    state = fusion.step(state, symbol);
    sum += fusion.delta;
  }
  return sum + fusion.finish(state);
}

const hot = (phrase: string, weight = 4): HotWord => ({ phrase, weight });

describe('hot words', () => {
  it.each([
    ['nothing', '서울', 0],
    ['once', '창가', 4],
    ['with a particle', '창가를', 4],
    ['inside of a word', '서울창가석', 4],
    ['for each occurrence', '창가 서울 창가', 8],
    ['not for a beginning', '창', 0],
    ['not for a beginning that goes on otherwise', '창석', 0],
    ['not for an end', '가', 0],
    ['not with a space inside of a word', '창 가', 0],
    ['a match after a beginning of one', '창창가', 4],
  ])('credits %s: %s', (_name, text, expected) => {
    for (const table of [jamo, syllables, bytes]) {
      expect(worth(table, [hot('창가')], text)).toBeCloseTo(expected, 5);
    }
  });

  it('is the same for pieces, wherever they are cut', () => {
    for (const text of ['창가 자리를', '창가자리']) {
      expect(worth(pieces, [hot('창가 자리')], ` ${text}`)).toBeCloseTo(4, 5);
    }
  });

  it('takes spaces between the words of a phrase or leaves them', () => {
    for (const text of ['창가 자리', '창가자리', '좀 창가 자리를']) {
      expect(worth(jamo, [hot('창가  자리')], text)).toBeCloseTo(4, 5);
    }
    expect(worth(jamo, [hot('창가 자리')], '창 가자리')).toBeCloseTo(0, 5);
  });

  it('matches a syllable without a coda also where one follows, and no other coda', () => {
    expect(worth(jamo, [hot('자리')], '자린')).toBeCloseTo(4, 5);
    expect(worth(syllables, [hot('자리')], '자린')).toBeCloseTo(4, 5);
    expect(worth(jamo, [hot('자리')], '잘리')).toBeCloseTo(0, 5);
    expect(worth(jamo, [hot('반납')], '반나')).toBeCloseTo(0, 5);
  });

  it('counts phrases inside of one another by the larger weight', () => {
    const both = [hot('창가', 3), hot('창가 자리', 5), hot('자리', 1)];
    expect(worth(jamo, both, '창가 자리')).toBeCloseTo(5, 5);
    expect(worth(jamo, both, '창가')).toBeCloseTo(3, 5);
    expect(worth(jamo, both, '자리 창가')).toBeCloseTo(4, 5);
    expect(worth(jamo, [hot('창가', 5), hot('창가 자리', 3)], '창가 자리')).toBeCloseTo(5, 5);
  });

  it('counts no occurrence that overlaps the last one', () => {
    expect(worth(jamo, [hot('하하')], '하하하')).toBeCloseTo(4, 5);
    expect(worth(jamo, [hot('하하')], '하하하하')).toBeCloseTo(8, 5);
    expect(worth(jamo, [hot('다라'), hot('라마')], '다라마')).toBeCloseTo(8, 5);
  });

  it('takes off a negative weight when the phrase is complete, not before', () => {
    expect(worth(jamo, [hot('창가', -6)], '창가')).toBeCloseTo(-6, 5);
    expect(worth(jamo, [hot('창가', -6)], '창')).toBeCloseTo(0, 5);
    const fusion = new HotWordFusion([hot('창가', -6)], new Symbols(syllables));
    fusion.step(fusion.start, SYLLABLES.indexOf('창'));
    expect(fusion.delta).toBe(0);
  });

  it('counts a phrase given twice once, with the later weight', () => {
    expect(worth(jamo, [hot('창가', 9), hot(' 창가', 2)], '창가')).toBeCloseTo(2, 5);
  });

  it('takes Latin letters in either case', () => {
    expect(worth(bytes, [hot('KTX', 3)], 'ktx')).toBeCloseTo(3, 5);
    expect(worth(bytes, [hot('ktx', 3)], 'KTX')).toBeCloseTo(3, 5);
  });

  it('leaves nothing lent, and is worth no more than a bound for each letter, whatever the words', () => {
    const syllable = fc.constantFrom(...'하다가나');
    const word = fc.array(syllable, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    const phrase = fc.array(word, { minLength: 1, maxLength: 2 }).map((words) => words.join(' '));
    const list = fc.array(fc.record({ phrase, weight: fc.integer({ min: -20, max: 20 }) }), { maxLength: 6 });
    const text = fc.array(word, { maxLength: 5 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(list, text, (hotWords, said) => {
        const value = worth(jamo, hotWords, said);
        const squeezed = said.replaceAll(' ', '');
        const occurs = hotWords.some((one) => squeezed.includes(one.phrase.replaceAll(' ', '')));
        if (!occurs) expect(value).toBeCloseTo(0, 5);
        // A text ends in a state of its own: what comes after nothing said is what comes after a break.
        expect(worth(jamo, hotWords, `${said} 요`)).toBeCloseTo(value, 4);
        const fusion = new HotWordFusion(hotWords, new Symbols(jamo));
        let state = fusion.start;
        for (const id of spell(jamo, said)) {
          const alone = fusion.worth(state, id);
          state = fusion.step(state, id);
          expect(alone).toBe(fusion.delta);
          expect(fusion.delta).toBeLessThanOrEqual(fusion.bound(id) + 1e-5);
        }
      }),
    );
  });
});

/** Log-probabilities of a path, each frame's rivals sharing what is left. */
function path(table: TokenTable, ids: readonly number[], probability: number): LogProbs {
  const classes = table.tokens.length;
  const data = new Float32Array(ids.length * classes).fill(Math.log((1 - probability) / (classes - 1)));
  ids.forEach((id, frame) => (data[frame * classes + id] = Math.log(probability)));
  return { data, frames: ids.length, classes };
}

/** Each token for one frame, a blank after it, and some before and after all. */
function frames(table: TokenTable, text: string): number[] {
  return [table.blank, ...spell(table, text).flatMap((id) => [id, table.blank]), table.blank];
}

describe('a search with hot words', () => {
  const said = '서울시 창가 자리를 반납해요';

  it.each([1, 4, 10, 20])('deletes and adds nothing anywhere, with weights of %d', (weight) => {
    for (const table of [jamo, syllables]) {
      for (const phrase of [
        '서울',
        '창가',
        '창가 자리',
        '자리',
        '반납',
        '반납해',
        '요',
        '해',
        '울시',
        '납',
      ]) {
        const logProbs = path(table, frames(table, said), 0.9);
        for (const given of [weight, -weight]) {
          // What is to be avoided may go; nothing may be written for the sake of what is favoured.
          if (given < 0 && weight > 1) continue;
          const [best] = createCtcDecoder(table, { method: 'beam' }).decode(logProbs, {
            hotWords: [{ phrase, weight: given }],
          });
          expect(best.text).toBe(said);
        }
      }
    }
  });

  it.each([4, 20])('keeps the tail after a hot word at the end, with a weight of %d', (weight) => {
    // What follows the word is spoken less clearly than the word.
    for (const [phrase, text] of [
      ['반납', '창가 반납을'],
      ['창가', '서울 창가를'],
      ['자리', '창가 자리가'],
      ['자리', '자린'],
      ['해', '반납해요'],
      ['반납해', '반납해요'],
    ] as const) {
      const logProbs = path(jamo, frames(jamo, text), 0.6);
      const [best] = createCtcDecoder(jamo, { method: 'beam' }).decode(logProbs, {
        hotWords: [{ phrase, weight }],
      });
      expect(best.text).toBe(text);
    }
  });

  it('hears the word that was in doubt, seen before or not, and leaves the rest alone', () => {
    const logProbs = path(syllables, frames(syllables, '창가 사리를 해요'), 0.9);
    const frame = 1 + 2 * 3;
    const at = frame * logProbs.classes;
    logProbs.data[at + SYLLABLES.indexOf('사')] = Math.log(0.6);
    logProbs.data[at + SYLLABLES.indexOf('자')] = Math.log(0.3);
    const decoder = createCtcDecoder(syllables, { method: 'beam' });
    expect(decoder.decode(logProbs)[0].text).toBe('창가 사리를 해요');
    const [best] = decoder.decode(logProbs, { hotWords: [hot('창가자리', 2)] });
    expect(best.text).toBe('창가 사리를 해요');
    expect(decoder.decode(logProbs, { hotWords: [hot('창가 자리', 2)] })[0].text).toBe('창가 자리를 해요');
    expect(decoder.decode(logProbs, { hotWords: [hot('자리', 2)] })[0].text).toBe('창가 자리를 해요');
    expect(decoder.decode(logProbs, { hotWords: [hot('사리', -2)] })[0].text).toBe('창가 자리를 해요');
  });

  it('writes nothing that the model gives no reason for, at the highest weight', () => {
    const hotWords = [hot('서울', 20), hot('하하', 20), hot('가', 20), hot('바', 20)];
    for (const table of [jamo, syllables]) {
      for (const probability of [0.999, 0.98]) {
        const logProbs = path(table, frames(table, '자리를 반납해요'), probability);
        expect(createCtcDecoder(table, { method: 'beam' }).decode(logProbs, { hotWords })[0].text).toBe(
          '자리를 반납해요',
        );
        const silence = path(table, new Array<number>(50).fill(table.blank), probability);
        expect(createCtcDecoder(table, { method: 'beam' }).decode(silence, { hotWords })[0].text).toBe('');
      }
    }
  });

  it('writes no phrase that is less probable than its rival by more than the bound for its letters', () => {
    const logProbs = path(syllables, frames(syllables, '사리'), 0.9999);
    const at = logProbs.classes + SYLLABLES.indexOf('자');
    const worth = MAX_BOOST_PER_JAMO * 4;
    const decoder = createCtcDecoder(syllables, { method: 'beam', tokenReach: 100, beamReach: 100 });
    const hotWords = [hot('자리', 20)];
    logProbs.data[at] = -worth - 0.5;
    expect(decoder.decode(logProbs, { hotWords })[0].text).toBe('사리');
    logProbs.data[at] = -worth + 0.5;
    expect(decoder.decode(logProbs, { hotWords })[0].text).toBe('자리');
  });
});
