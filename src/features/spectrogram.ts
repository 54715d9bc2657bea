/** KoSpeech's `spect`: whole spectra, by torch or by Kaldi. */
import type { Extractor, FeatureMatrix, SpectrogramConfig } from './contract.js';
import type { PowerSpectrum } from './fft.js';
import { KaldiFrames } from './kaldi-frames.js';
import { periodicWindow } from './mel.js';
import { createPowerSpectrum } from './mixed-fft.js';

/** torch.finfo(torch.float32).eps, torchaudio's floor of powers. */
const FLOAT32_EPSILON = 1.1920928955078125e-7;

/** `torch.stft` without centring under a periodic Hamming window, then ln(1 + magnitude). */
export class TorchSpectrogram implements Extractor {
  readonly dims: number;
  private readonly size: number;
  private readonly hop: number;
  private readonly fft: PowerSpectrum;
  private readonly window: Float64Array;
  private readonly spectrum: Float64Array;

  constructor({ sampleRate, windowMs, hopMs, waveformScale }: SpectrogramConfig) {
    this.size = Math.round((sampleRate * windowMs) / 1000);
    this.hop = Math.round((sampleRate * hopMs) / 1000);
    this.dims = Math.floor(this.size / 2) + 1;
    this.fft = createPowerSpectrum(this.size);
    this.window = periodicWindow('hamming', this.size).map((value) => value * waveformScale);
    this.spectrum = new Float64Array(this.dims);
  }

  compute(signal: Float32Array): FeatureMatrix {
    const { size, hop, dims, window, spectrum } = this;
    const frames = signal.length < size ? 0 : 1 + Math.floor((signal.length - size) / hop);
    const data = new Float32Array(frames * dims);
    const { input } = this.fft;
    for (let frame = 0; frame < frames; frame++) {
      const start = frame * hop;
      for (let i = 0; i < size; i++) input[i] = signal[start + i] * window[i];
      this.fft.powerSpectrum(spectrum);
      for (let bin = 0; bin < dims; bin++) {
        const power = spectrum[bin];
        data[frame * dims + bin] = power < Infinity ? Math.log1p(Math.sqrt(power)) : 0;
      }
    }
    return { data, frames, dims };
  }
}

/**
 * `torchaudio.compliance.kaldi.spectrogram` with its defaults: natural logarithm of the power of each bin of Kaldi's
 * frames (feature-spectrogram.cc); in place of the first bin the logarithm of the frame's raw energy, at least 0.
 */
export class KaldiSpectrogram implements Extractor {
  readonly dims: number;
  private readonly frames: KaldiFrames;

  constructor({ sampleRate, windowMs, hopMs, waveformScale }: SpectrogramConfig) {
    const frameLength = Math.floor((sampleRate * windowMs) / 1000);
    const fftSize = 2 ** Math.ceil(Math.log2(frameLength));
    this.dims = fftSize / 2 + 1;
    this.frames = new KaldiFrames({
      sampleRate,
      windowMs,
      hopMs,
      fftSize,
      waveformScale,
      window: 'povey',
      preemphasis: 0.97,
      removeDcOffset: true,
      snipEdges: true,
    });
  }

  compute(signal: Float32Array): FeatureMatrix {
    const { dims } = this;
    const frames = this.frames.frameCount(signal.length);
    const data = new Float32Array(frames * dims);
    for (let frame = 0; frame < frames; frame++) {
      this.frames.compute(signal, this.frames.frameStart(frame));
      const { spectrum, energy } = this.frames;
      // Its floor of the energy is 1, that of the powers the smallest step of a float32.
      data[frame * dims] = energy > 1 && energy < Infinity ? Math.log(energy) : 0;
      for (let bin = 1; bin < dims; bin++) {
        const power = spectrum[bin];
        const kept = power > FLOAT32_EPSILON && power < Infinity ? power : FLOAT32_EPSILON;
        data[frame * dims + bin] = Math.log(kept);
      }
    }
    return { data, frames, dims };
  }
}
