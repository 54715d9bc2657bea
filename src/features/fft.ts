/**
 * Fast Fourier transform of real input, length a power of two.
 *
 * The N real samples are read as N/2 complex ones, transformed by a decimation-in-time FFT whose radix-2 stages run
 * in pairs (half the passes over memory), and separated into the spectrum of the real signal (Press et al.,
 * "Numerical Recipes", 12.3). Tables are made once; a transform allocates nothing.
 */
export class RealFft {
  readonly size: number;
  /** `size` real samples: fill this before {@link powerSpectrum}. What is left at zero is zero padding. */
  readonly input: Float64Array;
  private readonly half: number;
  private readonly re: Float64Array;
  private readonly im: Float64Array;
  /** Position in `re`/`im` of the complex sample k: bit reversal. */
  private readonly order: Uint32Array;
  /** exp(-2 pi i k / size) for k < size / 2; the complex FFT uses every second one. */
  private readonly cos: Float64Array;
  private readonly sin: Float64Array;

  /** @param size a power of two, at least 4 */
  constructor(size: number) {
    if (!isPowerOfTwo(size) || size < 4)
      throw new RangeError('FFT size must be a power of two of at least 4');
    this.size = size;
    const half = size / 2;
    this.half = half;
    this.input = new Float64Array(size);
    this.re = new Float64Array(half);
    this.im = new Float64Array(half);
    this.order = bitReversal(half);
    this.cos = Float64Array.from({ length: half }, (_, k) => Math.cos((2 * Math.PI * k) / size));
    this.sin = Float64Array.from({ length: half }, (_, k) => -Math.sin((2 * Math.PI * k) / size));
  }

  /**
   * Squared magnitude of each frequency bin of {@link input}.
   * @param out receives `size / 2 + 1` values, bin k standing for k * rate / size
   */
  powerSpectrum(out: Float64Array): void {
    const { half, re, im, order, input } = this;
    for (let k = 0; k < half; k++) {
      const at = order[k];
      re[at] = input[2 * k];
      im[at] = input[2 * k + 1];
    }
    this.transform();
    this.separate(out);
  }

  /** In-place complex FFT of `re`, `im`, which hold the samples in bit-reversed order. */
  private transform(): void {
    const { half, re, im } = this;
    let span = this.firstPass();
    const { cos, sin } = this;
    // Two radix-2 stages at once: blocks of `span` become blocks of `4 * span`.
    for (; span < half; span *= 4) {
      const step = half / (4 * span);
      for (let k = 0; k < span; k++) {
        // Twiddles of the complex FFT of size `half`: table index doubled.
        const w1r = cos[2 * k * step];
        const w1i = sin[2 * k * step];
        const w2r = cos[4 * k * step];
        const w2i = sin[4 * k * step];
        const w3r = w1r * w2r - w1i * w2i;
        const w3i = w1r * w2i + w1i * w2r;
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
  }

  /** The first stage has no twiddles: radix 4, or radix 2 when the number of stages is odd. Returns the block size. */
  private firstPass(): number {
    const { half, re, im } = this;
    if (Math.log2(half) % 2 === 1) {
      for (let a = 0; a < half; a += 2) {
        const br = re[a + 1];
        const bi = im[a + 1];
        re[a + 1] = re[a] - br;
        im[a + 1] = im[a] - bi;
        re[a] += br;
        im[a] += bi;
      }
      return 2;
    }
    for (let a = 0; a < half; a += 4) {
      const sr = re[a] + re[a + 1];
      const si = im[a] + im[a + 1];
      const tr = re[a] - re[a + 1];
      const ti = im[a] - im[a + 1];
      const ur = re[a + 2] + re[a + 3];
      const ui = im[a + 2] + im[a + 3];
      const vr = re[a + 2] - re[a + 3];
      const vi = im[a + 2] - im[a + 3];
      re[a] = sr + ur;
      im[a] = si + ui;
      re[a + 1] = tr + vi;
      im[a + 1] = ti - vr;
      re[a + 2] = sr - ur;
      im[a + 2] = si - ui;
      re[a + 3] = tr - vi;
      im[a + 3] = ti + vr;
    }
    return 4;
  }

  /** Power of the real signal's bins from the complex transform of its even and odd samples. */
  private separate(out: Float64Array): void {
    const { half, re, im, cos, sin } = this;
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
}

export function isPowerOfTwo(value: number): boolean {
  return Number.isInteger(value) && value > 0 && Number.isInteger(Math.log2(value));
}

function bitReversal(size: number): Uint32Array {
  const order = new Uint32Array(size);
  for (let i = 1; i < size; i++) order[i] = (order[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
  return order;
}
