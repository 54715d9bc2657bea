import { MalgwiError } from '../errors.js';
import type {
  KaldiFbankConfig,
  LibrosaMelConfig,
  LibrosaMfccConfig,
  Normalization,
  RunningNormalize,
} from './contract.js';
import { isPowerOfTwo } from './fft.js';

const WINDOWS: ReadonlySet<string> = new Set(['povey', 'hamming', 'hann', 'rectangular']);
const MAX_FFT = 16_384;
const MAX_MELS = 512;

function check(ok: boolean, param: string, detail: string): void {
  if (ok) return;
  throw new MalgwiError('manifest_invalid', {
    param: `frontEnd.${param}`,
    detail: `frontEnd.${param}: ${detail}`,
  });
}

type Framing = Pick<KaldiFbankConfig, 'sampleRate' | 'windowMs' | 'hopMs' | 'waveformScale'>;

/**
 * What every kind but Coqui's has. The checks of this file refuse a front end that could not be computed or would
 * silently differ from what its model was trained on.
 * @throws MalgwiError manifest_invalid, `param` naming the field; so do the other checks
 */
export function checkFraming({ sampleRate, windowMs, hopMs, waveformScale }: Framing): void {
  check(sampleRate === 16_000, 'sampleRate', 'must be 16000, the rate of all audio here');
  check(windowMs > 0 && windowMs <= 1000, 'windowMs', 'must be over 0 and at most 1000');
  check(hopMs > 0 && hopMs <= 1000, 'hopMs', 'must be over 0 and at most 1000');
  check((sampleRate * hopMs) / 1000 >= 1, 'hopMs', 'must hold at least 1 sample');
  check((sampleRate * windowMs) / 1000 >= 4, 'windowMs', 'must hold at least 4 samples');
  check(waveformScale > 0 && waveformScale < Infinity, 'waveformScale', 'must be a number over 0');
}

export function checkFrontEnd(config: KaldiFbankConfig): void {
  const { sampleRate, windowMs, fftSize, numMels } = config;
  check(config.kind === 'kaldi-fbank', 'kind', 'only kaldi-fbank can do this');
  checkFraming(config);
  const frameLength = Math.floor((sampleRate * windowMs) / 1000);
  check(
    isPowerOfTwo(fftSize) && fftSize >= Math.max(4, frameLength) && fftSize <= MAX_FFT,
    'fftSize',
    `must be a power of two, at least the ${frameLength} samples of a window and at most ${MAX_FFT}`,
  );
  checkMels(numMels);
  check(WINDOWS.has(config.window), 'window', 'must be povey, hamming, hann or rectangular');
  check(config.preemphasis >= 0 && config.preemphasis <= 1, 'preemphasis', 'must be from 0 to 1');
  const nyquist = sampleRate / 2;
  const high = config.highFrequency > 0 ? config.highFrequency : nyquist + config.highFrequency;
  check(
    high > 0 && high <= nyquist,
    'highFrequency',
    `must be at most ${nyquist}, and if 0 or less over -${nyquist}`,
  );
  check(
    config.lowFrequency >= 0 && config.lowFrequency < high,
    'lowFrequency',
    'must be 0 or more and below highFrequency',
  );
  check(config.dither === 0, 'dither', 'only 0 is accepted, noise would make results random');
  check(config.energyFloor > 0 && config.energyFloor < Infinity, 'energyFloor', 'must be a number over 0');
  checkNormalization(config.normalize, numMels);
}

/** @param dims channels of the result */
export function checkLibrosa(config: LibrosaMelConfig | LibrosaMfccConfig, dims: number): void {
  checkFraming(config);
  checkMels(config.numMels);
  const paddings: readonly unknown[] = ['reflect', 'constant', undefined];
  check(paddings.includes(config.padding), 'padding', 'must be reflect or constant');
  if (config.kind === 'librosa-mfcc') {
    check(
      Number.isInteger(dims) && dims >= 1 && dims <= config.numMels,
      'numCoefficients',
      'must be an integer from 1 to numMels',
    );
  } else {
    const kinds: readonly string[] = ['power', 'amplitude'];
    check(kinds.includes(config.decibels), 'decibels', 'must be power or amplitude');
  }
  checkNormalization(config.normalize, dims);
}

function checkMels(numMels: number): void {
  check(
    Number.isInteger(numMels) && numMels >= 1 && numMels <= MAX_MELS,
    'numMels',
    `must be an integer from 1 to ${MAX_MELS}`,
  );
}

export function checkNormalization(normalize: Normalization, dims: number): void {
  const kinds: readonly string[] = ['none', 'utterance', 'fixed'];
  check(kinds.includes(normalize.kind), 'normalize', 'must be none, utterance or fixed');
  if (normalize.kind !== 'fixed') return;
  for (const name of ['mean', 'inverseStd'] as const) {
    const values = normalize[name];
    check(
      values.length === dims && values.every((value) => Number.isFinite(value)),
      `normalize.${name}`,
      `must hold ${dims} finite numbers`,
    );
  }
}

export function checkRunning({ withinDb = 1, prior }: RunningNormalize): void {
  check(withinDb > 0 && withinDb < Infinity, 'normalize.withinDb', 'must be a number over 0');
  if (prior === undefined) return;
  check(Number.isFinite(prior.mean), 'normalize.prior.mean', 'must be a number');
  check(
    prior.deviation > 0 && prior.deviation < Infinity,
    'normalize.prior.deviation',
    'must be a number over 0',
  );
  check(
    prior.frames >= 0 && prior.frames < Infinity,
    'normalize.prior.frames',
    'must be a number of 0 or more',
  );
}
