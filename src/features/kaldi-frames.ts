import { RealFft } from './fft.js';
import { analysisWindow } from './mel.js';
import type { KaldiFbankConfig } from './contract.js';

export type KaldiFrameConfig = Pick<
  KaldiFbankConfig,
  | 'sampleRate'
  | 'windowMs'
  | 'hopMs'
  | 'fftSize'
  | 'window'
  | 'preemphasis'
  | 'removeDcOffset'
  | 'waveformScale'
  | 'snipEdges'
>;

/**
 * Kaldi's frames and their spectra (kaldi-asr.org, feature-window.cc). The order is Kaldi's: scale, DC removal,
 * preemphasis (the sample before the first one is the first one), window, zero-padded FFT.
 *
 * Holds scratch memory: one object serves one caller at a time.
 */
export class KaldiFrames {
  /** Samples of a frame, and between the starts of two. */
  readonly frameLength: number;
  readonly hop: number;
  /** Power of each bin of the frame computed last, `fftSize / 2 + 1` values. */
  readonly spectrum: Float64Array;
  private readonly fft: RealFft;
  private readonly window: Float64Array;
  private readonly edge: Float32Array;
  private squares = 0;

  constructor(private readonly config: KaldiFrameConfig) {
    this.frameLength = Math.floor((config.sampleRate * config.windowMs) / 1000);
    this.hop = Math.floor((config.sampleRate * config.hopMs) / 1000);
    this.fft = new RealFft(config.fftSize);
    // Scaling commutes with DC removal and preemphasis, so the window carries it.
    this.window = analysisWindow(config.window, this.frameLength).map(
      (value) => value * config.waveformScale,
    );
    this.spectrum = new Float64Array(config.fftSize / 2 + 1);
    this.edge = new Float32Array(this.frameLength);
  }

  /** Frames that `samples` samples give. */
  frameCount(samples: number): number {
    if (this.config.snipEdges) {
      return samples < this.frameLength ? 0 : 1 + Math.floor((samples - this.frameLength) / this.hop);
    }
    return samples === 0 ? 0 : Math.floor((samples + this.hop / 2) / this.hop);
  }

  /** First sample of a frame; negative at the left edge without snip_edges. */
  frameStart(frame: number): number {
    const start = frame * this.hop;
    return this.config.snipEdges
      ? start
      : start + Math.floor(this.hop / 2) - Math.floor(this.frameLength / 2);
  }

  /** Energy of the frame computed last, before preemphasis and window: Kaldi's `raw_energy`. */
  get energy(): number {
    return this.squares * this.config.waveformScale ** 2;
  }

  /**
   * Computes {@link spectrum} and {@link energy} of the frame that starts at `start` of `signal`; samples outside of
   * the signal are mirrored at its edges (the edge sample twice), as Kaldi does without snip_edges.
   */
  compute(signal: Float32Array, start: number): void {
    const { frameLength, edge } = this;
    if (start >= 0 && start + frameLength <= signal.length) {
      this.computeInside(signal, start);
      return;
    }
    const last = signal.length - 1;
    for (let i = 0; i < frameLength; i++) {
      let at = start + i;
      while (at < 0 || at > last) at = at < 0 ? -at - 1 : 2 * last + 1 - at;
      edge[i] = signal[at];
    }
    this.computeInside(edge, 0);
  }

  private computeInside(signal: Float32Array, start: number): void {
    const { frameLength, window, fft } = this;
    const { preemphasis, removeDcOffset } = this.config;
    let dc = 0;
    if (removeDcOffset) {
      for (let i = 0; i < frameLength; i++) dc += signal[start + i];
      dc /= frameLength;
    }
    const input = fft.input;
    let previous = signal[start] - dc;
    let squares = 0;
    for (let i = 0; i < frameLength; i++) {
      const sample = signal[start + i] - dc;
      squares += sample * sample;
      input[i] = (sample - preemphasis * previous) * window[i];
      previous = sample;
    }
    this.squares = squares;
    fft.powerSpectrum(this.spectrum);
  }
}
