import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  distribution,
  logSoftmax,
  toyAttention,
  toyCtc,
  type History,
} from '../../../test/fixtures/toy-scorers.js';
import type { HotWord, LogProbs } from '../contract.js';
import { TextFusions } from '../text-fusion.js';
import { parseTokens } from '../tokens.js';
import { CtcPrefixScorer } from './ctc-prefix.js';
import { decodeAttention } from './decoder.js';
import { cycleAtEnd } from './loops.js';
import { attentionSearch, type AttentionSearchOptions } from './search.js';

/** Probability of every label sequence, by adding up all paths. */
function labelSequences({ data, frames, classes }: LogProbs, blank: number): Map<string, number> {
  const found = new Map<string, number>();
  const walk = (frame: number, labels: readonly number[], last: number, probability: number): void => {
    if (frame === frames) {
      const key = labels.join();
      found.set(key, (found.get(key) ?? 0) + probability);
      return;
    }
    for (let id = 0; id < classes; id++) {
      const next = id === blank || id === last ? labels : [...labels, id];
      walk(frame + 1, next, id, probability * Math.exp(data[frame * classes + id]));
    }
  };
  walk(0, [], -1, 1);
  return found;
}

const sequences = (symbols: readonly number[], longest: number): number[][] =>
  longest === 0
    ? [[]]
    : [[], ...symbols.flatMap((id) => sequences(symbols, longest - 1).map((rest) => [id, ...rest]))];

