/** Analysis windows and the mel filter bank, as Kaldi defines them (feature-window.cc, mel-computations.cc). */
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
