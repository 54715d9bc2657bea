import { MalgwiError } from '../errors.js';
import type { KaldiFbankConfig, Normalization } from './contract.js';
import { isPowerOfTwo } from './fft.js';

const WINDOWS: ReadonlySet<string> = new Set(['povey', 'hamming', 'hann', 'rectangular']);
const MAX_FFT = 16_384;
const MAX_MELS = 512;

/**
 * Refuses a front end that could not be computed or would silently differ from what its model was trained on.
 * @throws MalgwiError manifest_invalid, `param` naming the field
 */
export function checkFrontEnd(config: KaldiFbankConfig): void {
  const { sampleRate, windowMs, hopMs, fftSize, numMels } = config;
  const check = (ok: boolean, param: string, detail: string): void => {
    if (!ok)
      throw new MalgwiError('manifest_invalid', {
        param: `frontEnd.${param}`,
        detail: `frontEnd.${param}: ${detail}`,
      });
  };
  check(config.kind === 'kaldi-fbank', 'kind', 'only kaldi-fbank is known');
  check(sampleRate === 16_000, 'sampleRate', 'must be 16000, the rate of all audio here');
  check(windowMs > 0 && windowMs <= 1000, 'windowMs', 'must be over 0 and at most 1000');
  check(hopMs > 0 && hopMs <= 1000, 'hopMs', 'must be over 0 and at most 1000');
  const frameLength = Math.floor((sampleRate * windowMs) / 1000);
  check(frameLength >= 2, 'windowMs', 'must hold at least 2 samples');
  check((sampleRate * hopMs) / 1000 >= 1, 'hopMs', 'must hold at least 1 sample');
  check(
    isPowerOfTwo(fftSize) && fftSize >= Math.max(4, frameLength) && fftSize <= MAX_FFT,
    'fftSize',
    `must be a power of two, at least the ${frameLength} samples of a window and at most ${MAX_FFT}`,
  );
  check(
    Number.isInteger(numMels) && numMels >= 1 && numMels <= MAX_MELS,
    'numMels',
    `must be an integer from 1 to ${MAX_MELS}`,
  );
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
  check(
    config.waveformScale > 0 && config.waveformScale < Infinity,
    'waveformScale',
    'must be a number over 0',
  );
  check(config.energyFloor > 0 && config.energyFloor < Infinity, 'energyFloor', 'must be a number over 0');
  checkNormalization(config.normalize, numMels, check);
}

function checkNormalization(
  normalize: Normalization,
  numMels: number,
  check: (ok: boolean, param: string, detail: string) => void,
): void {
  const kinds: readonly string[] = ['none', 'utterance', 'fixed'];
  check(kinds.includes(normalize.kind), 'normalize', 'must be none, utterance or fixed');
  if (normalize.kind !== 'fixed') return;
  for (const name of ['mean', 'inverseStd'] as const) {
    const values = normalize[name];
    check(
      values.length === numMels && values.every((value) => Number.isFinite(value)),
      `normalize.${name}`,
      `must hold ${numMels} finite numbers`,
    );
  }
}
