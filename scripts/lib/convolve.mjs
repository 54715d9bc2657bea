// Convolution of long signals: overlap-add over a radix-2 FFT (Cooley and Tukey 1965).

const tables = new Map();
/** exp(-2 pi i k / span) for k below half of the span. */
function roots(span) {
  let table = tables.get(span);
  if (table === undefined) {
    const of = (wave) => Float64Array.from({ length: span / 2 }, (_, k) => wave((2 * Math.PI * k) / span));
    table = { cos: of(Math.cos), sin: of((angle) => -Math.sin(angle)) };
    tables.set(span, table);
  }
  return table;
}

/** In place; both arrays of a power of two. */
function transform(re, im, inverse) {
  const n = re.length;
  for (let i = 1, j = 0; i < n; i++) {
    let bit = n >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j], re[i]];
      [im[i], im[j]] = [im[j], im[i]];
    }
  }
  for (let span = 2; span <= n; span *= 2) {
    const half = span / 2;
    const { cos, sin } = roots(span);
    const sign = inverse ? -1 : 1;
    for (let from = 0; from < n; from += span) {
      for (let k = 0; k < half; k++) {
        const a = from + k;
        const b = a + half;
        const x = re[b] * cos[k] - im[b] * sign * sin[k];
        const y = re[b] * sign * sin[k] + im[b] * cos[k];
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

/** @returns as many samples as the signal has, from its first on: the tail is cut */
export function convolve(signal, response) {
  const size = 2 ** Math.ceil(Math.log2(2 * response.length));
  const step = size - response.length + 1;
  const responseRe = new Float64Array(size);
  const responseIm = new Float64Array(size);
  responseRe.set(response);
  transform(responseRe, responseIm, false);
  const result = new Float32Array(signal.length);
  for (let from = 0; from < signal.length; from += step) {
    const re = new Float64Array(size);
    const im = new Float64Array(size);
    re.set(signal.subarray(from, from + step));
    transform(re, im, false);
    for (let k = 0; k < size; k++) {
      const x = re[k] * responseRe[k] - im[k] * responseIm[k];
      im[k] = re[k] * responseIm[k] + im[k] * responseRe[k];
      re[k] = x;
    }
    transform(re, im, true);
    const end = Math.min(size, signal.length - from);
    for (let k = 0; k < end; k++) result[from + k] += re[k] / size;
  }
  return result;
}
