import type { CoquiMfccConfig, FeatureMatrix } from './contract.js';
import { RealFft } from './fft.js';
import { MalgwiError } from '../errors.js';

/** TensorFlow's default for the `Mfcc` operation, which neither DeepSpeech nor Coqui changes. */
const LOW_FREQUENCY = 20;
/** Of a filter's output before the logarithm. The operation holds it in single precision. */
const FLOOR = Math.fround(1e-12);

const mel = (hertz: number): number => 1127 * Math.log1p(hertz / 700);

/**
 * The features of DeepSpeech and Coqui STT: TensorFlow's `AudioSpectrogram` (periodic Hann window, squared magnitude
 * in single precision) followed by `Mfcc` (triangular mel filters over the magnitude, natural logarithm, DCT-II).
 * Neither pre-emphasis nor liftering nor normalisation; the first coefficient stays what the DCT makes it.
 *
 * Every sum is taken in double precision and every result rounded where the TensorFlow Lite kernels do, which makes the
 * utterances of the fixtures bit-equal. Keeps scratch memory between calls: one caller at a time.
 */
export class CoquiMfcc {
  readonly dims: number;
  private readonly window: Float64Array;
  private readonly fft: RealFft;
  private readonly power: Float64Array;
  private readonly filters: MelFilters;
  private readonly energies: Float64Array;
  /** Row-major [dims, numMels]. */
  private readonly dct: Float64Array;

  /** @throws MalgwiError manifest_invalid, `param` naming the field */
  constructor(private readonly config: CoquiMfccConfig) {
    checkCoquiMfcc(config);
    const { windowSamples, numMels, numCoefficients, sampleRate } = config;
    this.dims = numCoefficients;
    this.window = Float64Array.from(
      { length: windowSamples },
      (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / windowSamples),
    );
    let size = 4;
    while (size < windowSamples) size *= 2;
    this.fft = new RealFft(size);
    this.power = new Float64Array(size / 2 + 1);
    this.filters = melFilters(numMels, this.power.length, sampleRate);
    this.energies = new Float64Array(numMels);
    this.dct = Float64Array.from({ length: numCoefficients * numMels }, (_, at) => {
      const i = Math.floor(at / numMels);
      const j = at % numMels;
      return Math.sqrt(2 / numMels) * Math.cos(((i * Math.PI) / numMels) * (j + 0.5));
    });
  }

  /**
   * Frames of a whole signal: every full window, and always one more of what is left behind them, be it nothing.
   * That is what Coqui's stream makes of its buffer when it ends.
   */
  frameCount(samples: number): number {
    const { windowSamples, stepSamples } = this.config;
    return samples < windowSamples ? 1 : Math.floor((samples - windowSamples) / stepSamples) + 2;
  }

  /**
   * One frame.
   * @param samples the window's at `start`, in [-1, 1]; what is missing behind their end counts as zero
   * @param out receives `dims` coefficients at `at`
   */
  compute(samples: Float32Array, start: number, out: Float32Array, at: number): void {
    const { window, fft, power, filters, energies, dct, dims } = this;
    const given = Math.max(0, Math.min(window.length, samples.length - start));
    for (let i = 0; i < given; i++) fft.input[i] = samples[start + i] * window[i];
    fft.input.fill(0, given);
    fft.powerSpectrum(power);
    energies.fill(0);
    for (let bin = filters.first; bin <= filters.last; bin++) {
      const magnitude = Math.sqrt(Math.fround(power[bin]));
      const lower = filters.channel[bin];
      const share = magnitude * filters.weight[bin];
      if (lower >= 0) energies[lower] += share;
      if (lower + 1 < energies.length) energies[lower + 1] += magnitude - share;
    }
    for (let j = 0; j < energies.length; j++) energies[j] = Math.log(Math.max(energies[j], FLOOR));
    for (let i = 0, row = 0; i < dims; i++, row += energies.length) {
      let sum = 0;
      for (let j = 0; j < energies.length; j++) sum += dct[row + j] * energies[j];
      out[at + i] = sum;
    }
  }

  /** @param samples 16 kHz mono, [-1, 1] */
  extract(samples: Float32Array): FeatureMatrix {
    const frames = this.frameCount(samples.length);
    const data = new Float32Array(frames * this.dims);
    for (let frame = 0; frame < frames; frame++) {
      this.compute(samples, frame * this.config.stepSamples, data, frame * this.dims);
    }
    return { data, frames, dims: this.dims };
  }
}

/** Each bin is shared between two neighbouring channels. */
interface MelFilters {
  readonly first: number;
  readonly last: number;
  /** The lower of the bin's two channels, -1 below the first centre. */
  readonly channel: Int32Array;
  /** What of the bin goes to the lower one. */
  readonly weight: Float64Array;
}

function melFilters(numMels: number, bins: number, sampleRate: number): MelFilters {
  const lowest = mel(LOW_FREQUENCY);
  const spacing = (mel(sampleRate / 2) - lowest) / (numMels + 1);
  const centre = (channel: number): number => lowest + spacing * (channel + 1);
  const hertzPerBin = (0.5 * sampleRate) / (bins - 1);
  const first = Math.floor(1.5 + LOW_FREQUENCY / hertzPerBin);
  const last = Math.min(bins - 1, Math.floor((0.5 * sampleRate) / hertzPerBin));
  const channel = new Int32Array(bins);
  const weight = new Float64Array(bins);
  let upper = 0;
  for (let bin = first; bin <= last; bin++) {
    const at = mel(bin * hertzPerBin);
    while (upper < numMels && centre(upper) < at) upper++;
    channel[bin] = upper - 1;
    weight[bin] = (centre(upper) - at) / spacing;
  }
  return { first, last, channel, weight };
}

const MAX_WINDOW = 16_384;
const MAX_MELS = 512;

function checkCoquiMfcc(config: CoquiMfccConfig): void {
  const check = (ok: boolean, param: string, detail: string): void => {
    if (ok) return;
    throw new MalgwiError('manifest_invalid', {
      param: `frontEnd.${param}`,
      detail: `frontEnd.${param}: ${detail}`,
    });
  };
  const integer = (value: number, from: number, to: number): boolean =>
    Number.isInteger(value) && value >= from && value <= to;
  const { sampleRate, windowSamples, stepSamples, numMels, numCoefficients, contextFrames } = config;
  check(sampleRate === 16_000, 'sampleRate', 'must be 16000, the rate of all audio here');
  check(
    integer(windowSamples, 4, MAX_WINDOW),
    'windowSamples',
    `must be an integer from 4 to ${String(MAX_WINDOW)}`,
  );
  check(
    integer(stepSamples, 1, windowSamples),
    'stepSamples',
    'must be an integer from 1 to the window’s samples',
  );
  check(integer(numMels, 1, MAX_MELS), 'numMels', `must be an integer from 1 to ${String(MAX_MELS)}`);
  check(integer(numCoefficients, 1, numMels), 'numCoefficients', 'must be an integer from 1 to numMels');
  check(integer(contextFrames, 0, 64), 'contextFrames', 'must be an integer from 0 to 64');
}
