/** Equality of KoSpeech's other front ends with librosa, torch and torchaudio (test/fixtures/kospeech/README.md). */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createFrontEnd, trimSilence } from './index.js';
import type { FrontEndConfig, LibrosaMelConfig, LibrosaMfccConfig, SpectrogramConfig } from './index.js';

type Config = LibrosaMelConfig | LibrosaMfccConfig | SpectrogramConfig;

interface Fixture {
  /** What differs from {@link base}. */
  readonly config: Partial<Config>;
  readonly frames: number;
  readonly dims: number;
  /** Which frames were kept. */
  readonly kept: readonly number[];
}

const folder = new URL('../../test/fixtures/kospeech/features/', import.meta.url);
const fixtures = JSON.parse(readFileSync(new URL('front-ends.json', folder), 'utf8')) as Record<
  string,
  Fixture
>;
const read = (file: string): ArrayBuffer =>
  new Uint8Array(gunzipSync(readFileSync(new URL(file, folder)))).buffer;
const samplesOf = (name: string): Float32Array =>
  Float32Array.from(new Int16Array(read(`${name}.pcm.gz`)), (value) => value / 32768);

const base = {
  sampleRate: 16000,
  windowMs: 20,
  hopMs: 10,
  waveformScale: 32768 / 32767,
  trimSilence: false,
  normalize: { kind: 'none' },
  reverse: false,
} as const;
const mel: LibrosaMelConfig = { ...base, kind: 'librosa-mel', numMels: 80, decibels: 'power' };
const mfcc: LibrosaMfccConfig = { ...base, kind: 'librosa-mfcc', numMels: 128, numCoefficients: 40 };
const torch: SpectrogramConfig = { ...base, kind: 'spectrogram', method: 'torch' };
const kaldi: SpectrogramConfig = { ...base, kind: 'spectrogram', method: 'kaldi' };

describe('equality with the original libraries', () => {
  it.each(Object.entries(fixtures))('%s', (name, { config, frames, dims, kept }) => {
    const frontEnd = createFrontEnd({ ...base, ...config } as FrontEndConfig);
    const actual = frontEnd.extract(samplesOf(name.split('.')[0]));
    expect([frontEnd.dims, actual.dims, actual.frames]).toEqual([dims, dims, frames]);
    const expected = new Float32Array(read(`${name}.f32.gz`));
    expect(expected.length).toBe(kept.length * dims);
    let worst = 0;
    let sum = 0;
    kept.forEach((frame, row) => {
      for (let bin = 0; bin < dims; bin++) {
        const error = Math.abs(actual.data[frame * dims + bin] - expected[row * dims + bin]);
        worst = Math.max(worst, error);
        sum += error;
      }
    });
    // librosa windows in single precision, which shows where a bin is far below its neighbours, as in the mirrored
    // first frame of noise.
    expect(worst).toBeLessThan(config.kind === 'spectrogram' ? 1e-3 : 1e-2);
    expect(sum / expected.length).toBeLessThan(config.kind === 'spectrogram' ? 2e-5 : 2e-4);
  });

  it('covers every kind', () => {
    expect(Object.keys(fixtures).map((name) => name.split('.')[1])).toEqual(
      expect.arrayContaining([
        'mel_power_reflect',
        'mel_power_constant',
        'mel_amplitude_reflect',
        'mfcc_reflect',
        'mfcc_constant',
        'spectrogram_torch',
        'spectrogram_kaldi',
      ]),
    );
  });
});

describe.each<[string, Config]>([
  ['librosa-mel', mel],
  ['librosa-mfcc', mfcc],
  ['spectrogram torch', torch],
  ['spectrogram kaldi', kaldi],
])('%s', (_, config) => {
  const speech = samplesOf('speech_4s').subarray(0, 24_000);

  it('has as many frames as the original, none for no samples', () => {
    const { extract } = createFrontEnd(config);
    const centred = config.kind !== 'spectrogram';
    for (const length of [0, 1, 159, 160, 319, 320, 479, 480, 16_000]) {
      const whole = length < 320 ? 0 : 1 + Math.floor((length - 320) / 160);
      const expected = centred ? (length === 0 ? 0 : 1 + Math.floor(length / 160)) : whole;
      const matrix = extract(speech.subarray(0, length));
      expect([length, matrix.frames]).toEqual([length, expected]);
      expect(matrix.data.every(Number.isFinite)).toBe(true);
    }
  });

  it('trims, normalises and reverses as the filter bank does', () => {
    const quiet = new Float32Array(40_000);
    quiet.set(speech, 8000);
    const plain = createFrontEnd(config).extract(trimSilence(quiet));
    expect(plain.frames).toBeLessThan(createFrontEnd(config).extract(quiet).frames);
    const whole = createFrontEnd({
      ...config,
      trimSilence: true,
      normalize: { kind: 'utterance' },
      reverse: true,
    });
    const { data, frames, dims } = whole.extract(quiet);
    expect([frames, dims]).toEqual([plain.frames, plain.dims]);
    const mean = plain.data.reduce((sum, value) => sum + value, 0) / plain.data.length;
    const variance = plain.data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / plain.data.length;
    for (let frame = 0; frame < frames; frame += 7) {
      for (let bin = 0; bin < dims; bin++) {
        const original = plain.data[(frames - 1 - frame) * dims + bin];
        expect(data[frame * dims + bin]).toBeCloseTo((original - mean) / Math.sqrt(variance), 4);
      }
    }
  });

  it('survives silence and samples that are no numbers', () => {
    const normalized = createFrontEnd({ ...config, normalize: { kind: 'utterance' } });
    expect(normalized.extract(new Float32Array(4000)).data.every(Number.isFinite)).toBe(true);
    const broken = speech.slice();
    broken[5000] = NaN;
    broken[9000] = Infinity;
    expect(createFrontEnd(config).extract(broken).data.every(Number.isFinite)).toBe(true);
  });

  it('gives the same again', () => {
    const frontEnd = createFrontEnd(config);
    const first = frontEnd.extract(speech);
    frontEnd.extract(speech.subarray(5000, 9001));
    expect(frontEnd.extract(speech)).toEqual(first);
  });

  it.each([
    ['sampleRate', { sampleRate: 8000 }],
    ['windowMs', { windowMs: 0.1 }],
    ['windowMs', { windowMs: NaN }],
    ['hopMs', { hopMs: 0 }],
    ['waveformScale', { waveformScale: 0 }],
    ['normalize.mean', { normalize: { kind: 'fixed', mean: [0], inverseStd: [1] } as const }],
  ])('refuses a wrong %s', (param, wrong) => {
    expect(() => createFrontEnd({ ...config, ...wrong } as FrontEndConfig)).toThrow(
      expect.objectContaining({ code: 'manifest_invalid', param: `frontEnd.${param}` }) as Error,
    );
  });
});

describe('refused', () => {
  it.each<[string, FrontEndConfig]>([
    ['numMels', { ...mel, numMels: 0 }],
    ['padding', { ...mel, padding: 'wrap' as 'reflect' }],
    ['decibels', { ...mel, decibels: 'none' as 'power' }],
    ['numCoefficients', { ...mfcc, numCoefficients: 200 }],
  ])('%s', (param, config) => {
    expect(() => createFrontEnd(config)).toThrow(
      expect.objectContaining({ code: 'manifest_invalid', param: `frontEnd.${param}` }) as Error,
    );
  });
});
