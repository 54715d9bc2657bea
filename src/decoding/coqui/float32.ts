/** Coqui computes scores in float32, and takes the lowest finite number for minus infinity. */
export const LOWEST = -3.4028234663852886e38;
/** The smallest normal float32: added to probabilities, so that 0 has a logarithm. */
export const SMALLEST = 1.1754943508222875e-38;

const { fround, exp, log } = Math;

/** ln(e^x + e^y) with every intermediate rounded to float32. */
export function logSumExp(x: number, y: number): number {
  if (x <= LOWEST) return y;
  if (y <= LOWEST) return x;
  const most = x > y ? x : y;
  const sum = fround(fround(exp(fround(x - most))) + fround(exp(fround(y - most))));
  return fround(fround(log(sum)) + most);
}
