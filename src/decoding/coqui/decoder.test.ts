/** Equality with Coqui's own engine (test/fixtures/coqui/README.md), and what goes beyond it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  coquiAlphabet,
  coquiCases,
  coquiProbabilities,
  coquiRandomCases,
  coquiScorer,
  type CoquiCase,
} from '../../../test/fixtures/coqui/cases.js';
import { MemoryReader } from '../lm/bytes.js';
import { parseAlphabet } from './alphabet.js';
import { CoquiDecoder } from './decoder.js';
import type { CoquiDecoderOptions } from './decoder.js';
import { CoquiScorer } from './scorer.js';

const hex = (byteString: string): string => Buffer.from(byteString, 'latin1').toString('hex');

function open(name: string, model: string): CoquiScorer {
  return new CoquiScorer(new MemoryReader(coquiScorer(name)), coquiAlphabet(model));
}

function newDecoder({ model, scorer, beam, hot, alphaBeta }: CoquiCase): CoquiDecoder {
  return new CoquiDecoder(coquiAlphabet(model), {
    beamWidth: beam,
    ...(scorer === null ? {} : { scorer: open(scorer, model) }),
    ...(alphaBeta === null ? {} : { weights: { alpha: alphaBeta[0], beta: alphaBeta[1] } }),
    hotWords: Object.entries(hot),
  });
}

const cases = coquiCases();
const name = ({ model, audio, scorer, beam, hot, alphaBeta, results, intermediate }: CoquiCase): string =>
  [model, audio, scorer, beam, JSON.stringify(hot), alphaBeta, results, intermediate.length].join(' ');

describe("Coqui's decoder", () => {
  it('has the cases', () => {
    expect(cases.length).toBe(38 + 59);
  });

  it.each(cases.map((one) => [name(one), one] as const))('%s', (_name, one) => {
    const { data, frames } = coquiProbabilities(one.model, one.audio);
    const { labels } = coquiAlphabet(one.model);
    const decoder = newDecoder(one);
    decoder.next(data, frames, labels.length + 1);
    const results = decoder.decode(one.results);
    const tokens = results.map((result) => result.tokens.map(({ id }) => hex(labels[id])));
    expect(tokens).toEqual(one.transcripts.map((transcript) => transcript.tokens));
    const times = results.map((result) => result.tokens.map(({ startFrame }) => startFrame));
    expect(times).toEqual(one.transcripts.map(({ timesteps }) => timesteps));
    results.forEach(({ score }, i) => {
      const { confidence } = one.transcripts[i];
      expect(Math.abs(score - confidence)).toBeLessThan(2e-5 * Math.max(1, Math.abs(confidence) / 10));
    });
  });

  it.each(
    cases.filter(({ intermediate }) => intermediate.length > 0).map((one) => [name(one), one] as const),
  )('intermediate results: %s', (_name, one) => {
    const { data } = coquiProbabilities(one.model, one.audio);
    const { labels } = coquiAlphabet(one.model);
    const classes = labels.length + 1;
    const decoder = newDecoder(one);
    let done = 0;
    for (const [samples, text] of one.intermediate) {
      // The model runs over batches of 16 windows, each of which reaches 9 frames ahead.
      const frames = samples < 512 ? 0 : Math.floor((samples - 512) / 320) + 1;
      const ready = Math.floor(Math.max(0, frames - 9) / 16) * 16;
      decoder.next(data.subarray(done * classes), ready - done, classes);
      done = ready;
      expect(
        decoder
          .decode(1)[0]
          .tokens.map(({ id }) => hex(labels[id]))
          .join(''),
      ).toBe(text);
    }
  });
});

it("is equal to Coqui's decoder on probabilities that no model gave", () => {
  const alphabet = coquiAlphabet('random');
  const scorers = new Map(['abc3.scorer', 'abc6q.scorer'].map((file) => [file, open(file, 'random')]));
  for (const one of coquiRandomCases()) {
    const decoder = new CoquiDecoder(alphabet, {
      beamWidth: one.beam,
      ...(one.scorer === null ? {} : { scorer: scorers.get(one.scorer) }),
      weights: { alpha: one.weights[0], beta: one.weights[1] },
      hotWords: Object.entries(one.hot),
    });
    decoder.next(one.probabilities, one.frames, 5);
    const results = decoder.decode(one.results).map(({ tokens, score }) => ({
      tokens: tokens.map(({ id }) => id),
      timesteps: tokens.map(({ startFrame }) => startFrame),
      confidence: score,
    }));
    expect(results).toEqual(
      one.transcripts.map((transcript) => ({
        ...transcript,
        confidence: Math.fround(transcript.confidence),
      })),
    );
  }
});

describe('a decoder in use', () => {
  const MODEL = 'ko_syl.f32';
  const alphabet = coquiAlphabet(MODEL);
  const classes = alphabet.labels.length + 1;
  const { data, frames } = coquiProbabilities(MODEL, 'ko02');
  const scorer = open('ko_syl.trie.scorer', MODEL);
  const decoderWith = (options: Partial<CoquiDecoderOptions>): CoquiDecoder =>
    new CoquiDecoder(alphabet, { beamWidth: 60, scorer, ...options });

  it('gives the same however the frames come, and however often it is asked', () => {
    const whole = decoderWith({});
    whole.next(data, frames, classes);
    const expected = whole.decode(5);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 20 }), (sizes) => {
        const decoder = decoderWith({});
        let at = 0;
        for (const size of [...sizes, frames]) {
          const count = Math.min(size, frames - at);
          decoder.next(data.subarray(at * classes), count, classes);
          decoder.decode(2);
          at += count;
        }
        expect(decoder.decode(5)).toEqual(expected);
      }),
      { seed: 2, numRuns: 20 },
    );
  });

  it('forks: neither decoder feels the other', () => {
    const decoder = decoderWith({});
    decoder.next(data, 50, classes);
    const before = decoder.decode(5);
    const fork = decoder.fork();
    fork.next(coquiProbabilities(MODEL, 'ko05').data, 40, classes);
    expect(fork.decode(5)).not.toEqual(before);
    expect(decoder.decode(5)).toEqual(before);
    const other = decoder.fork();
    decoder.next(data.subarray(50 * classes), frames - 50, classes);
    other.next(data.subarray(50 * classes), frames - 50, classes);
    expect(other.decode(5)).toEqual(decoder.decode(5));
  });

  it('has one empty transcript before the first frame, and after silence', () => {
    const decoder = decoderWith({});
    expect(decoder.decode(3)).toMatchObject([{ text: '', tokens: [], words: [], score: 0, avgLogProb: 0 }]);
    const silence = new Float32Array(classes * 20);
    for (let frame = 0; frame < 20; frame++) silence[frame * classes + classes - 1] = 1;
    decoder.next(silence, 20, classes);
    expect(decoder.decode(3)).toHaveLength(1);
    expect(decoder.decode(3)[0]).toMatchObject({ text: '', score: 0 });
  });

  it('counts time through the silence at the beginning', () => {
    const padded = new Float32Array(data.length + 30 * classes);
    for (let frame = 0; frame < 30; frame++) padded[frame * classes + classes - 1] = 1;
    padded.set(data, 30 * classes);
    const [late, early] = [padded, data].map((rows) => {
      const decoder = decoderWith({});
      decoder.next(rows, rows.length / classes, classes);
      return decoder.decode(1)[0];
    });
    expect(late.text).toBe(early.text);
    expect(late.score).toBe(early.score);
    expect(late.tokens[0].startFrame).toBe(early.tokens[0].startFrame + 30);
  });

  it('gives words with their frames, in syllables whatever the alphabet', () => {
    const jamo = coquiAlphabet('ko_jamo.f32');
    const probabilities = coquiProbabilities('ko_jamo.f32', 'ko02');
    const decoder = new CoquiDecoder(jamo, {
      beamWidth: 100,
      scorer: open('ko_jamo.qatrie.scorer', 'ko_jamo.f32'),
    });
    decoder.next(probabilities.data, probabilities.frames, jamo.labels.length + 1);
    const [best] = decoder.decode(1);
    expect(best.text).toBe('서울역까지 가 주세요');
    expect(best.words.map(({ word }) => word)).toEqual(['서울역까지', '가', '주세요']);
    expect(best.tokens.map(({ text }) => text).join('')).toBe(best.text.normalize('NFD'));
    let end = 0;
    for (const { startFrame, endFrame, confidence } of best.words) {
      expect(startFrame).toBeGreaterThanOrEqual(end);
      expect(endFrame).toBeGreaterThanOrEqual(startFrame);
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThanOrEqual(1);
      end = endFrame;
    }
  });

  it('takes hot words as they are typed, also for an alphabet of jamo', () => {
    const one = cases.find(({ model, hot }) => model === 'ko_jamo.f32' && Object.keys(hot).length > 0)!;
    const composed = Object.fromEntries(
      Object.entries(one.hot).map(([word, boost]) => [word.normalize('NFC'), boost]),
    );
    const { data: rows, frames: count } = coquiProbabilities(one.model, one.audio);
    const [typed, spelt] = [{ ...one, hot: composed }, one].map((variant) => {
      const decoder = newDecoder(variant);
      decoder.next(rows, count, coquiAlphabet(one.model).labels.length + 1);
      return decoder.decode(3);
    });
    expect(typed).toEqual(spelt);
  });

  it("follows the scorer's weights while it is at work, unless it has its own", () => {
    const changing = open('ko_syl.trie.scorer', MODEL);
    const follower = decoderWith({ scorer: changing });
    const fixed = decoderWith({ scorer: changing, weights: { alpha: 0.9, beta: 1.2 } });
    for (const decoder of [follower, fixed]) decoder.next(data, frames, classes);
    const before = follower.decode(1)[0].score;
    expect(fixed.decode(1)[0].score).toBe(before);
    changing.setWeights({ alpha: 2, beta: 0 });
    expect(follower.decode(1)[0].score).not.toBe(before);
    expect(fixed.decode(1)[0].score).toBe(before);
  });

  it('refuses what does not fit', () => {
    const decoder = decoderWith({});
    expect(() => {
      decoder.next(data, 1, classes + 1);
    }).toThrow(/classes/);
    expect(() => {
      decoder.next(data, frames + 1, classes);
    }).toThrow(/classes/);
    for (const beamWidth of [0, 1.5, -1, NaN, 1e6]) {
      expect(() => decoderWith({ beamWidth })).toThrow(/beam/);
    }
    expect(() => decoderWith({ weights: { alpha: NaN, beta: 0 } })).toThrow(/weight/);
    expect(() => decoderWith({ hotWords: [['줘', Infinity]] })).toThrow(/boost/);
    expect(() => {
      scorer.setWeights({ alpha: 1, beta: 1e300 });
    }).toThrow(/weights/);
    expect(() => new CoquiDecoder(parseAlphabet(' \na\n'), { beamWidth: 1, scorer })).toThrow(
      /another alphabet/,
    );
  });

  it('ranks as an exhaustive search does where the beam is wide enough', () => {
    // Every sequence of 4 frames over {a, b, blank}, added up by the text that it collapses to.
    const letters = parseAlphabet('a\nb\n');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 12, maxLength: 12 }), (weights) => {
        const rows = Float32Array.from(weights, (weight, i) => {
          const frame = Math.floor(i / 3) * 3;
          return weight / (weights[frame] + weights[frame + 1] + weights[frame + 2]);
        });
        const decoder = new CoquiDecoder(letters, { beamWidth: 200 });
        decoder.next(rows, 4, 3);
        const sums = exhaustive(rows, 4);
        const results = decoder.decode(200);
        for (const { text, score } of results) expect(Math.exp(score)).toBeCloseTo(sums.get(text)!, 5);
        expect(results.length).toBe(sums.size);
      }),
      { seed: 4, numRuns: 50 },
    );
  });
});

function exhaustive(rows: Float32Array, frames: number): Map<string, number> {
  const sums = new Map<string, number>();
  for (let path = 0; path < 3 ** frames; path++) {
    let text = '';
    let probability = 1;
    let last = 2;
    for (let frame = 0, rest = path; frame < frames; frame++, rest = Math.floor(rest / 3)) {
      const c = rest % 3;
      probability *= rows[frame * 3 + c];
      if (c !== last && c !== 2) text += 'ab'[c];
      last = c;
    }
    sums.set(text, (sums.get(text) ?? 0) + probability);
  }
  return sums;
}
