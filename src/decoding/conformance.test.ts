/** What every CTC decoder must do with a clear input. A new decoder joins the list below. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCtcDecoder, parseTokens } from './index.js';
import type { CtcDecoder, LogProbs, TokenTable } from './index.js';

const DECODERS: readonly [name: string, create: (table: TokenTable) => CtcDecoder][] = [
  ['greedy', (table) => createCtcDecoder(table, { method: 'greedy' })],
  ['beam', (table) => createCtcDecoder(table, { method: 'beam' })],
  ['beam of one', (table) => createCtcDecoder(table, { method: 'beam', beamWidth: 1 })],
];

const range = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => String.fromCharCode(from + i));

/** The bundled model's kind of table: control symbols, `|`, conjoining jamo, blank last. */
const JAMO = [
  '<pad>',
  '<sos>',
  '<eos>',
  '|',
  ...range(0x1100, 0x1113),
  ...range(0x1161, 0x1176),
  ...range(0x11a8, 0x11c3),
];
const graphemes = parseTokens(JAMO.join('\n'), { unit: 'grapheme', blank: JAMO.length, eos: 2, space: '|' });
const syllables = parseTokens(['<blank>', ' ', '가', '나', '다', '라'].join('\n'), {
  unit: 'syllable',
  blank: 0,
  space: ' ',
});
const pieces = parseTokens(
  ['<unk>', '<s>', '</s>', '▁', '▁창가', '▁자리', '를', '▁A', '3', '<0xEA>', '<0xB0>', '<0x80>'].join('\n'),
  { unit: 'subword', blank: 12, eos: 2, space: '▁' },
);
const bytes = parseTokens(Array.from({ length: 256 }, (_, i) => byteToken(i)).join('\n'), {
  unit: 'byte',
  blank: 256,
  space: '<0x20>',
});

