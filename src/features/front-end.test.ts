import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrontEnd, createStreamingFrontEnd, findNonSilent, trimSilence } from './index.js';
import type { FeatureMatrix, KaldiFbankConfig } from './index.js';

const base: KaldiFbankConfig = {
  kind: 'kaldi-fbank',
  sampleRate: 16000,
  numMels: 40,
  windowMs: 20,
  hopMs: 10,
  fftSize: 512,
  window: 'povey',
  preemphasis: 0.97,
  removeDcOffset: true,
  lowFrequency: 20,
  highFrequency: 8000,
  power: true,
  snipEdges: true,
  dither: 0,
  waveformScale: 32768,
  energyFloor: 1,
  trimSilence: false,
  normalize: { kind: 'none' },
  reverse: false,
};

const fixed: KaldiFbankConfig['normalize'] = {
  kind: 'fixed',
  mean: Array.from({ length: 40 }, (_, bin) => bin / 4),
  inverseStd: Array.from({ length: 40 }, (_, bin) => 0.1 + bin / 100),
};

function noise(length: number, amplitude = 0.5): Float32Array {
  let seed = 99;
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed / 2 ** 31) * amplitude;
  });
}

const tone = (hertz: number, length = 3200): Float32Array =>
  Float32Array.from({ length }, (_, n) => 0.5 * Math.sin((2 * Math.PI * hertz * n) / 16000));

const extract = (samples: Float32Array, overrides: Partial<KaldiFbankConfig> = {}): FeatureMatrix =>
  createFrontEnd({ ...base, ...overrides }).extract(samples);

const row = ({ data, dims }: FeatureMatrix, frame: number): Float32Array =>
  data.slice(frame * dims, (frame + 1) * dims);

describe('createFrontEnd', () => {
  it.each([
    [0, 0, 0],
    [79, 0, 0],
    [80, 0, 1],
    [319, 0, 2],
    [320, 1, 2],
    [479, 1, 3],
    [480, 2, 3],
    [16000, 99, 100],
  ])('gives for %i samples %i frames with snipped edges, %i without', (samples, snipped, whole) => {
    expect(extract(noise(samples)).frames).toBe(snipped);
    expect(extract(noise(samples), { snipEdges: false }).frames).toBe(whole);
  });

  it('puts a tone into the filter at its frequency', () => {
    const { data } = extract(tone(1000));
    const mel = (hertz: number): number => 1127 * Math.log(1 + hertz / 700);
    const expected = ((mel(1000) - mel(20)) / (mel(8000) - mel(20))) * 41 - 1;
    const frame = [...data.subarray(0, 40)];
    expect(Math.abs(frame.indexOf(Math.max(...frame)) - expected)).toBeLessThan(1);
  });

  it('does not see a constant', () => {
    const signal = noise(1600, 0.1);
    const shifted = signal.map((sample) => sample + 0.25);
    const expected = extract(signal).data;
    extract(shifted).data.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 2));
    expect(extract(shifted, { removeDcOffset: false }).data[0]).toBeGreaterThan(expected[0] + 1);
  });

  it('scales in the logarithm, by the square for power', () => {
    const rise = (power: boolean): number[] => {
      const once = extract(noise(1600), { power }).data;
      const twice = extract(noise(1600), { power, waveformScale: 2 * base.waveformScale }).data;
      return Array.from(twice, (value, i) => value - once[i]);
    };
    for (const value of rise(true)) expect(value).toBeCloseTo(Math.log(4), 4);
    for (const value of rise(false)) expect(value).toBeCloseTo(Math.log(2), 4);
  });

  it('floors silence', () => {
    const { data } = extract(new Float32Array(1600), { energyFloor: 1e-3 });
    data.forEach((value) => expect(value).toBeCloseTo(Math.log(1e-3), 5));
  });

  it.each([NaN, Infinity, -Infinity])('keeps a sample of %d to its own frames', (broken) => {
    const signal = noise(16000);
    const expected = extract(signal);
    signal[8000] = broken;
    const { data, frames, dims } = extract(signal);
    expect(data.every(Number.isFinite)).toBe(true);
    for (const frame of [0, 48, 51, frames - 1]) {
      expect(data.slice(frame * dims, (frame + 1) * dims)).toEqual(row(expected, frame));
    }
    const normalized = extract(signal, { normalize: { kind: 'utterance' }, trimSilence: true });
    expect(normalized.frames).toBeGreaterThan(0);
    expect(normalized.data.every(Number.isFinite)).toBe(true);
  });

  it('mirrors the signal at its edges without snip_edges', () => {
    const signal = noise(1600);
    const mirrored = Float32Array.from([
      ...signal.slice(0, 80).reverse(),
      ...signal,
      ...signal.slice(-80).reverse(),
    ]);
    expect(extract(signal, { snipEdges: false }).data).toEqual(extract(mirrored).data);
  });

  it('reverses frames', () => {
    for (const length of [0, 320, 1600, 1760]) {
      const forward = extract(noise(length));
      const backward = extract(noise(length), { reverse: true });
      expect(backward.frames).toBe(forward.frames);
      for (let frame = 0; frame < forward.frames; frame++) {
        expect(row(backward, frame)).toEqual(row(forward, forward.frames - 1 - frame));
      }
    }
  });

  it('keeps nothing between calls', () => {
    const frontEnd = createFrontEnd({ ...base, normalize: { kind: 'utterance' }, snipEdges: false });
    const first = frontEnd.extract(noise(3200)).data.slice();
    frontEnd.extract(tone(440, 777));
    expect(frontEnd.extract(noise(3200)).data).toEqual(first);
  });

  it('lets more energy through the wider windows', () => {
    const level = (window: KaldiFbankConfig['window']): number =>
      extract(noise(8000), { window }).data.reduce((sum, value) => sum + value, 0);
    // Mean squares: 0.375, 0.397, 0.419, 1.
    expect(level('hann')).toBeLessThan(level('hamming'));
    expect(level('hamming')).toBeLessThan(level('povey'));
    expect(level('povey')).toBeLessThan(level('rectangular'));
  });
});

