import { AacError } from './bits.js';
import type { BitReader } from './bits.js';
import { EIGHT_SHORT, SHORT } from './filterbank.js';
import { TNS_LONG_BANDS, TNS_SHORT_BANDS } from './tables.js';

/** Temporal noise shaping: an all-pole filter over a range of the spectrum (ISO/IEC 14496-3, 4.6.9). */
export interface TnsFilter {
  /** In bands, downwards from where the filter before it ended. */
  readonly length: number;
  readonly downwards: boolean;
  /** a[1..order] of 1 + sum a[i] z^-i; empty when the filter does nothing. */
  readonly coefficients: readonly number[];
}

const MAX_ORDER_LONG = 12;
const MAX_ORDER_SHORT = 7;

/** tns_data() (table 4.54): filters by window. */
export function readTns(bits: BitReader, short: boolean): TnsFilter[][] {
  return Array.from({ length: short ? 8 : 1 }, () => {
    const count = bits.read(short ? 1 : 2);
    const resolution = count > 0 ? bits.read(1) + 3 : 3;
    return Array.from({ length: count }, () => readFilter(bits, short, resolution));
  });
}

function readFilter(bits: BitReader, short: boolean, resolution: number): TnsFilter {
  const length = bits.read(short ? 4 : 6);
  const order = bits.read(short ? 3 : 5);
  if (order > (short ? MAX_ORDER_SHORT : MAX_ORDER_LONG)) throw new AacError('filter order out of range');
  if (order === 0) return { length, downwards: false, coefficients: [] };
  const downwards = bits.read(1) !== 0;
  const width = resolution - bits.read(1);
  const steps = 2 ** (resolution - 1);
  // Reflection coefficients, and from them the direct form (4.6.9.3).
  let direct: number[] = [];
  for (let m = 0; m < order; m++) {
    const code = bits.read(width);
    const value = code >= 2 ** (width - 1) ? code - 2 ** width : code;
    const reflection = Math.sin((value * Math.PI) / 2 / (value >= 0 ? steps - 0.5 : steps + 0.5));
    const before = direct;
    direct = before.map((a, i) => a + reflection * before[m - 1 - i]);
    direct.push(reflection);
  }
  return { length, downwards, coefficients: direct };
}

/** Where the bands of a spectrum lie. */
export interface TnsLayout {
  readonly sequence: number;
  readonly maxBand: number;
  readonly bands: readonly number[];
  readonly rateIndex: number;
}

/** Filters the spectrum in place. */
export function applyTns(
  coefficients: Float32Array,
  info: TnsLayout,
  tns: readonly (readonly TnsFilter[])[],
): void {
  const short = info.sequence === EIGHT_SHORT;
  const limit = Math.min(info.maxBand, (short ? TNS_SHORT_BANDS : TNS_LONG_BANDS)[info.rateIndex]);
  tns.forEach((filters, window) => {
    let bottom = info.bands.length - 1;
    for (const filter of filters) {
      const top = bottom;
      bottom = Math.max(0, top - filter.length);
      const from = window * SHORT + info.bands[Math.min(bottom, limit)];
      const to = window * SHORT + info.bands[Math.min(top, limit)];
      const step = filter.downwards ? -1 : 1;
      const start = filter.downwards ? to - 1 : from;
      const order = filter.coefficients.length;
      for (let n = 0, k = start; n < to - from; n++, k += step) {
        let value = coefficients[k];
        for (let i = 1; i <= Math.min(n, order); i++)
          value -= filter.coefficients[i - 1] * coefficients[k - i * step];
        coefficients[k] = value;
      }
    }
  });
}
