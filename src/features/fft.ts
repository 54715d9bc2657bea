/** Power spectra of real input, one after the other; holds scratch memory. */
export interface PowerSpectrum {
  readonly size: number;
  /** `size` real samples: fill this before {@link powerSpectrum}. What is left at zero is zero padding. */
  readonly input: Float64Array;
  /**
   * Squared magnitude of each frequency bin of {@link input}.
   * @param out receives `floor(size / 2) + 1` values, bin k standing for k * rate / size
   */
  powerSpectrum(out: Float64Array): void;
}

/**
 * Fast Fourier transform of real input, length a power of two.
 *
 * The N real samples are read as N/2 complex ones, transformed by a decimation-in-time FFT whose radix-2 stages run
 * in pairs (half the passes over memory), and separated into the spectrum of the real signal (Press et al.,
 * "Numerical Recipes", 12.3). Tables are made once; a transform allocates nothing.
 */
export class RealFft implements PowerSpectrum {
  readonly size: number;
  readonly input: Float64Array;
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  /** For each block of the first pass, the complex sample it begins with: bit reversal. */
  private readonly order: Uint32Array;
  private readonly passes: readonly Pass[];
  /** exp(-2 pi i k / size) for k < size / 4. */
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;

  /** @param size a power of two, at least 4 */
  constructor(size: number) {
    if (!isPowerOfTwo(size) || size < 4)
      throw new RangeError('FFT size must be a power of two of at least 4');
    this.size = size;
    const half = size / 2;
    this.input = new Float64Array(size);
    this.re = new Float64Array(half);
    this.im = new Float64Array(half);
    const radix = firstRadix(half);
    this.order = bitReversal(half).filter((_, at) => at % radix === 0);
    this.passes = createPasses(half, radix);
    ({ cos: this.cos, sin: this.sin } = separationTables(size));
  }

  powerSpectrum(out: Float64Array): void {
    const { input, re, im, order } = this;
    if (re.length === 4 * order.length) firstPassOf4(input, re, im, order);
    else firstPassOf2(input, re, im, order);
    for (const pass of this.passes) runPass(pass, re, im);
    separate(re, im, this.cos, this.sin, out);
  }
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && Number.isInteger(Math.log2(value));
}

/** Two radix-2 stages at once: blocks of `span` become blocks of `4 * span`. */
interface Pass {
  readonly span: number;
  /** For each k < span: w^k, w^2k and w^3k with w = exp(-2 pi i / (4 span)), real and imaginary parts in turn. */
  readonly twiddles: Float64Array;
}

/** 4, or 2 when the number of radix-2 stages is odd. */
function firstRadix(half: number): 2 | 4 {
  return Math.log2(half) % 2 === 1 ? 2 : 4;
}

function createPasses(half: number, firstSpan: number): Pass[] {
  const passes: Pass[] = [];
  for (let span = firstSpan; span < half; span *= 4) {
    const twiddles = new Float64Array(6 * span);
    for (let k = 0; k < span; k++) {
      for (let power = 1; power <= 3; power++) {
        const angle = (-2 * Math.PI * k * power) / (4 * span);
        twiddles[6 * k + 2 * power - 2] = Math.cos(angle);
        twiddles[6 * k + 2 * power - 1] = Math.sin(angle);
      }
    }
    passes.push({ span, twiddles });
  }
  return passes;
}

