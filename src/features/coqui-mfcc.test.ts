/** Equality with the features of Coqui's own engine (test/fixtures/coqui/README.md). */
import { describe, expect, it } from 'vitest';
import { acoustic, largestDifference, samples } from '../../test/coqui-support.js';
import { MalgwiError } from '../errors.js';
import { CoquiMfcc, createFrontEnd, type CoquiMfccConfig } from './index.js';

const config: CoquiMfccConfig = {
  kind: 'coqui-mfcc',
  sampleRate: 16000,
  windowSamples: 512,
  stepSamples: 320,
  numMels: 40,
  numCoefficients: 26,
  contextFrames: 9,
};

describe('MFCC of Coqui', () => {
  it('equals the original for single windows: noise, tones, silence, clipping', () => {
    const mfcc = new CoquiMfcc(config);
    const windows = acoustic('windows.samples');
    const expected = acoustic('windows.mfcc');
    const out = new Float32Array(expected.length);
    for (let i = 0; i * 26 < out.length; i++) mfcc.compute(windows, i * 512, out, i * 26);
    expect(expected.length).toBe(36 * 26);
    expect(largestDifference(out, expected)).toBeLessThan(1e-4);
  });

  it.each(['ko00', 'ko02', 'ko07'])('equals the original for the whole of %s', (name) => {
    const frontEnd = createFrontEnd(config);
    const { data, frames, dims } = frontEnd.extract(samples(name));
    expect([dims, frontEnd.dims]).toEqual([26, 26]);
    expect(data.length).toBe(frames * dims);
    expect(largestDifference(data, acoustic(`${name}.mfcc`))).toBeLessThan(1e-4);
  });

  it('adds one frame of what is left at the end, be it nothing', () => {
    const mfcc = new CoquiMfcc(config);
    const frames = [0, 1, 511, 512, 513, 831, 832, 833].map((length) => mfcc.frameCount(length));
    expect(frames).toEqual([1, 1, 1, 2, 2, 2, 3, 3]);
    const silence = mfcc.extract(new Float32Array(0));
    expect(silence.frames).toBe(1);
    expect(silence.data[0]).toBeCloseTo(-247.139, 3);
    const signal = Float32Array.from({ length: 700 }, (_, i) => Math.sin(i));
    const padded = Float32Array.from({ length: 832 }, (_, i) => signal[i] ?? 0);
    expect(mfcc.extract(signal).data).toEqual(mfcc.extract(padded).data.slice(0, 2 * 26));
  });

  it.each([
    ['sampleRate', 8000],
    ['windowSamples', 3],
    ['stepSamples', 513],
    ['numMels', 0],
    ['numCoefficients', 41],
    ['contextFrames', -1],
  ])('refuses %s %d', (param, value) => {
    expect(() => createFrontEnd({ ...config, [param]: value })).toThrow(MalgwiError);
    expect(() => createFrontEnd({ ...config, [param]: value })).toThrow(
      expect.objectContaining({ code: 'manifest_invalid', param: `frontEnd.${param}` }) as Error,
    );
  });
});
