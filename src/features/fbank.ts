import type { KaldiFbankConfig } from './contract.js';
import { RealFft } from './fft.js';
import { analysisWindow, createMelBank } from './mel.js';
import type { MelBank } from './mel.js';

/**
 * Kaldi's log-mel filter bank, one frame at a time, without normalisation (kaldi-asr.org, feature-fbank.cc). The
 * order is Kaldi's: scale, DC removal, preemphasis (the sample before the first one is the first one), window,
 * zero-padded FFT, power, mel, floor, natural logarithm.
 *
 * Holds scratch memory: one object serves one caller at a time.
 */
export class KaldiFbank {
  readonly dims: number;
  /** Samples of a frame, and between the starts of two. */
  readonly frameLength: number;
  readonly hop: number;
  private readonly fft: RealFft;
  private readonly window: Float64Array;
  private readonly bank: MelBank;
  private readonly spectrum: Float64Array;
  private readonly edge: Float32Array;

  constructor(private readonly config: KaldiFbankConfig) {
    this.dims = config.numMels;
    this.frameLength = Math.floor((config.sampleRate * config.windowMs) / 1000);
    this.hop = Math.floor((config.sampleRate * config.hopMs) / 1000);
    this.fft = new RealFft(config.fftSize);
    // Scaling commutes with DC removal and preemphasis, so the window carries it.
    this.window = analysisWindow(config.window, this.frameLength).map(
      (value) => value * config.waveformScale,
    );
    // Kaldi reads a top frequency of 0 or less as an offset from the Nyquist frequency.
    const nyquist = config.sampleRate / 2;
    const high = config.highFrequency > 0 ? config.highFrequency : nyquist + config.highFrequency;
    this.bank = createMelBank(config.numMels, config.fftSize, config.sampleRate, config.lowFrequency, high);
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

  /**
   * Computes a frame that starts at `start` of `signal`; samples outside of the signal are mirrored at its edges (the
   * edge sample twice), as Kaldi does without snip_edges.
   * @param out receives `dims` values from `offset`
   */
  compute(signal: Float32Array, start: number, out: Float32Array, offset: number): void {
    const { frameLength, edge } = this;
    if (start >= 0 && start + frameLength <= signal.length) {
      this.computeInside(signal, start, out, offset);
      return;
    }
    const last = signal.length - 1;
    for (let i = 0; i < frameLength; i++) {
      let at = start + i;
      while (at < 0 || at > last) at = at < 0 ? -at - 1 : 2 * last + 1 - at;
      edge[i] = signal[at];
    }
    this.computeInside(edge, 0, out, offset);
  }

  private computeInside(signal: Float32Array, start: number, out: Float32Array, offset: number): void {
    const { frameLength, window, fft, spectrum } = this;
    const { preemphasis, removeDcOffset, power } = this.config;
    let dc = 0;
    if (removeDcOffset) {
      for (let i = 0; i < frameLength; i++) dc += signal[start + i];
      dc /= frameLength;
    }
    const input = fft.input;
    let previous = signal[start] - dc;
    for (let i = 0; i < frameLength; i++) {
      const sample = signal[start + i] - dc;
      input[i] = (sample - preemphasis * previous) * window[i];
      previous = sample;
    }
    fft.powerSpectrum(spectrum);
    if (!power) for (let k = 0; k < spectrum.length; k++) spectrum[k] = Math.sqrt(spectrum[k]);
    this.logMel(out, offset);
  }

  private logMel(out: Float32Array, offset: number): void {
    const { spectrum } = this;
    const { filters, first, count, weights } = this.bank;
    const floor = this.config.energyFloor;
    let w = 0;
    for (let m = 0; m < filters; m++) {
      let energy = 0;
      const end = first[m] + count[m];
      for (let bin = first[m]; bin < end; bin++) energy += weights[w++] * spectrum[bin];
      // Written so that a NaN of a broken sample becomes the floor rather than spreading over the utterance.
      out[offset + m] = Math.log(energy > floor && energy < Infinity ? energy : floor);
    }
  }
}
