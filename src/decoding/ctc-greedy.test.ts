import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCtcDecoder, parseTokens } from './index.js';
import type { LogProbs, TokenTable } from './index.js';

const folder = new URL('../../test/fixtures/kospeech/decoding/', import.meta.url);

describe("KoSpeech's models", () => {
  const golden = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as {
    top: number;
    classes: number;
    blank: number;
    eos: number;
    cases: { model: string; utterance: string; frames: number; ids: number[]; text: string }[];
  };
  const { top, classes, blank, eos } = golden;
  const table = parseTokens(readFileSync(new URL('character-tokens.txt', folder), 'utf8'), {
    unit: 'character',
    blank,
    eos,
    space: ' ',
  });
  const bytes = new Uint8Array(gunzipSync(readFileSync(new URL('top16.bin.gz', folder)))).buffer;

  /** The most probable classes of each frame as the model gave them; the others far below. */
  function logProbsFrom(offset: number, frames: number): LogProbs {
    const data = new Float32Array(frames * classes).fill(-100);
    const ids = new Uint16Array(bytes, offset, frames * top);
    const values = new Float32Array(bytes.slice(offset + ids.byteLength, offset + frames * top * 6));
    ids.forEach((id, i) => (data[Math.floor(i / top) * classes + id] = values[i]));
    return { data, frames, classes };
  }

  let offset = 0;
  for (const { model, utterance, frames, ids, text } of golden.cases) {
    const logProbs = logProbsFrom(offset, frames);
    offset += frames * top * 6;
    it(`${model} ${utterance}`, () => {
      const [best] = createCtcDecoder(table, { method: 'greedy' }).decode(logProbs);
      expect(best.tokens.map(({ id }) => id)).toEqual(ids);
      expect(best.text).toBe(text);
    });
  }

  it('were all looked at', () => {
    expect(golden.cases.length).toBe(5);
    expect(offset).toBe(bytes.byteLength);
  });
});

/** The definition, written as plainly as can be. */
function reference(
  rows: readonly (readonly number[])[],
  table: TokenTable,
): { ids: number[]; score: number } {
  const path = rows.map((row) => row.indexOf(Math.max(...row)));
  const end = path.indexOf(table.eos ?? -1);
  const used = end < 0 ? path : path.slice(0, end);
  const labels = used.filter((id, frame) => id !== used[frame - 1]);
  let frames = path.length;
  if (end >= 0) for (frames = end; path[frames] === table.eos; frames++);
  const score = rows.slice(0, frames).reduce((sum, row) => sum + Math.max(...row), 0) / frames;
  return { ids: labels.filter((id) => !table.silent.has(id)), score };
}

describe('GreedyCtcDecoder', () => {
  const table = parseTokens('<pad>\n<eos>\n \n가\n나', { unit: 'character', blank: 5, eos: 1, space: ' ' });

  it('equals the definition for any matrix', () => {
    // Few distinct values, so that ties are common; eos seldom, or most paths would end at once.
    const row = fc
      .array(fc.integer({ min: -8, max: 0 }), { minLength: 6, maxLength: 6 })
      .map((values) => values.map((value, id) => value / 4 - (id === 1 ? 1.2 : 0)));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 30 }), (rows) => {
        const data = Float32Array.from(rows.flat());
        const rounded = rows.map((_, frame) => [...data.subarray(frame * 6, frame * 6 + 6)]);
        const [best] = createCtcDecoder(table, { method: 'greedy' }).decode({
          data,
          frames: rows.length,
          classes: 6,
        });
        const expected = reference(rounded, table);
        expect(best.tokens.map(({ id }) => id)).toEqual(expected.ids);
        expect(best.avgLogProb).toBeCloseTo(expected.score, 5);
      }),
      { numRuns: 500 },
    );
  });

  it('averages a token over its frames and a word over its tokens', () => {
    const rows = [
      [0, 0, 0, 0.9, 0.05, 0.05],
      [0, 0, 0, 0.7, 0.2, 0.1],
      [0, 0, 0, 0.3, 0.5, 0.2],
    ];
    const data = Float32Array.from(rows.flat(), (value) => Math.log(value));
    const [best] = createCtcDecoder(table, { method: 'greedy' }).decode({ data, frames: 3, classes: 6 });
    expect(best.tokens.map(({ probability }) => probability)).toEqual([
      expect.closeTo(0.8, 6) as number,
      expect.closeTo(0.5, 6) as number,
    ]);
    expect(best.words[0].confidence).toBeCloseTo(Math.sqrt(0.8 * 0.5), 6);
    expect(best.confidence).toBeCloseTo(Math.sqrt(0.8 * 0.5), 6);
    expect(best.avgLogProb).toBeCloseTo((Math.log(0.9) + Math.log(0.7) + Math.log(0.5)) / 3, 6);
  });

  it('refuses a method it does not know', () => {
    expect(() => createCtcDecoder(table, { method: 'magic' } as never)).toThrow(
      expect.objectContaining({ code: 'manifest_invalid' }) as Error,
    );
  });
});
