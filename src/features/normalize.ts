import type { FeatureMatrix, Normalization } from './contract.js';

/** Normalises `matrix` in place. */
export function normalizeFeatures(matrix: FeatureMatrix, normalization: Normalization): void {
  if (normalization.kind === 'utterance') normalizeUtterance(matrix.data);
  else if (normalization.kind === 'fixed') normalizeFixed(matrix, normalization);
}

/** KoSpeech's: one mean and population standard deviation over all values. Constant features become zeros. */
function normalizeUtterance(data: Float32Array): void {
  if (data.length === 0) return;
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i];
  const mean = sum / data.length;
  let squares = 0;
  for (let i = 0; i < data.length; i++) squares += (data[i] - mean) ** 2;
  const scale = scaleOf(Math.sqrt(squares / data.length));
  for (let i = 0; i < data.length; i++) data[i] = (data[i] - mean) * scale;
}

/** What to multiply with to get a deviation of 1. */
export function scaleOf(deviation: number): number {
  // KoSpeech divides by zero here for digital silence; rounding leaves a deviation of about 1e-7 rather than 0.
  return deviation > 1e-6 ? 1 / deviation : 0;
}

function normalizeFixed(
  { data, frames, dims }: FeatureMatrix,
  { mean, inverseStd }: Extract<Normalization, { kind: 'fixed' }>,
): void {
  for (let frame = 0, i = 0; frame < frames; frame++) {
    for (let bin = 0; bin < dims; bin++, i++) data[i] = (data[i] - mean[bin]) * inverseStd[bin];
  }
}

/** Turns the order of the frames round, in place (KoSpeech's `input_reverse`). */
export function reverseFrames({ data, frames, dims }: FeatureMatrix): void {
  const row = new Float32Array(dims);
  for (let a = 0, b = frames - 1; a < b; a++, b--) {
    row.set(data.subarray(a * dims, (a + 1) * dims));
    data.copyWithin(a * dims, b * dims, (b + 1) * dims);
    data.set(row, b * dims);
  }
}
