/** Equality with what KoSpeech's own front end computed (test/fixtures/kospeech/README.md). */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createFrontEnd, findNonSilent, trimSilence } from './index.js';
import type { KaldiFbankConfig } from './index.js';

interface FixtureIndex {
  intervals: [number, number][];
  signalTrimSha256: string;
  signalRawSha256: string;
  matrices: Record<string, { frames: number; dims: number; everyNthFrame: number }>;
}

const folder = new URL('../../test/fixtures/kospeech/features/', import.meta.url);
const index = JSON.parse(readFileSync(new URL('index.json', folder), 'utf8')) as Record<string, FixtureIndex>;
const read = (file: string): ArrayBuffer =>
  new Uint8Array(gunzipSync(readFileSync(new URL(file, folder)))).buffer;

/** KoSpeech divides int16 by 32767, the samples here are int16 / 32768. */
const KOSPEECH_SCALE = 32768 / 32767;

const kospeech = (overrides: Partial<KaldiFbankConfig>): KaldiFbankConfig => ({
  kind: 'kaldi-fbank',
  sampleRate: 16000,
  numMels: 80,
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
  waveformScale: KOSPEECH_SCALE,
  energyFloor: 1.1920928955078125e-7,
  trimSilence: false,
  normalize: { kind: 'none' },
  reverse: false,
  ...overrides,
});

const sha256OfKoSpeechSignal = (samples: Float32Array): string =>
  createHash('sha256')
    .update(new Uint8Array(samples.map((sample) => sample * KOSPEECH_SCALE).buffer))
    .digest('hex');

for (const [name, fixture] of Object.entries(index)) {
  describe(name, () => {
    const samples = Float32Array.from(new Int16Array(read(`${name}.pcm.gz`)), (value) => value / 32768);

    it('scales and trims to the very samples of KoSpeech', () => {
      expect(findNonSilent(samples).map(({ start, end }) => [start, end])).toEqual(fixture.intervals);
      expect(sha256OfKoSpeechSignal(samples)).toBe(fixture.signalRawSha256);
      expect(sha256OfKoSpeechSignal(trimSilence(samples))).toBe(fixture.signalTrimSha256);
    });

    it.each(Object.entries(fixture.matrices))('%s', (matrix, { frames, dims, everyNthFrame }) => {
      const [stage, window, trimming] = matrix.split('_');
      const frontEnd = createFrontEnd(
        kospeech({
          window: window === 'hamming' ? 'hamming' : 'povey',
          trimSilence: trimming === 'trim',
          normalize: { kind: stage === 'norm' ? 'utterance' : 'none' },
        }),
      );
      const expected = new Float32Array(read(`${name}.${matrix}.f32.gz`));
      const actual = frontEnd.extract(samples);
      expect([actual.frames, actual.dims]).toEqual([frames, dims]);
      expect(expected.length).toBe(Math.ceil(frames / everyNthFrame) * dims);
      let worst = 0;
      let sum = 0;
      for (let i = 0; i < expected.length; i++) {
        const row = Math.floor(i / dims) * everyNthFrame;
        const error = Math.abs(actual.data[row * dims + (i % dims)] - expected[i]);
        worst = Math.max(worst, error);
        sum += error;
      }
      expect(worst).toBeLessThan(1e-3);
      expect(sum / expected.length).toBeLessThan(1e-5);
    });
  });
}
