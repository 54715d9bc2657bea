// Whether figures stay what they are: the straight line through them, by least squares, and how sure its slope is.

/**
 * @param {number[]} x
 * @param {number[]} y as many, at least three
 * @returns `{mean, rise, error}`: by how much the line rises from the first x to the last, and twice the standard error of that
 */
export function trend(x, y) {
  const n = x.length;
  const [meanX, mean] = [x, y].map((values) => values.reduce((sum, value) => sum + value, 0) / n);
  const spread = x.reduce((sum, value) => sum + (value - meanX) ** 2, 0);
  const slope = x.reduce((sum, value, i) => sum + (value - meanX) * (y[i] - mean), 0) / spread;
  const residual = y.reduce((sum, value, i) => sum + (value - mean - slope * (x[i] - meanX)) ** 2, 0);
  const span = x.at(-1) - x[0];
  return {
    mean,
    rise: slope * span,
    error: n > 2 ? 2 * Math.sqrt(residual / (n - 2) / spread) * span : Infinity,
  };
}
