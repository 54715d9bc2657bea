import { describe, expect, it } from 'vitest';
import { createResampler } from './resampler.js';

const sine = (rate: number, frequency: number, seconds: number): Float32Array =>
  Float32Array.from({ length: Math.round(rate * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * frequency * i) / rate),
  );

async function resample(
  samples: Float32Array,
  rate: number,
  sizes: (index: number) => number,
): Promise<Float32Array> {
  const resampler = await createResampler(rate);
  const out: number[] = [];
  for (let at = 0, i = 0; at < samples.length; i++) {
    const size = sizes(i);
    for (const v of resampler.process(samples.subarray(at, at + size))) out.push(v);
    at += size;
  }
  for (const v of resampler.flush()) out.push(v);
  resampler.close();
  resampler.close();
  return Float32Array.from(out);
}

const level = (samples: Float32Array): number =>
  10 * Math.log10((2 * samples.reduce((sum, v) => sum + v * v, 0)) / samples.length);

describe('resampler', () => {
  it('removes what lies above the new band: 10 kHz at 48 kHz by more than 60 dB', async () => {
    for (const [rate, frequency] of [
      [48_000, 10_000],
      [48_000, 9000],
      [44_100, 10_000],
      [96_000, 30_000],
    ]) {
      const out = await resample(sine(rate, frequency, 1), rate, () => 4800);
      expect(level(out.subarray(800, -800)), String(rate)).toBeLessThan(-90);
    }
  });

  it('keeps what lies within it: 1 kHz within 0.01 dB, 7 kHz within 0.3 dB', async () => {
    for (const rate of [8000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000]) {
      const one = await resample(sine(rate, 1000, 1), rate, () => 4800);
      expect(Math.abs(level(one.subarray(800, -800))), String(rate)).toBeLessThan(0.01);
      if (rate < 16_000) continue;
      const seven = await resample(sine(rate, 7000, 1), rate, () => 4800);
      expect(Math.abs(level(seven.subarray(800, -800))), String(rate)).toBeLessThan(0.3);
    }
  });

  it('has no delay and no clicks: the tone comes out in phase, sample for sample', async () => {
    for (const rate of [8000, 22_050, 44_100, 48_000]) {
      const out = await resample(sine(rate, 440, 1), rate, (i) => [1, 999, 7, 4800][i % 4]);
      const expected = sine(16_000, 440, 1);
      const errors = [...out.subarray(200, -200)].map((v, i) => Math.abs(v - expected[i + 200]));
      expect(Math.max(...errors), String(rate)).toBeLessThan(2e-3);
    }
  });

  it('does not depend on the split, and gives the exact length', async () => {
    for (const rate of [8000, 11_025, 12_345, 44_100, 48_000, 96_000]) {
      for (const length of [1, 17, 1000, rate + 1]) {
        const input = sine(rate, 300, 2).subarray(0, length);
        const whole = await resample(input, rate, () => length);
        const split = await resample(input, rate, (i) => (i % 3) * 50 + 1);
        expect(whole).toHaveLength(Math.round((length * 16_000) / rate));
        expect(split).toEqual(whole);
      }
    }
  });

  it('passes 16 kHz through untouched, as a copy', async () => {
    const input = sine(16_000, 440, 0.1);
    const resampler = await createResampler(16_000);
    const out = resampler.process(input);
    expect(out).toEqual(input);
    expect(out.buffer).not.toBe(input.buffer);
  });

  it.each([0, 999, 44_100.5, NaN, 1e6])('refuses a rate of %d', async (rate) => {
    await expect(createResampler(rate)).rejects.toThrow(RangeError);
  });
});