describe('normalisation', () => {
  it('gives an utterance mean 0 and standard deviation 1 over all values', () => {
    const { data } = extract(noise(16000), { normalize: { kind: 'utterance' } });
    const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
    const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
    expect(mean).toBeCloseTo(0, 5);
    expect(variance).toBeCloseTo(1, 5);
  });

  it('turns features without any variance into zeros', () => {
    const { data } = extract(new Float32Array(16000), { normalize: { kind: 'utterance' } });
    expect(data.every((value) => value === 0)).toBe(true);
  });

  it('applies fixed statistics bin by bin', () => {
    const plain = extract(noise(1600));
    extract(noise(1600), { normalize: fixed }).data.forEach((value, i) => {
      const bin = i % 40;
      expect(value).toBeCloseTo((plain.data[i] - bin / 4) * (0.1 + bin / 100), 5);
    });
  });
});

describe('silence trimming', () => {
  it('keeps digital silence whole and nothing of nothing', () => {
    expect(trimSilence(new Float32Array(5000))).toHaveLength(5000);
    expect(trimSilence(new Float32Array(0))).toHaveLength(0);
    expect(findNonSilent(new Float32Array(0))).toEqual([]);
  });

  it('takes signals shorter than a frame', () => {
    for (const length of [1, 2, 3, 511, 512, 1023, 1024, 1025]) {
      expect(findNonSilent(noise(length))).toEqual([{ start: 0, end: length }]);
    }
  });

  it('cuts what is 30 dB below the loudest', () => {
    const loud = tone(300, 8192);
    const joined = (level: number): Float32Array =>
      Float32Array.from([...loud, ...tone(300, 16384).map((sample) => sample * level), ...loud]);
    expect(findNonSilent(joined(10 ** (-29 / 20)))).toHaveLength(1);
    const intervals = findNonSilent(joined(10 ** (-31 / 20)));
    expect(intervals).toHaveLength(2);
    expect(trimSilence(joined(10 ** (-31 / 20))).length).toBe(
      intervals.reduce((sum, { start, end }) => sum + end - start, 0),
    );
  });

  it('gives intervals in order, apart and within the signal', () => {
    const piece = fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(0, 0.001, 0.01, 0.5));
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const samples = Float32Array.from(pieces.flatMap(([length, level]) => [...noise(length, level)]));
        const intervals = findNonSilent(samples);
        expect(intervals.length).toBeGreaterThan(0);
        let last = -1;
        for (const { start, end } of intervals) {
          expect(start).toBeGreaterThan(last);
          expect(end).toBeGreaterThan(start);
          last = end;
        }
        expect(last).toBeLessThanOrEqual(samples.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe('createStreamingFrontEnd', () => {
  const bytes = (...matrices: FeatureMatrix[]): Buffer =>
    Buffer.concat(matrices.map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)));

  it('is bit-equal to the one-shot form for any split', () => {
    const split = fc.record({
      length: fc.integer({ min: 0, max: 6000 }),
      sizes: fc.array(fc.integer({ min: 1, max: 1200 }), { minLength: 1, maxLength: 10 }),
      overrides: fc.record({
        snipEdges: fc.boolean(),
        windowMs: fc.constantFrom(10, 20, 25),
        hopMs: fc.constantFrom(5, 10, 30),
        normalize: fc.constantFrom({ kind: 'none' } as const, fixed),
      }),
    });
    fc.assert(
      fc.property(split, ({ length, sizes, overrides }) => {
        const config = { ...base, ...overrides };
        const samples = noise(length);
        const streaming = createStreamingFrontEnd(config);
        const matrices: FeatureMatrix[] = [];
        for (let at = 0, i = 0; at < length; at += sizes[i++ % sizes.length]) {
          matrices.push(streaming.push(samples.subarray(at, at + sizes[i % sizes.length])));
        }
        matrices.push(streaming.flush());
        const whole = createFrontEnd(config).extract(samples);
        expect(matrices.reduce((sum, { frames }) => sum + frames, 0)).toBe(whole.frames);
        expect(bytes(...matrices).equals(bytes(whole))).toBe(true);
      }),
      { numRuns: 150 },
    );
  });

  it('gives a frame as soon as its last sample is there', () => {
    const streaming = createStreamingFrontEnd(base);
    expect(streaming.push(noise(319)).frames).toBe(0);
    expect(streaming.push(noise(1)).frames).toBe(1);
    expect(streaming.push(noise(159)).frames).toBe(0);
    expect(streaming.push(noise(161)).frames).toBe(2);
    expect(streaming.flush().frames).toBe(0);
  });

  it('starts anew after a flush', () => {
    const streaming = createStreamingFrontEnd({ ...base, snipEdges: false });
    const samples = noise(1234);
    const first = bytes(streaming.push(samples), streaming.flush());
    expect(bytes(streaming.push(samples), streaming.flush()).equals(first)).toBe(true);
  });

  it.each([{ normalize: { kind: 'utterance' } }, { trimSilence: true }, { reverse: true }] as const)(
    'refuses what needs the whole utterance: %j',
    (overrides) => {
      expect(() => createStreamingFrontEnd({ ...base, ...overrides })).toThrow(/cannot stream/);
    },
  );
});

describe('validation of running normalisation', () => {
  it.each([
    { withinDb: 0 },
    { withinDb: NaN },
    { prior: { mean: NaN, deviation: 1, frames: 1 } },
    { prior: { mean: 0, deviation: 0, frames: 1 } },
    { prior: { mean: 0, deviation: 1, frames: -1 } },
  ])('refuses %j', (odd) => {
    expect(() => createStreamingFrontEnd({ ...base, normalize: { kind: 'running', ...odd } })).toThrow(
      expect.objectContaining({ code: 'manifest_invalid' }) as Error,
    );
  });

  it('is for streams only', () => {
    const normalize = { kind: 'running' } as unknown as KaldiFbankConfig['normalize'];
    expect(() => createFrontEnd({ ...base, normalize })).toThrow(/none, utterance or fixed/);
  });
});

describe('validation', () => {
  it.each<[string, object]>([
    ['frontEnd.kind', { kind: 'mfcc' }],
    ['frontEnd.sampleRate', { sampleRate: 8000 }],
    ['frontEnd.windowMs', { windowMs: 0 }],
    ['frontEnd.windowMs', { windowMs: NaN }],
    ['frontEnd.windowMs', { windowMs: 0.1 }],
    ['frontEnd.hopMs', { hopMs: -10 }],
    ['frontEnd.hopMs', { hopMs: 0.01 }],
    ['frontEnd.fftSize', { fftSize: 500 }],
    ['frontEnd.fftSize', { fftSize: 256 }],
    ['frontEnd.fftSize', { fftSize: 2 ** 20 }],
    ['frontEnd.numMels', { numMels: 0 }],
    ['frontEnd.numMels', { numMels: 1.5 }],
    ['frontEnd.window', { window: 'blackman' }],
    ['frontEnd.preemphasis', { preemphasis: 2 }],
    ['frontEnd.lowFrequency', { lowFrequency: -1 }],
    ['frontEnd.lowFrequency', { lowFrequency: 8000 }],
    ['frontEnd.highFrequency', { highFrequency: 9000 }],
    ['frontEnd.highFrequency', { highFrequency: -8000 }],
    ['frontEnd.dither', { dither: 1 }],
    ['frontEnd.waveformScale', { waveformScale: 0 }],
    ['frontEnd.energyFloor', { energyFloor: 0 }],
    ['frontEnd.energyFloor', { energyFloor: NaN }],
    ['frontEnd.normalize', { normalize: { kind: 'batch' } }],
    ['frontEnd.normalize.mean', { normalize: { kind: 'fixed', mean: [1], inverseStd: [1] } }],
    [
      'frontEnd.normalize.inverseStd',
      { normalize: { ...fixed, inverseStd: new Array<number>(40).fill(NaN) } },
    ],
  ])('refuses a bad %s: %j', (param, overrides) => {
    const failed = expect.objectContaining({ code: 'manifest_invalid', param }) as Error;
    expect(() => createFrontEnd({ ...base, ...overrides } as KaldiFbankConfig)).toThrow(failed);
    expect(() => createStreamingFrontEnd({ ...base, ...overrides } as KaldiFbankConfig)).toThrow(failed);
  });
});
