import { Imdct } from './imdct.js';

export const LONG = 1024;
export const SHORT = 128;
/** Where the short windows begin within a frame. */
const FLAT = (LONG - SHORT) / 2;

/** Window sequences of ISO/IEC 14496-3, 4.6.11. */
export const ONLY_LONG = 0;
export const LONG_START = 1;
export const EIGHT_SHORT = 2;
export const LONG_STOP = 3;

const sine = (size: number): Float32Array =>
  Float32Array.from({ length: size }, (_, n) => Math.sin((Math.PI / (2 * size)) * (n + 0.5)));

/** Modified Bessel function of the first kind, order 0. */
function bessel(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; k < 50; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** Rising half of the Kaiser-Bessel derived window. */
function kaiserBessel(size: number, alpha: number): Float32Array {
  const kernel = Array.from({ length: size + 1 }, (_, n) =>
    bessel(Math.PI * alpha * Math.sqrt(Math.max(0, 1 - ((2 * n) / size - 1) ** 2))),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  let sum = 0;
  return Float32Array.from({ length: size }, (_, n) => Math.sqrt((sum += kernel[n]) / total));
}

/** Rising halves by window shape: 0 sine, 1 Kaiser-Bessel. */
const LONG_WINDOWS = [sine(LONG), kaiserBessel(LONG, 4)];
const SHORT_WINDOWS = [sine(SHORT), kaiserBessel(SHORT, 6)];

const longTransform = new Imdct(LONG);
const shortTransform = new Imdct(SHORT);
/** Scratch of one synchronous call. */
const block = new Float32Array(2 * LONG);
const shortBlock = new Float32Array(2 * SHORT);

/** Transform, window and overlap of one channel (ISO/IEC 14496-3, 4.6.11). */
export class ChannelFilterBank {
  readonly #overlap = new Float32Array(LONG);
  #previousShape = 0;

  /** @returns 1024 samples, full scale 1 */
  process(coefficients: Float32Array, sequence: number, shape: number): Float32Array {
    const previousLong = LONG_WINDOWS[this.#previousShape];
    const previousShort = SHORT_WINDOWS[this.#previousShape];
    const overlap = this.#overlap;
    const [long, short] = [LONG_WINDOWS[shape], SHORT_WINDOWS[shape]];
    if (sequence === EIGHT_SHORT) {
      block.fill(0);
      for (let window = 0; window < 8; window++) {
        shortTransform.run(coefficients, window * SHORT, shortBlock);
        const rise = window === 0 ? previousShort : short;
        const at = FLAT + window * SHORT;
        for (let n = 0; n < SHORT; n++) {
          block[at + n] += shortBlock[n] * rise[n];
          block[at + SHORT + n] += shortBlock[SHORT + n] * short[SHORT - 1 - n];
        }
      }
    } else {
      longTransform.run(coefficients, 0, block);
      if (sequence === LONG_STOP) {
        block.fill(0, 0, FLAT);
        for (let n = 0; n < SHORT; n++) block[FLAT + n] *= previousShort[n];
      } else {
        for (let n = 0; n < LONG; n++) block[n] *= previousLong[n];
      }
      if (sequence === LONG_START) {
        for (let n = 0; n < SHORT; n++) block[LONG + FLAT + n] *= short[SHORT - 1 - n];
        block.fill(0, LONG + FLAT + SHORT);
      } else {
        for (let n = 0; n < LONG; n++) block[LONG + n] *= long[LONG - 1 - n];
      }
    }
    const transformScale = sequence === EIGHT_SHORT ? 1 / SHORT : 1 / LONG;
    const scale = transformScale / 32_768;
    const out = new Float32Array(LONG);
    for (let n = 0; n < LONG; n++) {
      out[n] = overlap[n] + block[n] * scale;
      overlap[n] = block[LONG + n] * scale;
    }
    this.#previousShape = shape;
    return out;
  }
}
