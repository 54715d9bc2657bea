import { describe, expect, it } from 'vitest';
import { logSoftmax, toyTransducer, type ToyTransducer } from '../../../test/fixtures/toy-scorers.js';
import type { HotWord } from '../contract.js';
import { TextFusions } from '../text-fusion.js';
import { parseTokens } from '../tokens.js';
import { transducerBeam } from './beam.js';
import { decodeTransducer } from './decoder.js';
import { transducerGreedy } from './greedy.js';

const SOS = 0;

/** Greedy search as the definition has it: one frame and one token at a time. */
function reference({ frames, classes, row }: ToyTransducer, maxTokensPerFrame: number): number[] {
  const history = [SOS];
  for (let frame = 0; frame < frames; frame++) {
    for (let count = 0; count < maxTokensPerFrame; count++) {
      const values = row(frame, history);
      const best = values.indexOf(Math.max(...values));
      if (best === classes - 1) break;
      history.push(best);
    }
  }
  return history.slice(1);
}

/** Probability of every token sequence over all alignments of at most `perFrame` tokens a frame. */
function exhaustive({ frames, classes, row }: ToyTransducer, perFrame: number): Map<string, number> {
  const blank = classes - 1;
  let current = new Map([[String(SOS), 1]]);
  for (let frame = 0; frame < frames; frame++) {
    const next = new Map<string, number>();
    let active = current;
    for (let count = 0; count <= perFrame; count++) {
      const longer = new Map<string, number>();
      for (const [key, probability] of active) {
        const values = row(frame, key.split(',').map(Number));
        next.set(key, (next.get(key) ?? 0) + probability * Math.exp(values[blank]));
        for (let id = 0; id < blank; id++) longer.set(`${key},${id}`, probability * Math.exp(values[id]));
      }
      active = longer;
    }
    current = next;
  }
  return current;
}

describe('transducer greedy search', () => {
  it.each([1, 3, 10])('equals the definition, with %i tokens a frame at most', async (maxTokensPerFrame) => {
    for (let seed = 0; seed < 20; seed++) {
      for (const blankBonus of [0, 2, 4]) {
        const scorer = toyTransducer(seed, 70, 6, blankBonus);
        const { emissions } = await transducerGreedy(scorer, { sos: SOS, blank: 5, maxTokensPerFrame });
        expect(emissions.map(({ id }) => id)).toEqual(reference(scorer, maxTokensPerFrame));
        const frames = emissions.map(({ frame }) => frame);
        expect(frames).toEqual([...frames].sort((a, b) => a - b));
      }
    }
  });

  it('ends with an eos where it is told to', async () => {
    const scorer = toyTransducer(3, 70, 6);
    const all = await transducerGreedy(scorer, { sos: SOS, blank: 5, maxTokensPerFrame: 10 });
    const [, , third] = all.emissions;
    const cut = await transducerGreedy(scorer, { sos: SOS, blank: 5, maxTokensPerFrame: 10, eos: third.id });
    expect(cut.emissions.at(-1)!.id).toBe(third.id);
    expect(cut.emissions.length).toBeLessThanOrEqual(3);
  });
});

