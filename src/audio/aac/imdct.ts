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
    const twiddle = (k: number): number => (-Math.PI * (8 * k + 1)) / (8 * size);
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
    const re = this.#re;
    const im = this.#im;
    const tr = this.#twiddleRe;
    const ti = this.#twiddleIm;
    const reversed = this.#reversed;
    const dct = this.#dct;
    for (let k = 0; k < half; k++) {
      const a = input[at + 2 * k];
      const b = input[at + M - 1 - 2 * k];
      const to = reversed[k];
      re[to] = a * tr[k] - b * ti[k];
      im[to] = a * ti[k] + b * tr[k];
    }
    this.#transform();
    for (let n = 0; n < half; n++) {
      dct[2 * n] = re[n] * tr[n] - im[n] * ti[n];
      dct[M - 1 - 2 * n] = -(re[n] * ti[n] + im[n] * tr[n]);
    }
  }

  /** Radix-2 decimation in time over bit-reversed input; the first two stages, whose roots are 1 and -i, in one. */
  #transform(): void {
    const re = this.#re;
    const im = this.#im;
    const rootRe = this.#rootRe;
    const rootIm = this.#rootIm;
    const points = re.length;
    for (let i = 0; i < points; i += 4) {
      const sumRe = re[i] + re[i + 1];
      const sumIm = im[i] + im[i + 1];
      const differenceRe = re[i] - re[i + 1];
      const differenceIm = im[i] - im[i + 1];
      const otherSumRe = re[i + 2] + re[i + 3];
      const otherSumIm = im[i + 2] + im[i + 3];
      const otherDifferenceRe = re[i + 2] - re[i + 3];
      const otherDifferenceIm = im[i + 2] - im[i + 3];
      re[i] = sumRe + otherSumRe;
      im[i] = sumIm + otherSumIm;
      re[i + 1] = differenceRe + otherDifferenceIm;
      im[i + 1] = differenceIm - otherDifferenceRe;
      re[i + 2] = sumRe - otherSumRe;
      im[i + 2] = sumIm - otherSumIm;
      re[i + 3] = differenceRe - otherDifferenceIm;
      im[i + 3] = differenceIm + otherDifferenceRe;
    }
    for (let span = 4; span < points; span *= 2) {
      const step = points / (2 * span);
      for (let start = 0; start < points; start += 2 * span) {
        for (
          let low = start, high = start + span, root = 0;
          low < start + span;
          low++, high++, root += step
        ) {
          const productRe = re[high] * rootRe[root] - im[high] * rootIm[root];
          const productIm = re[high] * rootIm[root] + im[high] * rootRe[root];
          re[high] = re[low] - productRe;
          im[high] = im[low] - productIm;
          re[low] += productRe;
          im[low] += productIm;
        }
      }
    }
  }
}
