import { describe, expect, it } from 'vitest';
import type { RunningNormalize } from './contract.js';
import { normalizeFeatures } from './normalize.js';
import { RunningNormalizer } from './running.js';

const DIMS = 4;

/** Frames of a voice with a pause in it, 40 dB below. */
function frames(count: number, from = 0): Float32Array {
  return Float32Array.from({ length: count * DIMS }, (_, i) => {
    const frame = from + Math.floor(i / DIMS);
    const quiet = frame % 60 >= 40 ? -9.2 : 0;
    return quiet - 5 + 1.5 * Math.sin(0.37 * frame) + 0.4 * (i % DIMS) + Math.cos(1.7 * i);
  });
}

function heard(
  config: Omit<RunningNormalize, 'kind'>,
  data: Float32Array,
  size = data.length,
): RunningNormalizer {
  const normalizer = new RunningNormalizer({ kind: 'running', ...config }, DIMS);
  for (let at = 0; at < data.length; at += size) normalizer.add(data.subarray(at, at + size));
  return normalizer;
}

/** What the definition says, over all frames at once. */
function expected(data: Float32Array, withinDb = Infinity): { mean: number; deviation: number } {
  const count = data.length / DIMS;
  const energy = (frame: number): number => {
    let sum = 0;
    for (let i = 0; i < DIMS; i++) sum += Math.exp(data[frame * DIMS + i]);
    return sum;
  };
  const levels = Array.from({ length: count }, (_, frame) => {
    let sum = 0;
    let around = 0;
    for (let near = Math.max(0, frame - 4); near <= Math.min(count - 1, frame + 4); near++, around++)
      sum += energy(near);
    return Math.round(10 * Math.log10(sum / around));
  });
  const loudest = Math.max(...levels);
  const kept = [...data].filter((_, i) => levels[Math.floor(i / DIMS)] >= loudest - withinDb);
  const mean = kept.reduce((sum, value) => sum + value, 0) / kept.length;
  return {
    mean,
    deviation: Math.sqrt(kept.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kept.length),
  };
}

describe('RunningNormalizer', () => {
  it('is the normalisation of the utterance, for all of it', () => {
    for (const count of [1, 3, 9, 200]) {
      const data = frames(count);
      const whole = data.slice();
      normalizeFeatures({ data: whole, frames: count, dims: DIMS }, { kind: 'utterance' });
      const found = heard({}, data).apply(data);
      found.forEach((value, i) => expect(value).toBeCloseTo(whole[i], 5));
      expect(data).toEqual(frames(count));
    }
  });

  it('leaves out what is much quieter than the loudest so far, whatever was taken for loud before', () => {
    for (const count of [1, 4, 5, 8, 9, 10, 39, 44, 50, 57, 200]) {
      // Begins with the pause.
      const data = frames(count, 45);
      for (const withinDb of [10, 30]) {
        const { mean, deviation } = expected(data, withinDb);
        const found = heard({ withinDb }, data).apply(data);
        found.forEach((value, i) => expect(value).toBeCloseTo((data[i] - mean) / deviation, 4));
      }
    }
  });

  it('gives the same however the frames come, and each fork goes its own way', () => {
    const data = frames(130);
    const config = { withinDb: 20, prior: { mean: -4, deviation: 2, frames: 10 } };
    const wanted = heard(config, data).apply(data);
    for (const size of [DIMS, 7 * DIMS, 64 * DIMS])
      expect(heard(config, data, size).apply(data)).toEqual(wanted);
    const first = heard(config, data.subarray(0, 60 * DIMS));
    const fork = first.fork();
    first.add(frames(40, 300));
    fork.add(data.subarray(60 * DIMS));
    expect(fork.apply(data)).toEqual(wanted);
    expect(first.apply(data)).not.toEqual(wanted);
  });

  it('begins with what is known before, which soon counts for little', () => {
    const prior = { mean: 3, deviation: 2, frames: 25 };
    const nothing = new RunningNormalizer({ kind: 'running', prior }, DIMS);
    expect([...nothing.apply(Float32Array.of(3, 5, 1))]).toEqual([0, 1, -1]);
    const off = (count: number): number => {
      const data = frames(count);
      return Math.abs(heard({ prior }, data).apply(data)[0] - heard({}, data).apply(data)[0]);
    };
    expect(off(2000)).toBeLessThan(0.1 * off(25));
  });

  it('gives zeros for silence, and for nothing', () => {
    const silence = new Float32Array(10 * DIMS).fill(-15.9);
    expect(
      heard({ withinDb: 30 }, silence)
        .apply(silence)
        .every((value) => value === 0),
    ).toBe(true);
    expect([...new RunningNormalizer({ kind: 'running' }, DIMS).apply(Float32Array.of(1, 2))]).toEqual([
      0, 0,
    ]);
  });

  it('takes magnitudes for what they are', () => {
    const data = frames(100, 45);
    const halved = data.map((value) => value / 2);
    const magnitudes = new RunningNormalizer({ kind: 'running', withinDb: 30 }, DIMS, false);
    magnitudes.add(halved);
    const found = magnitudes.apply(halved);
    heard({ withinDb: 30 }, data)
      .apply(data)
      .forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
  });
});
