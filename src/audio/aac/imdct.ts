/**
 * Inverse modified discrete cosine transform of M coefficients to 2M samples,
 * y[n] = sum X[k] cos(pi/M (n + 1/2 + M/2)(k + 1/2)), by a type-IV cosine transform over a complex FFT of M/2 points
 * (Duhamel, Mahieux and Petit, "A fast algorithm for the implementation of filter banks based on time domain aliasing
 * cancellation", ICASSP 1991).
 */
export class Imdct {
  readonly #size: number;
  readonly #re: Float64Array;
  readonly #im: Float64Array;
  readonly #twiddleRe: Float64Array;
  readonly #twiddleIm: Float64Array;
  readonly #rootRe: Float64Array;
  readonly #rootIm: Float64Array;
  readonly #reversed: Uint16Array;
  readonly #dct: Float64Array;

  /** @param size M, a power of two */
  constructor(size: number) {
    const half = size / 2;
    this.#size = size;
    this.#re = new Float64Array(half);
    this.#im = new Float64Array(half);
    this.#dct = new Float64Array(size);
    const twiddle = (k: number): number => (-Math.PI * (4 * k + 1)) / (4 * size);
    this.#twiddleRe = Float64Array.from({ length: half }, (_, k) => Math.cos(twiddle(k)));
    this.#twiddleIm = Float64Array.from({ length: half }, (_, k) => Math.sin(twiddle(k)));
    this.#rootRe = Float64Array.from({ length: half / 2 }, (_, k) => Math.cos((-2 * Math.PI * k) / half));
    this.#rootIm = Float64Array.from({ length: half / 2 }, (_, k) => Math.sin((-2 * Math.PI * k) / half));
    const bits = Math.log2(half);
    this.#reversed = Uint16Array.from({ length: half }, (_, k) => {
      let out = 0;
      for (let bit = 0; bit < bits; bit++) out |= ((k >> bit) & 1) << (bits - 1 - bit);
      return out;
    });
  }

  /** Reads M coefficients of `input` from `at`, writes 2M samples to `output`. */
  run(input: Float32Array, at: number, output: Float32Array): void {
    const M = this.#size;
    const dct = this.#dct;
    this.#cosine(input, at);
    const half = M / 2;
    for (let n = 0; n < half; n++) {
      output[n] = dct[n + half];
      output[half + n] = -dct[M - 1 - n];
      output[M + n] = -dct[half - 1 - n];
      output[M + half + n] = -dct[n];
    }
  }

  #cosine(input: Float32Array, at: number): void {
    const M = this.#size;
    const half = M / 2;
    const [re, im, tr, ti] = [this.#re, this.#im, this.#twiddleRe, this.#twiddleIm];
    for (let k = 0; k < half; k++) {
      const a = input[at + 2 * k];
      const b = input[at + M - 1 - 2 * k];
      const to = this.#reversed[k];
      re[to] = a * tr[k] - b * ti[k];
      im[to] = a * ti[k] + b * tr[k];
    }
    this.#transform();
    for (let n = 0; n < half; n++) {
      this.#dct[2 * n] = re[n] * tr[n] - im[n] * ti[n];
      this.#dct[M - 1 - 2 * n] = -(re[n] * ti[n] + im[n] * tr[n]);
    }
  }

  /** Radix-2 decimation in time over bit-reversed input. */
  #transform(): void {
    const [re, im, rr, ri] = [this.#re, this.#im, this.#rootRe, this.#rootIm];
    const points = re.length;
    for (let span = 1; span < points; span *= 2) {
      const step = points / (2 * span);
      for (let start = 0; start < points; start += 2 * span) {
        for (let i = 0, root = 0; i < span; i++, root += step) {
          const [lo, hi] = [start + i, start + i + span];
          const xr = re[hi] * rr[root] - im[hi] * ri[root];
          const xi = re[hi] * ri[root] + im[hi] * rr[root];
          re[hi] = re[lo] - xr;
          im[hi] = im[lo] - xi;
          re[lo] += xr;
          im[lo] += xi;
        }
      }
    }
  }
}
