import { AacError, scaleFactorCode, spectralCodes } from './bits.js';
import type { BitReader } from './bits.js';
import { EIGHT_SHORT, LONG, SHORT } from './filterbank.js';
import { LONG_BANDS, SHORT_BANDS } from './tables.js';
import { readTns } from './tns.js';
import type { TnsFilter } from './tns.js';

/** Codebooks that mean something else than a spectrum (ISO/IEC 14496-3, 4.6.2 to 4.6.13). */
const ESCAPE_BOOK = 11;
export const NOISE = 13;
export const INTENSITY_NEGATIVE = 14;
export const INTENSITY = 15;

/** Window layout, which both channels of a pair may share. */
export interface ChannelInfo {
  readonly sequence: number;
  readonly shape: number;
  readonly maxBand: number;
  /** Windows in each group: one group of one for long windows. */
  readonly groups: readonly number[];
  readonly bands: readonly number[];
  readonly rateIndex: number;
}

/** One channel's spectrum as read: 1024 coefficients, short windows one after the other. */
export interface ChannelSpectrum {
  readonly info: ChannelInfo;
  readonly coefficients: Float32Array;
  /** Codebook and scale by group and band: index group * maxBand + band. */
  readonly books: Uint8Array;
  readonly scales: Float32Array;
  readonly tns: readonly (readonly TnsFilter[])[];
}

export function readChannelInfo(bits: BitReader, rateIndex: number): ChannelInfo {
  bits.skip(1);
  const sequence = bits.read(2);
  const shape = bits.read(1);
  if (sequence === EIGHT_SHORT) {
    const maxBand = bits.read(4);
    const grouping = bits.read(7);
    const groups = [1];
    for (let bit = 6; bit >= 0; bit--) {
      if ((grouping >> bit) & 1) groups[groups.length - 1]++;
      else groups.push(1);
    }
    return checked({ sequence, shape, maxBand, groups, bands: SHORT_BANDS[rateIndex], rateIndex });
  }
  const maxBand = bits.read(6);
  if (bits.read(1) !== 0) throw new AacError('prediction is not part of AAC-LC');
  return checked({ sequence, shape, maxBand, groups: [1], bands: LONG_BANDS[rateIndex], rateIndex });
}

function checked(info: ChannelInfo): ChannelInfo {
  if (info.maxBand > info.bands.length - 1) throw new AacError('too many bands');
  return info;
}

/** individual_channel_stream() (ISO/IEC 14496-3, table 4.50). */
export function readChannel(bits: BitReader, rateIndex: number, shared?: ChannelInfo): ChannelSpectrum {
  const gain = bits.read(8);
  const info = shared ?? readChannelInfo(bits, rateIndex);
  const books = readSections(bits, info);
  const scales = readScaleFactors(bits, books, gain);
  const short = info.sequence === EIGHT_SHORT;
  const pulses = bits.read(1) !== 0 ? readPulses(bits, info, short) : [];
  const tns = bits.read(1) !== 0 ? readTns(bits, short) : [];
  if (bits.read(1) !== 0) throw new AacError('gain control is not part of AAC-LC');
  const coefficients = readSpectrum(bits, info, books, scales, pulses);
  return { info, coefficients, books, scales, tns };
}

function readSections(bits: BitReader, info: ChannelInfo): Uint8Array {
  const { maxBand, groups, sequence } = info;
  const books = new Uint8Array(groups.length * maxBand);
  const lengthBits = sequence === EIGHT_SHORT ? 3 : 5;
  const escape = (1 << lengthBits) - 1;
  for (let group = 0; group < groups.length; group++) {
    for (let band = 0; band < maxBand;) {
      const book = bits.read(4);
      if (book === 12) throw new AacError('reserved codebook');
      let length = 0;
      let increment: number;
      do {
        increment = bits.read(lengthBits);
        length += increment;
      } while (increment === escape);
      if (length === 0 || band + length > maxBand) throw new AacError('section too long');
      books.fill(book, group * maxBand + band, group * maxBand + band + length);
      band += length;
    }
  }
  return books;
}

function readScaleFactors(bits: BitReader, books: Uint8Array, gain: number): Float32Array {
  const scales = new Float32Array(books.length);
  let factor = gain;
  let position = 0;
  let noise = gain - 90;
  let firstNoise = true;
  for (let i = 0; i < books.length; i++) {
    const book = books[i];
    if (book === 0) continue;
    if (book === INTENSITY || book === INTENSITY_NEGATIVE) {
      position += scaleFactorCode.read(bits) - 60;
      if (position < -255 || position > 255) throw new AacError('scale factor out of range');
      scales[i] = 2 ** (-position / 4);
    } else if (book === NOISE) {
      noise += firstNoise ? bits.read(9) - 256 : scaleFactorCode.read(bits) - 60;
      firstNoise = false;
      if (noise < -300 || noise > 300) throw new AacError('scale factor out of range');
      scales[i] = 2 ** (noise / 4);
    } else {
      factor += scaleFactorCode.read(bits) - 60;
      if (factor < 0 || factor > 255) throw new AacError('scale factor out of range');
      scales[i] = 2 ** ((factor - 100) / 4);
    }
  }
  return scales;
}