function byteToken(value: number): string {
  return `<0x${value.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** Log-probabilities of a path that is beyond doubt. */
function certain(table: TokenTable, path: readonly number[], probability = 0.98): LogProbs {
  const classes = table.tokens.length;
  const data = new Float32Array(path.length * classes).fill(Math.log((1 - probability) / (classes - 1)));
  path.forEach((id, frame) => (data[frame * classes + id] = Math.log(probability)));
  return { data, frames: path.length, classes };
}

const ids = (table: TokenTable, ...tokens: string[]): number[] =>
  tokens.map((token) => (token === '_' ? table.blank : table.tokens.indexOf(token)));

/** Any CTC path of `labels`: each at least one frame long, a blank at least between equal neighbours. */
const pathOf = (labels: readonly number[], blank: number): fc.Arbitrary<number[]> =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 })), {
      minLength: labels.length,
      maxLength: labels.length,
    })
    .map((shape) =>
      labels.flatMap((label, i) => {
        const [length, gap] = shape[i];
        const blanks = label === labels[i + 1] ? Math.max(1, gap) : gap;
        return [...new Array<number>(length).fill(label), ...new Array<number>(blanks).fill(blank)];
      }),
    );

describe.each(DECODERS)('%s', (_name, create) => {
  const text = (table: TokenTable, path: readonly number[]): string =>
    create(table).decode(certain(table, path))[0].text;

  it('collapses repeats, drops blanks, keeps what a blank separates', () => {
    expect(text(syllables, ids(syllables, '_', '가', '가', '_', '가', '나', '_', '_'))).toBe('가가나');
  });

  it('gives one empty hypothesis for no frames and for blanks only', () => {
    for (const path of [[], [0, 0, 0]]) {
      const hypotheses = create(syllables).decode(certain(syllables, path));
      expect(hypotheses[0]).toMatchObject({ text: '', tokens: [], words: [] });
      expect(hypotheses[0].confidence).toBeGreaterThan(0.9);
    }
  });

  it('cuts before the end of the sentence', () => {
    expect(text(graphemes, ids(graphemes, 'ᄂ', 'ᅦ', '<eos>', 'ᄋ', 'ᅭ'))).toBe('네');
  });

  it('leaves control symbols out', () => {
    const path = ids(graphemes, '<sos>', '<pad>', 'ᄂ', '<pad>', 'ᅦ');
    const [best] = create(graphemes).decode(certain(graphemes, path));
    expect(best.text).toBe('네');
    expect(best.tokens.map((token) => token.text)).toEqual(['ᄂ', 'ᅦ']);
  });

  it('composes jamo into syllables and knows words, times and tokens', () => {
    const path = ids(graphemes, '_', 'ᄌ', 'ᅡ', 'ᅡ', '_', 'ᄅ', 'ᅵ', '|', '|', 'ᄂ', '_', 'ᅦ', '_');
    const [best] = create(graphemes).decode(certain(graphemes, path));
    expect(best.text).toBe('자리 네');
    expect(best.words).toEqual([
      { word: '자리', startFrame: 1, endFrame: 6, confidence: expect.closeTo(0.98, 2) as number },
      { word: '네', startFrame: 9, endFrame: 11, confidence: expect.closeTo(0.98, 2) as number },
    ]);
    expect(best.tokens[1]).toEqual({
      id: graphemes.tokens.indexOf('ᅡ'),
      text: 'ᅡ',
      startFrame: 2,
      endFrame: 3,
      probability: expect.closeTo(0.98, 2) as number,
    });
    expect(best.tokens[4].text).toBe(' ');
    expect(best.avgLogProb).toBeCloseTo(Math.log(0.98), 1);
    expect(best.confidence).toBeCloseTo(0.98, 2);
  });

  it('gives neither leading, trailing nor double spaces', () => {
    expect(text(syllables, ids(syllables, ' ', '_', ' ', '가', ' ', '_', ' ', '나', ' '))).toBe('가 나');
    expect(text(syllables, ids(syllables, ' ', '_', ' '))).toBe('');
  });

  it('joins subword pieces at their marks', () => {
    const path = ids(pieces, '▁창가', '▁자리', '를', '▁', '▁A', '3');
    const [best] = create(pieces).decode(certain(pieces, path));
    expect(best.text).toBe('창가 자리를 A3');
    expect(best.words.map(({ startFrame, endFrame }) => [startFrame, endFrame])).toEqual([
      [0, 0],
      [1, 2],
      [4, 5],
    ]);
  });

  it('reads bytes as UTF-8, in byte models and in the fallback of subword models', () => {
    const utf8 = [...new TextEncoder().encode('창가 A')];
    expect(text(bytes, utf8)).toBe('창가 A');
    expect(text(pieces, ids(pieces, '▁자리', '<0xEA>', '<0xB0>', '<0x80>'))).toBe('자리가');
  });

  it('leaves bytes out that are no UTF-8', () => {
    expect(text(bytes, [0xea, 0xb0, 0x41])).toBe('A');
  });

  it('lowers the confidence of the word that is in doubt', () => {
    const path = ids(syllables, '가', ' ', '나');
    const logProbs = certain(syllables, path, 0.96);
    logProbs.data.set(
      [0.02, 0.02, 0.02, 0.62, 0.3, 0.02].map((value) => Math.log(value)),
      2 * logProbs.classes,
    );
    const [best] = create(syllables).decode(logProbs);
    expect(best.words[0].confidence).toBeGreaterThan(0.9);
    expect(best.words[1].confidence).toBeLessThan(0.7);
    expect(best.confidence).toBeLessThan(best.words[0].confidence);
  });

  it('gives no more hypotheses than asked for, best first', () => {
    const hypotheses = create(syllables).decode(certain(syllables, [2, 0, 3], 0.6), { alternatives: 3 });
    expect(hypotheses.length).toBeGreaterThanOrEqual(1);
    expect(hypotheses.length).toBeLessThanOrEqual(3);
    const scores = hypotheses.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  it('does not change its input', () => {
    const logProbs = certain(syllables, [0, 2, 2, 3]);
    const before = logProbs.data.slice();
    create(syllables).decode(logProbs);
    expect(logProbs.data).toEqual(before);
  });

  it('refuses a matrix that does not fit the tokens or holds no numbers', () => {
    const decoder = create(syllables);
    const decode = (logProbs: LogProbs) => () => decoder.decode(logProbs);
    const failed = expect.objectContaining({ code: 'inference_failed' }) as Error;
    expect(decode({ data: new Float32Array(10), frames: 2, classes: 5 })).toThrow(failed);
    expect(decode({ data: new Float32Array(6), frames: 2, classes: 6 })).toThrow(failed);
    expect(decode({ data: new Float32Array(12).fill(NaN), frames: 2, classes: 6 })).toThrow(failed);
    expect(decode({ data: new Float32Array(12).fill(Infinity), frames: 2, classes: 6 })).toThrow(failed);
  });

  it('finds any text again in any path of its jamo', () => {
    const syllable = fc.integer({ min: 0xac00, max: 0xd7a3 }).map((code) => String.fromCharCode(code));
    const word = fc.array(syllable, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
    const sample = fc.array(word, { maxLength: 4 }).chain((words) => {
      const labels = ids(graphemes, ...words.join('|').normalize('NFD'));
      return fc.tuple(fc.constant(words), pathOf(labels, graphemes.blank));
    });
    fc.assert(
      fc.property(sample, ([words, path]) => {
        const [best] = create(graphemes).decode(certain(graphemes, path));
        expect(best.text).toBe(words.join(' '));
        expect(best.words.map(({ word }) => word)).toEqual(words);
      }),
      { numRuns: 100 },
    );
  });

  it('is sound for any matrix', () => {
    const row = fc.array(fc.double({ min: -12, max: 0, noNaN: true }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 20 }), (rows) => {
        const data = Float32Array.from(rows.flatMap(logSoftmax));
        const hypotheses = create(syllables).decode({ data, frames: rows.length, classes: 6 });
        expect(hypotheses.length).toBeGreaterThan(0);
        for (const { text, words, tokens, confidence, avgLogProb } of hypotheses) {
          expect(words.map(({ word }) => word).join(' ')).toBe(text);
          expect(confidence).toBeGreaterThanOrEqual(0);
          expect(confidence).toBeLessThanOrEqual(1);
          expect(avgLogProb).toBeLessThanOrEqual(1e-6);
          for (const list of [tokens, words]) {
            let last = -1;
            for (const { startFrame, endFrame } of list) {
              expect(startFrame).toBeGreaterThan(last);
              expect(endFrame).toBeGreaterThanOrEqual(startFrame);
              last = endFrame;
            }
            expect(last).toBeLessThan(rows.length);
          }
        }
      }),
    );
  });
});

function logSoftmax(row: readonly number[]): number[] {
  const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
  return row.map((value) => value - total);
}
