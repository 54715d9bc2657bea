/** ln(exp(a) + exp(b)), for a or b of any size, -Infinity included. */
export function logAdd(a: number, b: number): number {
  const larger = Math.max(a, b);
  const difference = Math.min(a, b) - larger;
  // Also ends the case of two infinities, whose difference is no number.
  return difference > -37 ? larger + Math.log1p(Math.exp(difference)) : larger;
}