interface Pulse {
  readonly at: number;
  readonly amplitude: number;
}

function readPulses(bits: BitReader, info: ChannelInfo, short: boolean): Pulse[] {
  if (short) throw new AacError('pulses in short windows');
  const count = bits.read(2) + 1;
  const start = bits.read(6);
  if (start >= info.bands.length) throw new AacError('pulse out of range');
  let at = info.bands[start];
  return Array.from({ length: count }, () => {
    at += bits.read(5);
    if (at >= LONG) throw new AacError('pulse out of range');
    return { at, amplitude: bits.read(4) };
  });
}

const POWERS = Float32Array.from({ length: 8192 }, (_, q) => q ** (4 / 3));
const quantized = new Int32Array(LONG);

function readSpectrum(
  bits: BitReader,
  info: ChannelInfo,
  books: Uint8Array,
  scales: Float32Array,
  pulses: readonly Pulse[],
): Float32Array {
  const { groups, maxBand, bands } = info;
  quantized.fill(0);
  const out = new Float32Array(LONG);
  let window = 0;
  for (let group = 0; group < groups.length; window += groups[group], group++) {
    for (let band = 0; band < maxBand; band++) {
      const book = books[group * maxBand + band];
      if (book === 0 || book > ESCAPE_BOOK) continue;
      for (let w = window; w < window + groups[group]; w++) {
        readBand(bits, book, w * SHORT + bands[band], w * SHORT + bands[band + 1]);
      }
    }
  }
  for (const { at, amplitude } of pulses) quantized[at] += quantized[at] > 0 ? amplitude : -amplitude;
  window = 0;
  for (let group = 0; group < groups.length; window += groups[group], group++) {
    for (let band = 0; band < maxBand; band++) {
      const index = group * maxBand + band;
      const book = books[index];
      if (book === 0 || book === INTENSITY || book === INTENSITY_NEGATIVE) continue;
      for (let w = window; w < window + groups[group]; w++) {
        const from = w * SHORT + bands[band];
        const to = w * SHORT + bands[band + 1];
        if (book === NOISE) fillNoise(out, from, to, scales[index]);
        else scaleBand(out, from, to, scales[index]);
      }
    }
  }
  return out;
}

function scaleBand(out: Float32Array, from: number, to: number, scale: number): void {
  for (let k = from; k < to; k++) {
    const q = quantized[k];
    out[k] = q >= 0 ? POWERS[q] * scale : -POWERS[-q] * scale;
  }
}

function readBand(bits: BitReader, book: number, from: number, to: number): void {
  const code = spectralCodes[book - 1];
  if (book <= 4) {
    for (let k = from; k < to; k += 4) {
      let symbol = code.read(bits);
      for (let i = 3; i >= 0; i--) {
        quantized[k + i] = (symbol % 3) - (book <= 2 ? 1 : 0);
        symbol = Math.trunc(symbol / 3);
      }
      if (book > 2) for (let i = k; i < k + 4; i++) readSign(bits, i);
    }
    return;
  }
  const range = book <= 6 ? 9 : book <= 8 ? 8 : book <= 10 ? 13 : 17;
  const offset = book <= 6 ? 4 : 0;
  for (let k = from; k < to; k += 2) {
    const symbol = code.read(bits);
    quantized[k] = Math.trunc(symbol / range) - offset;
    quantized[k + 1] = (symbol % range) - offset;
    if (book <= 6) continue;
    readSign(bits, k);
    readSign(bits, k + 1);
    if (book === ESCAPE_BOOK) {
      readEscape(bits, k);
      readEscape(bits, k + 1);
    }
  }
}

function readSign(bits: BitReader, k: number): void {
  if (quantized[k] !== 0 && bits.read(1) !== 0) quantized[k] = -quantized[k];
}

function readEscape(bits: BitReader, k: number): void {
  if (Math.abs(quantized[k]) !== 16) return;
  let width = 4;
  while (bits.read(1) !== 0) if (++width > 12) throw new AacError('escape too long');
  const value = bits.read(width) + 2 ** width;
  quantized[k] = quantized[k] < 0 ? -value : value;
}

let noiseState = 1;

/** Perceptual noise substitution: random coefficients of the energy that was sent. */
function fillNoise(out: Float32Array, from: number, to: number, scale: number): void {
  let energy = 0;
  for (let k = from; k < to; k++) {
    noiseState = (Math.imul(noiseState, 1_664_525) + 1_013_904_223) | 0;
    out[k] = noiseState / 2_147_483_648;
    energy += out[k] * out[k];
  }
  const factor = energy > 0 ? scale / Math.sqrt(energy) : 0;
  for (let k = from; k < to; k++) out[k] *= factor;
}
