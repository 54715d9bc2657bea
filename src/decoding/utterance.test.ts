/** What every CTC decoder must do with an utterance whose frames come piece by piece. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type {
  CtcDecoder,
  CtcDecoderConfig,
  CtcUtterance,
  DecodedHypothesis,
  DecodeOptions,
  LogProbs,
} from './index.js';
import { createCtcDecoder, parseTokens, readArpa } from './index.js';

const table = parseTokens(['<blank>', ' ', '가', '나', '<eos>'].join('\n'), {
  unit: 'syllable',
  blank: 0,
  eos: 4,
  space: ' ',
});
const CLASSES = 5;

const model = readArpa(
  new TextEncoder().encode(
    '\\data\\\nngram 1=5\nngram 2=2\n\\1-grams:\n-2\t<unk>\n-99\t<s>\t-0.3\n-1\t</s>\n-0.5\t가\t-0.2\n-0.7\t나\t-0.1\n' +
      '\\2-grams:\n-0.1\t가 나\n-1.5\t나 나\n\\end\\\n',
  ),
);

/** The search of live streams, which makes up its mind after three frames. */
const settling = (config: CtcDecoderConfig): CtcDecoder => {
  const decoder = createCtcDecoder(table, config);
  const begin = (options?: DecodeOptions): CtcUtterance => decoder.begin(options, 3);
  const decode = (logProbs: LogProbs, options?: DecodeOptions): DecodedHypothesis[] => {
    const utterance = begin(options);
    utterance.push(logProbs);
    return utterance.finish();
  };
  return { name: 'settling', begin, decode };
};

const DECODERS: readonly [name: string, decoder: CtcDecoder][] = [
  ['greedy', createCtcDecoder(table, { method: 'greedy' })],
  ['beam', createCtcDecoder(table, { method: 'beam' })],
  ['a narrow beam', createCtcDecoder(table, { method: 'beam', beamWidth: 3, beamReach: 3 })],
  ['a beam that settles', settling({ method: 'beam', beamWidth: 8 })],
  [
    'beam and language model',
    createCtcDecoder(
      table,
      { method: 'beam', beamWidth: 6 },
      { model, unit: 'character', alpha: 0.4, beta: 1 },
    ),
  ],
];

const piece = (rows: readonly (readonly number[])[]): LogProbs => ({
  data: Float32Array.from(
    rows.flatMap((row) => {
      const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
      return row.map((value) => value - total);
    }),
  ),
  frames: rows.length,
  classes: CLASSES,
});

/** Scores whose best class is often clear, spaces among them; the end of the sentence is rare. */
const frame = fc
  .tuple(
    fc.constantFrom(0, 0, 1, 1, 2, 3, 2, 3),
    fc.double({ min: 0, max: 16, noNaN: true }),
    fc.array(fc.double({ min: -3, max: 1, noNaN: true }), { minLength: CLASSES, maxLength: CLASSES }),
  )
  .map(([best, lead, noise]) =>
    noise.map((value, id) => value + (id === best ? lead : 0) - (id === 4 ? 6 : 0)),
  );
const pieces = fc.array(fc.array(frame, { maxLength: 4 }), { minLength: 1, maxLength: 10 });