describe('transducer beam search', () => {
  const options = { sos: SOS, blank: 3, maxTokensPerFrame: 2, lengthNormalization: 0 };

  it('adds up all alignments of equal tokens: the exact probability when nothing is pruned', async () => {
    for (let seed = 0; seed < 10; seed++) {
      const scorer = toyTransducer(seed, 3, 4, 1);
      const exact = exhaustive(scorer, 2);
      const results = await transducerBeam(scorer, { ...options, width: 5000 });
      expect(results.length).toBe(exact.size);
      for (const { emissions, score } of results.slice(0, 50)) {
        const key = [SOS, ...emissions.map(({ id }) => id)].join();
        expect(Math.exp(score)).toBeCloseTo(exact.get(key)!, 6);
      }
      const scores = results.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
    }
  });

  it('finds the most probable tokens with a narrow beam, where greedy search may not', async () => {
    let better = 0;
    for (let seed = 0; seed < 12; seed++) {
      const scorer = toyTransducer(seed, 4, 4, 1);
      const exact = exhaustive(scorer, 2);
      const probability = (ids: readonly number[]): number => exact.get([SOS, ...ids].join())!;
      const [best] = await transducerBeam(scorer, { ...options, width: 6 });
      const found = probability(best.emissions.map(({ id }) => id));
      const greedy = await transducerGreedy(scorer, { ...options });
      const followed = probability(greedy.emissions.map(({ id }) => id));
      expect(found).toBeGreaterThanOrEqual(followed);
      expect(Math.exp(best.score)).toBeLessThanOrEqual(found * (1 + 1e-5));
      if (found > followed * 1.001) better += 1;
    }
    expect(better).toBeGreaterThan(0);
  });

  it('asks for each frame a bounded number of times, for all hypotheses together', async () => {
    const scorer = toyTransducer(1, 10, 30, -4);
    let joins = 0;
    const counted = {
      ...scorer,
      join: (...args: Parameters<typeof scorer.join>) => {
        joins += 1;
        expect(args[0].length).toBeLessThanOrEqual(4);
        return scorer.join(...args);
      },
    };
    const [best] = await transducerBeam(counted, { ...options, blank: 29, width: 4, maxTokensPerFrame: 3 });
    expect(joins).toBeLessThanOrEqual(10 * 4);
    expect(best.emissions.length).toBeLessThanOrEqual(30);
  });

  it('stops between two frames when it is cancelled', async () => {
    const scorer = toyTransducer(1, 1000, 5);
    const controller = new AbortController();
    let joins = 0;
    const aborting = {
      ...scorer,
      join: (...args: Parameters<typeof scorer.join>) => {
        if (++joins === 5) controller.abort();
        return scorer.join(...args);
      },
    };
    const { signal } = controller;
    const cancelled = { code: 'cancelled' };
    await expect(transducerBeam(aborting, { ...options, blank: 4, width: 4, signal })).rejects.toMatchObject(
      cancelled,
    );
    expect(joins).toBe(5);
    await expect(transducerGreedy(aborting, { ...options, blank: 4, signal })).rejects.toMatchObject(
      cancelled,
    );
    expect(joins).toBe(5);
  });
});

describe('decodeTransducer', () => {
  const table = parseTokens(['<sos>', '<eos>', ' ', '가', '나'].join('\n'), {
    unit: 'syllable',
    blank: 5,
    sos: 0,
    eos: 1,
    space: ' ',
  });
  const said: readonly (readonly [frame: number, id: number])[] = [
    [1, 3],
    [3, 2],
    [3, 4],
    [6, 1],
    [7, 3],
  ];
  /** Emits each token of `said` in its frame. */
  const scorer: ToyTransducer = {
    ...toyTransducer(0, 9, 6),
    row: () => [],
    join: async (frames, states) => {
      await Promise.resolve();
      return Float32Array.from(
        frames.flatMap((frame, index) => {
          const [at, id] = said[states[index].length - 1] ?? [-1, 5];
          return logSoftmax(Array.from({ length: 6 }, (_, one) => (one === (at === frame ? id : 5) ? 5 : 0)));
        }),
      );
    },
  };

  it.each([1, 4])(
    'gives words in the frames that emitted them, cut at eos (beam width %i)',
    async (beamWidth) => {
      const [best] = await decodeTransducer(scorer, table, { method: 'beam' }, { beamWidth });
      expect(best.text).toBe('가 나');
      expect(best.words).toMatchObject([
        { word: '가', startFrame: 1, endFrame: 1 },
        { word: '나', startFrame: 3, endFrame: 3 },
      ]);
      expect(best.confidence).toBeGreaterThan(0.9);
      expect(best.avgLogProb).toBeLessThan(0);
    },
  );

  it('hears a hot word that is less probable, and takes back what a part of one was lent', async () => {
    const heard = async (hotWords: readonly HotWord[]): Promise<string> => {
      const fusion = new TextFusions(table).of({ hotWords });
      const [best] = await decodeTransducer(
        scorer,
        table,
        { method: 'greedy' },
        { hotWords },
        undefined,
        fusion,
      );
      return best.text;
    };
    expect(await heard([])).toBe('가 나');
    expect(await heard([{ phrase: '나가', weight: 100 }])).toBe('가 나');
    expect(await heard([{ phrase: '나', weight: -100 }])).not.toContain('나');
  });

  it('gives alternatives of different texts, best first', async () => {
    const hypotheses = await decodeTransducer(scorer, table, { method: 'greedy' }, { alternatives: 3 });
    expect(hypotheses).toHaveLength(3);
    expect(hypotheses[0].text).toBe('가 나');
    expect(new Set(hypotheses.map(({ text }) => text)).size).toBe(3);
  });

  it('gives empty text for no frames', async () => {
    const [best] = await decodeTransducer({ ...scorer, frames: 0 }, table, { method: 'beam' });
    expect(best).toMatchObject({ text: '', words: [], tokens: [], score: 0 });
  });
});