function bitReversal(size: number): Uint32Array {
  const order = new Uint32Array(size);
  for (let i = 1; i < size; i++) order[i] = (order[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
  return order;
}

/** The first pass has no twiddles and fetches the samples in bit-reversed order. */
function firstPassOf2(input: Float64Array, re: Float64Array, im: Float64Array, order: Uint32Array): void {
  const half = re.length;
  for (let block = 0; block < order.length; block++) {
    const a = 2 * order[block];
    const b = a + half;
    const at = 2 * block;
    re[at] = input[a] + input[b];
    im[at] = input[a + 1] + input[b + 1];
    re[at + 1] = input[a] - input[b];
    im[at + 1] = input[a + 1] - input[b + 1];
  }
}

function firstPassOf4(input: Float64Array, re: Float64Array, im: Float64Array, order: Uint32Array): void {
  const half = re.length;
  for (let block = 0; block < order.length; block++) {
    const a = 2 * order[block];
    const b = a + half;
    const c = a + half / 2;
    const d = c + half;
    const sr = input[a] + input[b];
    const si = input[a + 1] + input[b + 1];
    const tr = input[a] - input[b];
    const ti = input[a + 1] - input[b + 1];
    const ur = input[c] + input[d];
    const ui = input[c + 1] + input[d + 1];
    const vr = input[c] - input[d];
    const vi = input[c + 1] - input[d + 1];
    const at = 4 * block;
    re[at] = sr + ur;
    im[at] = si + ui;
    re[at + 1] = tr + vi;
    im[at + 1] = ti - vr;
    re[at + 2] = sr - ur;
    im[at + 2] = si - ui;
    re[at + 3] = tr - vi;
    im[at + 3] = ti + vr;
  }
}

function runPass({ span, twiddles }: Pass, re: Float64Array, im: Float64Array): void {
  const half = re.length;
  for (let k = 0; k < span; k++) {
    const w1r = twiddles[6 * k];
    const w1i = twiddles[6 * k + 1];
    const w2r = twiddles[6 * k + 2];
    const w2i = twiddles[6 * k + 3];
    const w3r = twiddles[6 * k + 4];
    const w3i = twiddles[6 * k + 5];
    for (let a = k; a < half; a += 4 * span) {
      // Bit-reversed order: the second quarter belongs to the even half, hence w^2 before w^1.
      const b = a + span;
      const c = b + span;
      const d = c + span;
      const br = re[b] * w2r - im[b] * w2i;
      const bi = re[b] * w2i + im[b] * w2r;
      const cr = re[c] * w1r - im[c] * w1i;
      const ci = re[c] * w1i + im[c] * w1r;
      const dr = re[d] * w3r - im[d] * w3i;
      const di = re[d] * w3i + im[d] * w3r;
      const sr = re[a] + br;
      const si = im[a] + bi;
      const tr = re[a] - br;
      const ti = im[a] - bi;
      const ur = cr + dr;
      const ui = ci + di;
      const vr = cr - dr;
      const vi = ci - di;
      re[a] = sr + ur;
      im[a] = si + ui;
      re[b] = tr + vi;
      im[b] = ti - vr;
      re[c] = sr - ur;
      im[c] = si - ui;
      re[d] = tr - vi;
      im[d] = ti + vr;
    }
  }
}

/** exp(-2 pi i k / size) for k up to size / 4. */
export function separationTables(size: number): { cos: Float64Array; sin: Float64Array } {
  const length = Math.floor(size / 4) + 1;
  return {
    cos: Float64Array.from({ length }, (_, k) => Math.cos((2 * Math.PI * k) / size)),
    sin: Float64Array.from({ length }, (_, k) => -Math.sin((2 * Math.PI * k) / size)),
  };
}

/** Power of the real signal's bins from the complex transform of its even and odd samples (size / 2 values). */
export function separate(
  re: Float64Array,
  im: Float64Array,
  cos: Float64Array,
  sin: Float64Array,
  out: Float64Array,
): void {
  const half = re.length;
  out[0] = (re[0] + im[0]) ** 2;
  out[half] = (re[0] - im[0]) ** 2;
  for (let k = 1, j = half - 1; k <= j; k++, j--) {
    const evenRe = 0.5 * (re[k] + re[j]);
    const evenIm = 0.5 * (im[k] - im[j]);
    const oddRe = 0.5 * (im[k] + im[j]);
    const oddIm = 0.5 * (re[j] - re[k]);
    const tr = oddRe * cos[k] - oddIm * sin[k];
    const ti = oddRe * sin[k] + oddIm * cos[k];
    const xr = evenRe + tr;
    const xi = evenIm + ti;
    const yr = evenRe - tr;
    const yi = evenIm - ti;
    out[k] = xr * xr + xi * xi;
    out[j] = yr * yr + yi * yi;
  }
}