describe('CTC prefix scores', () => {
  it('equal the sum over all paths, of prefixes and of whole sequences', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1, max: 6 }), (seed, frames) => {
        const logProbs = toyCtc(seed, frames, 3);
        const all = labelSequences(logProbs, 2);
        // Class 1 is the eos: a sequence ends there, or where the labels end.
        const scorer = new CtcPrefixScorer(logProbs, 2, 1);
        for (const labels of sequences([0, 1], 3)) {
          let prefix = scorer.initial();
          for (const id of labels) prefix = scorer.extend(prefix, id);
          const ended = (all.get(labels.join()) ?? 0) + (all.get([...labels, 1].join()) ?? 0);
          expect(Math.exp(scorer.end(prefix))).toBeCloseTo(ended, 5);
          scorer.score(prefix, [0, 1, 2]).forEach((score, id) => {
            const start = [...labels, id].join();
            let sum = 0;
            for (const [key, probability] of all) {
              if (id !== 2 && (key === start || key.startsWith(`${start},`))) sum += probability;
            }
            expect(Math.exp(score)).toBeCloseTo(sum, 5);
          });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('fall with every label, in long utterances too', () => {
    const logProbs = toyCtc(3, 2000, 20);
    const scorer = new CtcPrefixScorer(logProbs, 19, 18);
    let prefix = scorer.initial();
    let last = 0;
    for (let length = 0; length < 50; length++) {
      const [score] = scorer.score(prefix, [length % 7]);
      expect(score).toBeLessThanOrEqual(last);
      expect(scorer.end(prefix)).toBeLessThanOrEqual(last);
      last = score;
      prefix = scorer.extend(prefix, length % 7);
    }
    expect(last).toBeGreaterThan(-Infinity);
  });
});

const base: AttentionSearchOptions = {
  sos: 0,
  eos: 1,
  width: 1000,
  count: 1,
  maxTokens: 3,
  lengthNormalization: 0,
};

describe('attention beam search', () => {
  it.each([
    ['attention alone', 0, 0],
    ['length normalisation', 0, 1],
    ['joint with CTC', 0.4, 0],
    ['joint with CTC and length normalisation', 0.3, 0.6],
  ])(
    'finds the best of all sequences when nothing is pruned: %s',
    async (_name, weight, lengthNormalization) => {
      for (let seed = 0; seed < 20; seed++) {
        const scorer = toyAttention(seed, 6, 4);
        const logProbs = toyCtc(seed, 6, 5);
        const ctc = { logProbs, blank: 4, weight };
        const results = await attentionSearch(scorer, {
          ...base,
          lengthNormalization,
          ...(weight > 0 ? { ctc } : {}),
        });
        const head = new CtcPrefixScorer(logProbs, 4, 1);
        const exact = sequences([0, 2, 3], 3).map((ids) => {
          let attention = 0;
          [...ids, 1].forEach(
            (id, index) => (attention += distribution(seed, [0, ...ids.slice(0, index)].join(), 4)[id]),
          );
          let prefix = head.initial();
          for (const id of ids) prefix = head.extend(prefix, id);
          const score = (1 - weight) * attention + weight * head.end(prefix);
          return { ids, score: score / (ids.length + 1) ** lengthNormalization };
        });
        exact.sort((a, b) => b.score - a.score);
        expect(results[0].ids).toEqual(exact[0].ids);
        expect(results[0].score).toBeCloseTo(exact[0].score, 4);
      }
    },
  );

  it('gives the n best of all sequences in order, none twice', async () => {
    const scorer = toyAttention(5, 6, 4);
    const results = await attentionSearch(scorer, { ...base, count: 40 });
    expect(results).toHaveLength(40);
    expect(new Set(results.map(({ ids }) => ids.join())).size).toBe(40);
    const scores = results.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  it('steps all live hypotheses together, once for each token', async () => {
    const scorer = toyAttention(2, 30, 50);
    await attentionSearch(scorer, { ...base, width: 6, maxTokens: 10 });
    expect(scorer.steps.length).toBeLessThanOrEqual(11);
    expect(scorer.steps[0]).toBe(1);
    expect(Math.max(...scorer.steps)).toBeGreaterThan(3);
    expect(Math.max(...scorer.steps)).toBeLessThanOrEqual(6);
  });

  it('is greedy with a width of 1: the best token of each step, up to eos', async () => {
    for (let seed = 0; seed < 20; seed++) {
      const [{ ids, logProbs, eosLogProb }] = await attentionSearch(toyAttention(seed, 30, 5), {
        ...base,
        width: 1,
        maxTokens: 12,
      });
      const history = [0];
      for (let index = 0; index <= ids.length && index < 12; index++) {
        const row = distribution(seed, history.join(), 5);
        const best = row.indexOf(Math.max(...row));
        expect(best).toBe(ids[index] ?? 1);
        expect(logProbs[index] ?? eosLogProb).toBeCloseTo(row[best], 5);
        history.push(best);
      }
    }
  });

  it('never goes on to the limit when a better hypothesis has ended', async () => {
    // eos is certain after two tokens, and improbable anywhere else.
    const row = ({ length }: History): number[] => logSoftmax(length === 3 ? [0, 20, 0, 0] : [0, -20, 3, 2]);
    const scorer = toyAttention(0, 400, 4, row);
    const [{ ids }] = await attentionSearch(scorer, {
      ...base,
      width: 4,
      maxTokens: 400,
      lengthNormalization: 0.6,
    });
    expect(ids).toEqual([2, 2]);
    expect(scorer.steps.length).toBeLessThan(12);
  });

  it('ends a hypothesis that repeats itself after the first time', async () => {
    // 2 3 4 5 6, then 7 8 for ever; eos is never the best.
    const row = (history: History): number[] => {
      const count = history.length - 1;
      const next = count < 5 ? count + 2 : 7 + ((count - 5) % 2);
      return logSoftmax(Array.from({ length: 9 }, (_, id) => (id === next ? 8 : 0)));
    };
    const scorer = toyAttention(0, 400, 9, row);
    const [best] = await attentionSearch(scorer, { ...base, width: 1, maxTokens: 400 });
    expect(best.ids).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(best.logProbs).toHaveLength(7);
    expect(Number.isFinite(best.score)).toBe(true);
    expect(scorer.steps.length).toBeLessThan(40);
  });

  it('ends at its limit a decoder that never says eos', async () => {
    const row = (history: History): number[] =>
      distribution(7, history.join(), 60).map((value, id) => (id === 1 ? -50 : value));
    const [best] = await attentionSearch(toyAttention(0, 400, 60, row), { ...base, width: 3, maxTokens: 25 });
    expect(best.ids).toHaveLength(25);
  });

  it('stops between two steps when it is cancelled', async () => {
    const scorer = toyAttention(1, 400, 60);
    const controller = new AbortController();
    const running = attentionSearch(
      {
        ...scorer,
        step: (...args) => (scorer.steps.length === 3 && controller.abort(), scorer.step(...args)),
      },
      { ...base, width: 4, maxTokens: 400, signal: controller.signal },
    );
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(scorer.steps).toHaveLength(4);
  });

  it('refuses values that are not numbers', async () => {
    const scorer = toyAttention(1, 10, 3, () => [NaN, 0, 0]);
    await expect(attentionSearch(scorer, base)).rejects.toMatchObject({ code: 'inference_failed' });
  });

  it('corrects a decoder that skips, where CTC knows better', async () => {
    // Attention slightly prefers to end after the first token; CTC is sure of two.
    const row = ({ length }: History): number[] =>
      logSoftmax(length === 1 ? [0, 0, 4, 0, 0] : length === 2 ? [0, 2, 0, 1.8, 0] : [0, 6, 0, 0, 0]);
    const path = [4, 2, 2, 4, 3, 4];
    const data = path.flatMap((id) =>
      logSoftmax(Array.from({ length: 5 }, (_, other) => (other === id ? 6 : 0))),
    );
    const logProbs = { data: Float32Array.from(data), frames: 6, classes: 5 };
    const options = { ...base, width: 3 };
    const [alone] = await attentionSearch(toyAttention(0, 6, 5, row), options);
    expect(alone.ids).toEqual([2]);
    const ctc = { logProbs, blank: 4, weight: 0.3 };
    const [joint] = await attentionSearch(toyAttention(0, 6, 5, row), { ...options, ctc });
    expect(joint.ids).toEqual([2, 3]);
  });
});

describe('loop guard', () => {
  const ends = (...ids: number[]): number => cycleAtEnd(ids.reverse());
  const times = (count: number, ...ids: number[]): number[] =>
    Array.from({ length: count }, () => ids).flat();

  it('takes off what repeats, and leaves what does not repeat often enough', () => {
    expect(ends()).toBe(0);
    expect(ends(...times(15, 5))).toBe(0);
    expect(ends(...times(16, 5))).toBe(15);
    expect(ends(...times(7, 5, 6))).toBe(0);
    expect(ends(9, ...times(8, 5, 6))).toBe(14);
    expect(ends(...times(3, 1, 2, 3, 4, 5, 6, 7))).toBe(0);
    expect(ends(...times(4, 1, 2, 3, 4, 5, 6, 7))).toBe(21);
    expect(ends(...times(8, 5, 6), 7)).toBe(0);
  });
});

describe('decodeAttention', () => {
  const table = parseTokens(['<sos>', '<eos>', ' ', '가', '나', '다'].join('\n'), {
    unit: 'syllable',
    blank: 6,
    sos: 0,
    eos: 1,
    space: ' ',
  });
  /** Says 가 space 나다, looking at frames 2, 5, 8, 11. */
  const spoken = [3, 2, 4, 5];
  const row = (history: History): number[] =>
    logSoftmax(Array.from({ length: 6 }, (_, id) => (id === (spoken[history.length - 1] ?? 1) ? 5 : 0)));
  const scorer = (frames = 14) => {
    const toy = toyAttention(0, frames, 6, row);
    return {
      ...toy,
      step: async (states: readonly History[], tokens: readonly number[]) => {
        const result = await toy.step(states, tokens);
        const attention = result.states.flatMap((history) =>
          Array.from({ length: frames }, (_, frame) =>
            frame === 3 * history.length - 1 ? 0.8 : 0.2 / (frames - 1),
          ),
        );
        return { ...result, attention: Float32Array.from(attention) };
      },
    };
  };

  it('gives words with times from attention, and confidence', async () => {
    const [best] = await decodeAttention({ scorer: scorer(), maxTokens: 14 }, table, { method: 'beam' });
    expect(best.text).toBe('가 나다');
    expect(best.words.map(({ startFrame, endFrame }) => [startFrame, endFrame])).toEqual([
      [2, 2],
      [8, 11],
    ]);
    expect(best.confidence).toBeGreaterThan(0.9);
    expect(best.avgLogProb).toBeLessThan(0);
    expect(best.tokens.map(({ text }) => text)).toEqual(['가', ' ', '나', '다']);
  });

  it('takes the times from the CTC head of a joint model', async () => {
    const path = [6, 3, 3, 6, 2, 6, 4, 6, 5, 5, 5, 6, 6, 6];
    const data = path.flatMap((id) =>
      logSoftmax(Array.from({ length: 7 }, (_, other) => (other === id ? 6 : 0))),
    );
    const ctc = { data: Float32Array.from(data), frames: 14, classes: 7 };
    const [best] = await decodeAttention({ scorer: scorer(), ctc, maxTokens: 14 }, table, { method: 'beam' });
    expect(best.tokens.map(({ startFrame, endFrame }) => [startFrame, endFrame])).toEqual([
      [1, 2],
      [4, 4],
      [6, 6],
      [8, 10],
    ]);
  });

  it('gives as many alternatives as asked for, of different texts, best first', async () => {
    const hypotheses = await decodeAttention(
      { scorer: scorer(), maxTokens: 14 },
      table,
      { method: 'greedy' },
      { alternatives: 4 },
    );
    expect(hypotheses).toHaveLength(4);
    expect(hypotheses[0].text).toBe('가 나다');
    expect(new Set(hypotheses.map(({ text }) => text)).size).toBe(4);
    const scores = hypotheses.map(({ score }) => score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
  });

  it('hears a hot word that is a little less probable, in greedy packages too', async () => {
    // 나 or, a little less probable, 다 after 가.
    const doubtful = ({ length }: History): number[] =>
      logSoftmax(length === 1 ? [0, 0, 0, 5, 0, 0] : length === 2 ? [0, 0, 0, 0, 4, 3] : [0, 5, 0, 0, 0, 0]);
    const said = async (hotWords: readonly HotWord[]): Promise<string> => {
      const utterance = { scorer: toyAttention(0, 14, 6, doubtful), maxTokens: 14 };
      const fusion = new TextFusions(table).of({ hotWords });
      const [best] = await decodeAttention(
        utterance,
        table,
        { method: 'greedy' },
        { hotWords },
        undefined,
        fusion,
      );
      return best.text;
    };
    expect(await said([])).toBe('가나');
    expect(await said([{ phrase: '가다', weight: 4 }])).toBe('가다');
    expect(await said([{ phrase: '가나', weight: -4 }])).toBe('가다');
    expect(await said([{ phrase: '가다라', weight: 4 }])).toBe('가나');
  });

  it('gives empty text for no frames', async () => {
    const [best] = await decodeAttention({ scorer: scorer(0), maxTokens: 0 }, table, { method: 'beam' });
    expect(best).toMatchObject({ text: '', words: [], tokens: [] });
  });
});
