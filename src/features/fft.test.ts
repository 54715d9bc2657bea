import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RealFft, isPowerOfTwo, type PowerSpectrum } from './fft.js';
import { createPowerSpectrum, MixedRadixFft } from './mixed-fft.js';

/** The definition of the discrete Fourier transform, squared. */
function powerByDefinition(input: readonly number[]): number[] {
  const size = input.length;
  return Array.from({ length: Math.floor(size / 2) + 1 }, (_, k) => {
    let re = 0;
    let im = 0;
    input.forEach((value, n) => {
      const angle = (-2 * Math.PI * ((k * n) % size)) / size;
      re += value * Math.cos(angle);
      im += value * Math.sin(angle);
    });
    return re * re + im * im;
  });
}

function expectDefinition(fft: PowerSpectrum): void {
  const { size } = fft;
  const samples = fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: size, maxLength: size });
  const out = new Float64Array(Math.floor(size / 2) + 1);
  fc.assert(
    fc.property(samples, (input) => {
      fft.input.set(input);
      fft.powerSpectrum(out);
      const expected = powerByDefinition(input);
      const scale = Math.max(1, ...expected);
      for (let k = 0; k < out.length; k++) expect(Math.abs(out[k] - expected[k])).toBeLessThan(1e-12 * scale);
    }),
    { numRuns: size > 256 ? 3 : 20 },
  );
}

describe('MixedRadixFft', () => {
  it.each([4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 18, 21, 22, 26, 49, 60, 64, 77, 97, 120, 194, 321, 320, 400])(
    'equals the definition at size %i',
    (size) => {
      expectDefinition(new MixedRadixFft(size));
    },
  );

  it('stands in where the size is no power of two', () => {
    expect(createPowerSpectrum(320)).toBeInstanceOf(MixedRadixFft);
    expect(createPowerSpectrum(512)).toBeInstanceOf(RealFft);
  });

  it.each([0, 3, -8, 5.5, NaN])('refuses size %d', (size) => {
    expect(() => new MixedRadixFft(size)).toThrow(RangeError);
  });
});

describe('RealFft', () => {
  it.each([4, 8, 16, 32, 64, 128, 256, 512, 1024])('equals the definition at size %i', (size) => {
    expectDefinition(new RealFft(size));
  });

  it('puts a tone into its bin', () => {
    const fft = new RealFft(512);
    fft.input.set(Float64Array.from({ length: 512 }, (_, n) => Math.cos((2 * Math.PI * 37 * n) / 512)));
    const out = new Float64Array(257);
    fft.powerSpectrum(out);
    expect(out[37]).toBeCloseTo(256 ** 2, 6);
    out[37] = 0;
    expect(Math.max(...out)).toBeLessThan(1e-18);
  });

  it('leaves its input as it was', () => {
    const fft = new RealFft(8);
    const input = [1, 2, 3, 4, 5, 6, 7, 8];
    fft.input.set(input);
    fft.powerSpectrum(new Float64Array(5));
    expect([...fft.input]).toEqual(input);
  });

  it.each([0, 1, 2, 3, 12, 511, -8, NaN])('refuses size %d', (size) => {
    expect(() => new RealFft(size)).toThrow(RangeError);
  });

  it('knows powers of two', () => {
    expect([1, 2, 512, 0, 3, -4, 1.5, NaN].map(isPowerOfTwo)).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
      false,
      false,
    ]);
  });
});
