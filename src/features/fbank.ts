import type { StreamingFbankConfig } from './contract.js';
import { KaldiFrames } from './kaldi-frames.js';
import { createMelBank } from './mel.js';
import type { MelBank } from './mel.js';

/**
 * Kaldi's log-mel filter bank, one frame at a time, without normalisation (kaldi-asr.org, feature-fbank.cc): the
 * spectrum of Kaldi's frames, mel, floor, natural logarithm.
 *
 * Holds scratch memory: one object serves one caller at a time.
 */
export class KaldiFbank {
  readonly dims: number;
  readonly frames: KaldiFrames;
  private readonly bank: MelBank;

  constructor(private readonly config: Omit<StreamingFbankConfig, 'normalize'>) {
    this.dims = config.numMels;
    this.frames = new KaldiFrames(config);
    // Kaldi reads a top frequency of 0 or less as an offset from the Nyquist frequency.
    const nyquist = config.sampleRate / 2;
    const high = config.highFrequency > 0 ? config.highFrequency : nyquist + config.highFrequency;
    this.bank = createMelBank(config.numMels, config.fftSize, config.sampleRate, config.lowFrequency, high);
  }

  /**
   * Computes a frame that starts at `start` of `signal`.
   * @param out receives `dims` values from `offset`
   */
  compute(signal: Float32Array, start: number, out: Float32Array, offset: number): void {
    this.frames.compute(signal, start);
    const { spectrum } = this.frames;
    if (!this.config.power) for (let k = 0; k < spectrum.length; k++) spectrum[k] = Math.sqrt(spectrum[k]);
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
