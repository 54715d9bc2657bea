import { isPowerOfTwo, RealFft, separate, separationTables, type PowerSpectrum } from './fft.js';

/** Power spectra of any size; powers of two are the fastest. @param size an integer of at least 4 */
export function createPowerSpectrum(size: number): PowerSpectrum {
  return isPowerOfTwo(size) ? new RealFft(size) : new MixedRadixFft(size);
}

/** One pass of the transform: `radix` parts of sub-transforms that lie `stride` apart. */
interface Stage {
  readonly radix: number;
  readonly stride: number;
  /** Length of the sub-transforms after this pass. */
  readonly length: number;
  /** exp(-2 pi i q u / (radix length)) for q < length and u < radix, real and imaginary parts in turn. */
  readonly twiddles: Float64Array;
  /** exp(-2 pi i t / radix), in the same form. */
  readonly roots: Float64Array;
}

/**
 * Fast Fourier transform of real input whose length is a product of small factors, such as the 320 samples of 20 ms:
 * Stockham's autosort algorithm with one pass a factor (Cooley and Tukey 1965; Van Loan, "Computational Frameworks for
 * the Fast Fourier Transform", 1.7). An even length is halved as in {@link RealFft}. A large prime factor p costs p
 * operations a value, so any size is right, but not any is fast.
 */
export class MixedRadixFft implements PowerSpectrum {
  readonly size: number;
  readonly input: Float64Array;
  private readonly stages: readonly Stage[];
  private re: Float64Array;
  private im: Float64Array;
  private otherRe: Float64Array;
  private otherIm: Float64Array;
  private readonly tables: { readonly cos: Float64Array; readonly sin: Float64Array } | undefined;

  /** @param size an integer of at least 4 */
  constructor(size: number) {
    if (!Number.isInteger(size) || size < 4)
      throw new RangeError('FFT size must be an integer of at least 4');
    this.size = size;
    this.input = new Float64Array(size);
    const even = size % 2 === 0;
    const length = even ? size / 2 : size;
    this.stages = createStages(length);
    this.re = new Float64Array(length);
    this.im = new Float64Array(length);
    this.otherRe = new Float64Array(length);
    this.otherIm = new Float64Array(length);
    this.tables = even ? separationTables(size) : undefined;
  }

  powerSpectrum(out: Float64Array): void {
    const { input, tables, re, im } = this;
    if (tables === undefined) {
      re.set(input);
      im.fill(0);
    } else {
      for (let i = 0; i < re.length; i++) {
        re[i] = input[2 * i];
        im[i] = input[2 * i + 1];
      }
    }
    for (const stage of this.stages) {
      if (stage.radix === 4) passOf4(stage, this.re, this.im, this.otherRe, this.otherIm);
      else passOfAny(stage, this.re, this.im, this.otherRe, this.otherIm);
      [this.re, this.otherRe] = [this.otherRe, this.re];
      [this.im, this.otherIm] = [this.otherIm, this.im];
    }
    if (tables !== undefined) separate(this.re, this.im, tables.cos, tables.sin, out);
    else for (let k = 0; 2 * k <= this.size; k++) out[k] = this.re[k] ** 2 + this.im[k] ** 2;
  }
}

function factorize(size: number): number[] {
  const factors: number[] = [];
  let rest = size;
  for (let factor = 4; rest > 1;) {
    if (rest % factor === 0) {
      factors.push(factor);
      rest /= factor;
    } else if (factor === 4) factor = 2;
    else if (factor === 2) factor = 3;
    else if (factor * factor > rest) factor = rest;
    else factor += 2;
  }
  return factors;
}

function roots(count: number, order: number): Float64Array {
  const table = new Float64Array(2 * count);
  for (let k = 0; k < count; k++) {
    table[2 * k] = Math.cos((2 * Math.PI * k) / order);
    table[2 * k + 1] = -Math.sin((2 * Math.PI * k) / order);
  }
  return table;
}

function createStages(size: number): Stage[] {
  const stages: Stage[] = [];
  let length = size;
  let stride = 1;
  for (const radix of factorize(size)) {
    length /= radix;
    const twiddles = new Float64Array(2 * length * radix);
    for (let q = 0; q < length; q++) {
      for (let u = 0; u < radix; u++) {
        const angle = (2 * Math.PI * q * u) / (radix * length);
        twiddles[2 * (q * radix + u)] = Math.cos(angle);
        twiddles[2 * (q * radix + u) + 1] = -Math.sin(angle);
      }
    }
    stages.push({ radix, stride, length, twiddles, roots: roots(radix, radix) });
    stride *= radix;
  }
  return stages;
}

function passOfAny(
  { radix, stride, length, twiddles, roots: table }: Stage,
  re: Float64Array,
  im: Float64Array,
  outRe: Float64Array,
  outIm: Float64Array,
): void {
  const apart = stride * length;
  for (let q = 0; q < length; q++) {
    for (let u = 0; u < radix; u++) {
      const wr = twiddles[2 * (q * radix + u)];
      const wi = twiddles[2 * (q * radix + u) + 1];
      const to = stride * (radix * q + u);
      for (let r = 0; r < stride; r++) {
        let sr = 0;
        let si = 0;
        let root = 0;
        for (let t = 0, at = r + stride * q; t < radix; t++, at += apart) {
          const cr = table[2 * root];
          const ci = table[2 * root + 1];
          sr += re[at] * cr - im[at] * ci;
          si += re[at] * ci + im[at] * cr;
          root += u;
          if (root >= radix) root -= radix;
        }
        outRe[to + r] = sr * wr - si * wi;
        outIm[to + r] = sr * wi + si * wr;
      }
    }
  }
}

function passOf4(
  { stride, length, twiddles }: Stage,
  re: Float64Array,
  im: Float64Array,
  outRe: Float64Array,
  outIm: Float64Array,
): void {
  const apart = stride * length;
  for (let q = 0; q < length; q++) {
    const w = 8 * q;
    for (let r = 0; r < stride; r++) {
      const a = r + stride * q;
      const b = a + apart;
      const c = b + apart;
      const d = c + apart;
      const sr = re[a] + re[c];
      const si = im[a] + im[c];
      const tr = re[a] - re[c];
      const ti = im[a] - im[c];
      const ur = re[b] + re[d];
      const ui = im[b] + im[d];
      const vr = re[b] - re[d];
      const vi = im[b] - im[d];
      const to = r + 4 * stride * q;
      outRe[to] = sr + ur;
      outIm[to] = si + ui;
      turn(outRe, outIm, to + stride, tr + vi, ti - vr, twiddles, w + 2);
      turn(outRe, outIm, to + 2 * stride, sr - ur, si - ui, twiddles, w + 4);
      turn(outRe, outIm, to + 3 * stride, tr - vi, ti + vr, twiddles, w + 6);
    }
  }
}

/** Stores (re + i im) times a twiddle. */
function turn(
  outRe: Float64Array,
  outIm: Float64Array,
  at: number,
  re: number,
  im: number,
  twiddles: Float64Array,
  w: number,
): void {
  outRe[at] = re * twiddles[w] - im * twiddles[w + 1];
  outIm[at] = re * twiddles[w + 1] + im * twiddles[w];
}
