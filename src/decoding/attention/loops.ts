/** A cycle must be this long in all, whatever its period: laughter and "네 네 네" are repeated too, but not so often. */
const MIN_TOKENS = 16;
const MIN_REPEATS = 4;
const MAX_PERIOD = 16;
/** Tokens that {@link cycleAtEnd} looks at. */
export const CYCLE_WINDOW = MAX_PERIOD * MIN_REPEATS;

/**
 * The loop guard of the attention searches. A decoder that lost its place repeats itself until something stops it. The
 * rule: tokens that end in the same n-gram at least 4 times in a row, 16 tokens or more in all, n up to 16, are a cycle.
 * Such a hypothesis is ended after the first of the repeated n-grams, with the decoder's own probability for ending
 * there.
 * @param reversed the last tokens, last first, at least {@link CYCLE_WINDOW} of them where there are so many
 * @returns how many tokens to take off the end; 0 where there is no cycle
 */
export function cycleAtEnd(reversed: readonly number[]): number {
  for (let period = 1; period <= MAX_PERIOD; period++) {
    const repeats = Math.max(MIN_REPEATS, Math.ceil(MIN_TOKENS / period));
    const cut = period * (repeats - 1);
    if (reversed.length < cut + period) continue;
    let index = 0;
    while (index < cut && reversed[index] === reversed[index + period]) index++;
    if (index === cut) return cut;
  }
  return 0;
}