describe.each(DECODERS)('%s', (_name, decoder) => {
  const begun = (...parts: readonly LogProbs[]): CtcUtterance => {
    const utterance = decoder.begin({ alternatives: 3 });
    for (const part of parts) utterance.push(part);
    return utterance;
  };

  it('gives the same however the frames are cut, and whatever was asked in between', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        const utterance = decoder.begin({ alternatives: 3 });
        for (const [index, part] of parts.entries()) {
          utterance.push(piece(part));
          if (index % 2 === 0) utterance.partial();
          else utterance.finish();
          utterance.peek(piece(parts[0]), () => utterance.partial());
          utterance.partial(piece(parts[0]));
        }
        expect(utterance.finish()).toEqual(decoder.decode(piece(parts.flat()), { alternatives: 3 }));
      }),
      { numRuns: 200 },
    );
  });

  it('lets one look ahead: what is seen is what those frames would have given', () => {
    fc.assert(
      fc.property(pieces, fc.array(frame, { maxLength: 6 }), (parts, ahead) => {
        const all = parts.map(piece);
        const seen = begun(...all).peek(piece(ahead), () => 'nothing');
        expect(seen).toBe('nothing');
        const utterance = begun(...all);
        const longer = begun(...all, piece(ahead));
        const { text, hypotheses } = utterance.peek(piece(ahead), () => ({
          text: utterance.partial().text,
          hypotheses: utterance.finish(2),
        }));
        expect(text).toBe(longer.partial().text);
        expect(hypotheses).toEqual(longer.finish(2));
        expect(utterance.partial()).toEqual(begun(...all).partial());
      }),
      { numRuns: 200 },
    );
  });

  it('comes back from a look at frames that are no numbers', () => {
    const utterance = begun(piece([[0, 1, 5, 0, -3]]));
    const before = utterance.finish();
    const broken = { data: new Float32Array(2 * CLASSES).fill(NaN), frames: 2, classes: CLASSES };
    expect(() => utterance.peek(broken, () => utterance.finish())).toThrow(/not numbers/);
    expect(() => utterance.partial(broken)).toThrow(/not numbers/);
    expect(utterance.finish()).toEqual(before);
  });

  it('says of no word that it is stable which changes later, in no hypothesis', () => {
    let some = 0;
    fc.assert(
      fc.property(pieces, (parts) => {
        const utterance = decoder.begin({ alternatives: 5 });
        let stable = '';
        for (const [index, part] of parts.entries()) {
          utterance.push(piece(part));
          const ahead = piece(parts[(index + 1) % parts.length]);
          const seen = utterance.peek(ahead, () => utterance.partial());
          for (const partial of [utterance.partial(), seen, utterance.partial(ahead)]) {
            const { text, stable: length } = partial;
            expect(text.startsWith(stable)).toBe(true);
            expect(length).toBeGreaterThanOrEqual(stable.length);
            stable = text.slice(0, length);
            expect(text === stable || stable === '' || text[length] === ' ').toBe(true);
            if (length > 0) some++;
          }
        }
        for (const { text } of utterance.finish()) expect(text.startsWith(stable)).toBe(true);
      }),
      { numRuns: 300, seed: 3 },
    );
    expect(some).toBeGreaterThan(10);
  });
});

it('settles what the best text has begun with, and more words are stable for it', () => {
  const stableOf = (decoder: CtcDecoder): number => {
    let sum = 0;
    fc.assert(
      fc.property(pieces, (parts) => {
        const utterance = decoder.begin();
        for (const part of parts) {
          utterance.push(piece(part));
          sum += utterance.partial().stable;
        }
      }),
      { numRuns: 100, seed: 5 },
    );
    return sum;
  };
  const undecided = stableOf(createCtcDecoder(table, { method: 'beam', beamWidth: 8 }));
  expect(stableOf(settling({ method: 'beam', beamWidth: 8 }))).toBeGreaterThan(2 * undecided);
});

it('finds the same when it settles after the end', () => {
  fc.assert(
    fc.property(pieces, (parts) => {
      const decoder = createCtcDecoder(table, { method: 'beam', beamWidth: 8 });
      const utterance = decoder.begin({ alternatives: 3 }, 1000);
      utterance.push(piece(parts.flat()));
      expect(utterance.finish()).toEqual(decoder.decode(piece(parts.flat()), { alternatives: 3 }));
    }),
    { numRuns: 100 },
  );
});

describe('a word of jamo', () => {
  const jamo = parseTokens(['|', '\u1100', '\u1102', '\u1161', '<blank>'].join('\n'), {
    unit: 'grapheme',
    blank: 4,
    space: '|',
    compose: 'nfc',
  });
  const sure = (ids: readonly number[]): LogProbs =>
    piece(ids.map((id) => Array.from({ length: CLASSES }, (_, n) => (n === id ? 12 : 0))));

  it.each(['greedy', 'beam'] as const)('stays stable while the next one is an onset alone: %s', (method) => {
    const utterance = createCtcDecoder(jamo, { method }).begin({}, 1);
    const stable: number[] = [];
    // 가, a space, 나, a space, the onset of another 가, its vowel.
    for (const id of [1, 3, 0, 2, 3, 0, 1, 3]) {
      utterance.push(sure([id]));
      const told = utterance.partial();
      expect(told.text.slice(0, told.stable)).toBe('가 나'.slice(0, told.stable));
      stable.push(told.stable);
    }
    expect(stable).toEqual(stable.toSorted((a, b) => a - b));
    expect(stable.at(-1)).toBe(3);
  });
});
