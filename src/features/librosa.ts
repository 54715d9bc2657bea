/**
 * librosa's mel spectrogram and MFCC, which KoSpeech's `mel` and `mfcc` are (librosa, feature/spectral.py and
 * core/spectrum.py; McFee et al. 2015). Everything runs in double precision but for what is stored.
 */
import type { Extractor, FeatureMatrix, LibrosaMelConfig, LibrosaMfccConfig } from './contract.js';
import type { PowerSpectrum } from './fft.js';
import { createSlaneyBank, periodicWindow, type MelBank } from './mel.js';
import { createPowerSpectrum } from './mixed-fft.js';

/** librosa's `power_to_db`: powers are raised to at least this. */
const MIN_POWER = 1e-10;
/** librosa's `top_db`: decibels this far below the loudest value of the utterance are raised to there. */
const TOP_DB = 80;

type LibrosaConfig = LibrosaMelConfig | LibrosaMfccConfig;

/** `librosa.feature.melspectrogram`, then `power_to_db` or `amplitude_to_db` against the loudest value. */
export class LibrosaMel implements Extractor {
  readonly dims: number;
  private readonly spectrogram: MelSpectrogram;

  constructor(private readonly config: LibrosaMelConfig) {
    this.spectrogram = new MelSpectrogram(config);
    this.dims = config.numMels;
  }

  compute(signal: Float32Array): FeatureMatrix {
    const mel = this.spectrogram.compute(signal);
    const { data } = mel;
    if (this.config.decibels === 'amplitude') for (let i = 0; i < data.length; i++) data[i] *= data[i];
    toDecibels(data, maximum(data));
    return mel;
  }
}

/** `librosa.feature.mfcc`: mel powers in decibels, orthonormal DCT-II over the channels. */
export class LibrosaMfcc implements Extractor {
  readonly dims: number;
  private readonly spectrogram: MelSpectrogram;
  /** Row-major [coefficients, mels]. */
  private readonly dct: Float64Array;

  constructor(config: LibrosaMfccConfig) {
    this.spectrogram = new MelSpectrogram(config);
    this.dims = config.numCoefficients;
    this.dct = createDct(config.numCoefficients, config.numMels);
  }

  compute(signal: Float32Array): FeatureMatrix {
    const { dims, dct } = this;
    const { data: mel, frames, dims: mels } = this.spectrogram.compute(signal);
    toDecibels(mel, 1);
    const data = new Float32Array(frames * dims);
    for (let frame = 0, at = 0; frame < frames; frame++) {
      for (let k = 0; k < dims; k++, at++) {
        let sum = 0;
        for (let m = 0; m < mels; m++) sum += dct[k * mels + m] * mel[frame * mels + m];
        data[at] = sum;
      }
    }
    return { data, frames, dims };
  }
}

/** Mel powers of centred frames. */
class MelSpectrogram {
  private readonly size: number;
  private readonly hop: number;
  private readonly fft: PowerSpectrum;
  private readonly window: Float64Array;
  private readonly spectrum: Float64Array;
  private readonly bank: MelBank;

  constructor(private readonly config: LibrosaConfig) {
    const { sampleRate, windowMs, hopMs, numMels, waveformScale } = config;
    this.size = Math.round((sampleRate * windowMs) / 1000);
    this.hop = Math.round((sampleRate * hopMs) / 1000);
    this.fft = createPowerSpectrum(this.size);
    this.window = periodicWindow('hann', this.size).map((value) => value * waveformScale);
    this.spectrum = new Float64Array(Math.floor(this.size / 2) + 1);
    this.bank = createSlaneyBank(numMels, this.size, sampleRate);
  }

  compute(signal: Float32Array): FeatureMatrix {
    const { size, hop, bank } = this;
    const dims = bank.filters;
    const half = Math.floor(size / 2);
    const frames = signal.length === 0 ? 0 : 1 + Math.floor((signal.length + 2 * half - size) / hop);
    const data = new Float32Array(frames * dims);
    for (let frame = 0; frame < frames; frame++) {
      this.fill(signal, frame * hop - half);
      this.fft.powerSpectrum(this.spectrum);
      applyBank(bank, this.spectrum, data, frame * dims);
    }
    return { data, frames, dims };
  }

  /** Windows the samples from `start` on; those outside of the signal are zeros, or its mirror image. */
  private fill(signal: Float32Array, start: number): void {
    const { size, window } = this;
    const { input } = this.fft;
    if (start >= 0 && start + size <= signal.length) {
      for (let i = 0; i < size; i++) input[i] = signal[start + i] * window[i];
      return;
    }
    const last = signal.length - 1;
    const mirror = this.config.padding !== 'constant';
    for (let i = 0; i < size; i++) {
      let at = start + i;
      if (mirror) {
        // numpy's `reflect`: the edge sample once; a signal of one sample is repeated.
        while (last > 0 && (at < 0 || at > last)) at = at < 0 ? -at : 2 * last - at;
        input[i] = signal[last > 0 ? at : 0] * window[i];
      } else input[i] = at < 0 || at > last ? 0 : signal[at] * window[i];
    }
  }
}

function applyBank(bank: MelBank, spectrum: Float64Array, out: Float32Array, offset: number): void {
  const { filters, first, count, weights } = bank;
  let w = 0;
  for (let m = 0; m < filters; m++) {
    let energy = 0;
    const end = first[m] + count[m];
    for (let bin = first[m]; bin < end; bin++) energy += weights[w++] * spectrum[bin];
    // A broken sample makes its own frames silent rather than the whole utterance.
    out[offset + m] = energy < Infinity ? energy : 0;
  }
}

function maximum(values: Float32Array): number {
  let max = 0;
  for (const value of values) if (value > max) max = value;
  return max;
}

/** librosa's `power_to_db` in place: 10 log10(power / reference), at most 80 dB below the loudest. */
function toDecibels(values: Float32Array, reference: number): void {
  const offset = 10 * Math.log10(Math.max(MIN_POWER, reference));
  let loudest = -Infinity;
  for (let i = 0; i < values.length; i++) {
    values[i] = 10 * Math.log10(Math.max(MIN_POWER, values[i])) - offset;
    if (values[i] > loudest) loudest = values[i];
  }
  const floor = loudest - TOP_DB;
  for (let i = 0; i < values.length; i++) if (values[i] < floor) values[i] = floor;
}

function createDct(coefficients: number, inputs: number): Float64Array {
  const table = new Float64Array(coefficients * inputs);
  for (let k = 0; k < coefficients; k++) {
    const scale = Math.sqrt((k === 0 ? 1 : 2) / inputs);
    for (let n = 0; n < inputs; n++) {
      table[k * inputs + n] = scale * Math.cos((Math.PI * k * (2 * n + 1)) / (2 * inputs));
    }
  }
  return table;
}
