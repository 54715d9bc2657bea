import { MalgwiError } from '../errors.js';

/**
 * The `count` best classes of one row of a [rows, classes] matrix, best first; ties go to the lower id.
 * @param without classes that are left out
 * @throws MalgwiError inference_failed when the row holds no numbers
 */
export function bestClasses(
  matrix: Float32Array,
  row: number,
  classes: number,
  count: number,
  without = -1,
): number[] {
  const from = row * classes;
  const best: number[] = [];
  let threshold = -Infinity;
  for (let id = 0; id < classes; id++) {
    const value = matrix[from + id];
    if (!(value < Infinity)) throw new MalgwiError('inference_failed', { detail: NOT_NUMBERS });
    if (id === without || (best.length === count && value <= threshold)) continue;
    let position = best.length;
    while (position > 0 && matrix[from + best[position - 1]] < value) position--;
    best.splice(position, 0, id);
    if (best.length > count) best.pop();
    threshold = matrix[from + best[best.length - 1]];
  }
  return best;
}

const NOT_NUMBERS = 'The model gave values that are not numbers.';

/** @throws MalgwiError cancelled */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new MalgwiError('cancelled');
}
