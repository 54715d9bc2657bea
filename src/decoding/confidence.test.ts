import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrate, calibrated, expectedCalibrationError, fitCalibration, logit } from './confidence.js';

/** Every confidence of a grid, right as often as a known calibration says. */
function sample(scale: number, offset: number): { raw: number[]; correct: boolean[] } {
  const raw: number[] = [];
  const correct: boolean[] = [];
  for (let value = 0.02; value < 0.99; value += 0.02) {
    const share = calibrated(value, { scale, offset });
    for (let i = 0; i < 200; i++) {
      raw.push(value);
      correct.push(i < Math.round(200 * share));
    }
  }
  return { raw, correct };
}

describe('calibration of confidence', () => {
  it('is the identity with scale 1 and offset 0, and monotone for any scale above 0', () => {
    expect(calibrated(0.3, { scale: 1, offset: 0 })).toBeCloseTo(0.3, 9);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0.1, max: 5, noNaN: true }),
        fc.double({ min: -5, max: 5, noNaN: true }),
        (a, b, scale, offset) => {
          const [low, high] = [Math.min(a, b), Math.max(a, b)].map((raw) =>
            calibrated(raw, { scale, offset }),
          );
          expect(low).toBeGreaterThanOrEqual(0);
          expect(high).toBeLessThanOrEqual(1);
          expect(low).toBeLessThanOrEqual(high);
        },
      ),
    );
    expect(Number.isFinite(logit(0)) && Number.isFinite(logit(1))).toBe(true);
  });

  it.each([
    [1, 0],
    [2, -4],
    [0.5, 1],
  ])('finds a scale of %d and an offset of %d again', (scale, offset) => {
    const { raw, correct } = sample(scale, offset);
    const fitted = fitCalibration(raw, correct);
    expect(fitted.scale).toBeCloseTo(scale, 1);
    expect(fitted.offset).toBeCloseTo(offset, 1);
    const after = raw.map((value) => calibrated(value, fitted));
    expect(expectedCalibrationError(after, correct)).toBeLessThan(0.01);
  });

  it('stays finite where right and wrong are told apart without an error, and where all are right', () => {
    for (const correct of [
      [false, false, true, true],
      [true, true, true, true],
    ]) {
      const { scale, offset } = fitCalibration([0.1, 0.2, 0.8, 0.9], correct);
      expect(Number.isFinite(scale) && Number.isFinite(offset)).toBe(true);
    }
  });

  it('measures what is too sure of itself', () => {
    expect(expectedCalibrationError([0.9, 0.9, 0.9, 0.9], [true, true, false, false])).toBeCloseTo(0.4, 9);
    expect(expectedCalibrationError([], [])).toBe(0);
  });

  it('leaves words alone where nothing was fitted', () => {
    const words = [{ word: '가', startFrame: 0, endFrame: 1, confidence: 0.8 }];
    expect(calibrate(words, undefined)).toBe(words);
    expect(calibrate(words, { scale: 1, offset: -1 })[0].confidence).toBeLessThan(0.7);
  });
});
