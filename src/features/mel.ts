/** Analysis windows and mel filter banks, as Kaldi (feature-window.cc, mel-computations.cc) and librosa define them. */
import type { KaldiFbankConfig } from './contract.js';

/** Symmetric window of `length` coefficients (both ends at the same value, the denominator is length - 1). */
export function analysisWindow(kind: KaldiFbankConfig['window'], length: number): Float64Array {
  const phase = (i: number): number => Math.cos((2 * Math.PI * i) / (length - 1));
  const shape = {
    povey: (i: number) => (0.5 - 0.5 * phase(i)) ** 0.85,
    hann: (i: number) => 0.5 - 0.5 * phase(i),
    hamming: (i: number) => 0.54 - 0.46 * phase(i),
    rectangular: () => 1,
  }[kind];
  return Float64Array.from({ length }, (_, i) => shape(i));
}

/** Periodic window of `length` coefficients (the denominator is length), as scipy's and torch's for spectra. */
export function periodicWindow(kind: 'hann' | 'hamming', length: number): Float64Array {
  const [a, b] = kind === 'hann' ? [0.5, 0.5] : [0.54, 0.46];
  return Float64Array.from({ length }, (_, i) => a - b * Math.cos((2 * Math.PI * i) / length));
}

/** O'Shaughnessy's mel scale with natural logarithm, the only one Kaldi has. */
export function hertzToMel(hertz: number): number {
  return 1127 * Math.log(1 + hertz / 700);
}

/** Triangular filters, only their non-zero weights kept: filter m covers bins first[m] .. first[m] + count[m] - 1. */
export interface MelBank {
  readonly filters: number;
  readonly first: Uint32Array;
  readonly count: Uint32Array;
  /** The weights of all filters one after the other. */
  readonly weights: Float64Array;
}

/**
 * Filters whose triangles are straight in mel, equally wide in mel between `low` and `high` Hz. The Nyquist bin has
 * no weight, as in Kaldi.
 */
export function createMelBank(
  filters: number,
  fftSize: number,
  rate: number,
  low: number,
  high: number,
): MelBank {
  const lowMel = hertzToMel(low);
  const width = (hertzToMel(high) - lowMel) / (filters + 1);
  const first = new Uint32Array(filters);
  const count = new Uint32Array(filters);
  const weights: number[] = [];
  for (let m = 0; m < filters; m++) {
    const left = lowMel + m * width;
    for (let bin = 0; bin < fftSize / 2; bin++) {
      const mel = hertzToMel((bin * rate) / fftSize);
      const weight = Math.min((mel - left) / width, (left + 2 * width - mel) / width);
      if (weight <= 0) continue;
      if (count[m] === 0) first[m] = bin;
      count[m]++;
      weights.push(weight);
    }
  }
  return { filters, first, count, weights: Float64Array.from(weights) };
}

/** Slaney's mel scale ("Auditory Toolbox", 1998): linear up to 1 kHz, logarithmic above. */
const LINEAR_HERTZ = 200 / 3;
const LOG_FROM_HERTZ = 1000;
const LOG_FROM_MEL = LOG_FROM_HERTZ / LINEAR_HERTZ;
const LOG_STEP = Math.log(6.4) / 27;

function slaneyHertzToMel(hertz: number): number {
  if (hertz < LOG_FROM_HERTZ) return hertz / LINEAR_HERTZ;
  return LOG_FROM_MEL + Math.log(hertz / LOG_FROM_HERTZ) / LOG_STEP;
}

function slaneyMelToHertz(mel: number): number {
  if (mel < LOG_FROM_MEL) return mel * LINEAR_HERTZ;
  return LOG_FROM_HERTZ * Math.exp(LOG_STEP * (mel - LOG_FROM_MEL));
}

/**
 * librosa's filters (filters.py, `mel` with its defaults): triangles straight in Hz from 0 to half the rate, each of
 * the area of 1 Hz. With many filters over few bins some have no bin at all, and give zero, there as here.
 */
export function createSlaneyBank(filters: number, fftSize: number, rate: number): MelBank {
  const step = slaneyHertzToMel(rate / 2) / (filters + 1);
  const edges = Float64Array.from({ length: filters + 2 }, (_, i) => slaneyMelToHertz(i * step));
  const first = new Uint32Array(filters);
  const count = new Uint32Array(filters);
  const weights: number[] = [];
  for (let m = 0; m < filters; m++) {
    const left = edges[m];
    const centre = edges[m + 1];
    const right = edges[m + 2];
    for (let bin = 0; bin <= fftSize / 2; bin++) {
      const hertz = (bin * rate) / fftSize;
      const weight = Math.min((hertz - left) / (centre - left), (right - hertz) / (right - centre));
      if (weight <= 0) continue;
      if (count[m] === 0) first[m] = bin;
      count[m]++;
      weights.push((weight * 2) / (right - left));
    }
  }
  return { filters, first, count, weights: Float64Array.from(weights) };
}
