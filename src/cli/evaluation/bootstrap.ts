/** Confidence intervals of error rates by the bootstrap (Bisani and Ney, "Bootstrap estimates for confidence intervals
 * in ASR performance evaluation", ICASSP 2004): whole utterances or speakers are resampled, edits and lengths summed. */
import type { EditCounts } from '../../korean/scoring.js';

const SAMPLES = 2000;
const SEED = 0x6d616c67;

/** mulberry32: small, seeded, so that the same evaluation prints the same interval. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * 95 % percentile interval of the sum of edits over the sum of reference lengths; null where fewer than two units or
 * no reference leave nothing to resample.
 */
export function bootstrapInterval(units: readonly EditCounts[]): [number, number] | null {
  if (units.length < 2) return null;
  const next = random(SEED);
  const edits = units.map((unit) => unit.substitutions + unit.deletions + unit.insertions);
  const rates: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    let wrong = 0;
    let length = 0;
    for (let draw = 0; draw < units.length; draw += 1) {
      const index = Math.floor(next() * units.length);
      wrong += edits[index];
      length += units[index].referenceLength;
    }
    if (length > 0) rates.push(wrong / length);
  }
  if (rates.length < SAMPLES / 2) return null;
  rates.sort((a, b) => a - b);
  const at = (quantile: number): number => rates[Math.round(quantile * (rates.length - 1))];
  return [at(0.025), at(0.975)];
}
