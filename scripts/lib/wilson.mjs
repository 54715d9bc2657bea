// Interval of a share of counts (Wilson 1927): right for few counts and for shares near 0 and 1.
export function wilson(right, of, z = 1.96) {
  if (of === 0) return [0, 1];
  const share = right / of;
  const middle = share + (z * z) / (2 * of);
  const width = z * Math.sqrt((share * (1 - share)) / of + (z * z) / (4 * of * of));
  const scale = 1 + (z * z) / of;
  return [Math.max(0, (middle - width) / scale), Math.min(1, (middle + width) / scale)];
}
