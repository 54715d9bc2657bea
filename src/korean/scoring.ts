/**
 * The one normaliser behind every CER and WER of this project, and the edit counts themselves. Its version stands
 * beside every figure: figures of different versions are not to be compared.
 */
import { verbalize } from './verbalize.js';

export const NORMALIZER_VERSION = 'malgwi-score-1';

/** Longest text, in characters after normalisation, whose edits are counted; the cost of a comparison is its square. */
export const MAX_SCORED_LENGTH = 20_000;

/**
 * Text as it is compared: NFC, digits, Latin letters and symbols read out in Korean, everything that is not a Hangul
 * syllable turned into a space, runs of spaces single, no space at either end.
 */
export function normalizeForScoring(text: string): string {
  return verbalize(text.normalize('NFKC').normalize('NFC'))
    .replace(/[^가-힣]+/g, ' ')
    .trim();
}

export interface EditCounts {
  readonly substitutions: number;
  readonly deletions: number;
  readonly insertions: number;
  readonly referenceLength: number;
}

export const NO_EDITS: EditCounts = { substitutions: 0, deletions: 0, insertions: 0, referenceLength: 0 };

/**
 * Levenshtein distance (Levenshtein 1966) split into its kinds; among the cheapest alignments the one with the fewest
 * insertions and deletions. Rows run over the reference: memory is O(min) after the shared head and tail are cut off.
 */
function countEdits(reference: readonly string[], hypothesis: readonly string[]): EditCounts {
  const referenceLength = reference.length;
  let head = 0;
  while (head < reference.length && head < hypothesis.length && reference[head] === hypothesis[head]) head++;
  let refEnd = reference.length;
  let hypEnd = hypothesis.length;
  while (refEnd > head && hypEnd > head && reference[refEnd - 1] === hypothesis[hypEnd - 1]) {
    refEnd--;
    hypEnd--;
  }
  // The shorter side makes the row; swapping sides swaps insertions and deletions.
  const swap = refEnd < hypEnd;
  const long = swap ? hypothesis : reference;
  const short = swap ? reference : hypothesis;
  const rows = (swap ? hypEnd : refEnd) - head;
  const columns = (swap ? refEnd : hypEnd) - head;
  // cost[j] edits in all, gaps[j] of them not substitutions; `only` counts elements of the long side without partner.
  const cost = new Int32Array(columns + 1);
  const only = new Int32Array(columns + 1);
  const extra = new Int32Array(columns + 1);
  for (let j = 1; j <= columns; j++) {
    cost[j] = j;
    extra[j] = j;
  }
  for (let i = 1; i <= rows; i++) {
    let diagonalCost = cost[0];
    let diagonalOnly = only[0];
    let diagonalExtra = extra[0];
    cost[0] = i;
    only[0] = i;
    const element = long[head + i - 1];
    for (let j = 1; j <= columns; j++) {
      const upCost = cost[j];
      const upOnly = only[j];
      const upExtra = extra[j];
      let bestCost = diagonalCost + (element === short[head + j - 1] ? 0 : 1);
      let bestOnly = diagonalOnly;
      let bestExtra = diagonalExtra;
      if (upCost + 1 < bestCost) {
        bestCost = upCost + 1;
        bestOnly = upOnly + 1;
        bestExtra = upExtra;
      }
      if (cost[j - 1] + 1 < bestCost) {
        bestCost = cost[j - 1] + 1;
        bestOnly = only[j - 1];
        bestExtra = extra[j - 1] + 1;
      }
      cost[j] = bestCost;
      only[j] = bestOnly;
      extra[j] = bestExtra;
      diagonalCost = upCost;
      diagonalOnly = upOnly;
      diagonalExtra = upExtra;
    }
  }
  const missing = only[columns];
  const added = extra[columns];
  return {
    substitutions: cost[columns] - missing - added,
    deletions: swap ? added : missing,
    insertions: swap ? missing : added,
    referenceLength,
  };
}

function bounded(units: string[]): string[] {
  if (units.length > MAX_SCORED_LENGTH) {
    throw new RangeError(`a text of more than ${MAX_SCORED_LENGTH} units cannot be scored in one piece`);
  }
  return units;
}

/**
 * Character edits after {@link normalizeForScoring}. Units are syllables (and spaces with `spaces`).
 * RangeError above {@link MAX_SCORED_LENGTH} characters: score long recordings utterance by utterance.
 */
export function scoreCharacters(
  reference: string,
  hypothesis: string,
  options: { readonly spaces: boolean },
): EditCounts {
  const units = (text: string): string[] => {
    const normal = normalizeForScoring(text);
    return bounded([...(options.spaces ? normal : normal.replaceAll(' ', ''))]);
  };
  return countEdits(units(reference), units(hypothesis));
}

/** Word edits after {@link normalizeForScoring}; words are what stands between spaces (어절). */
export function scoreWords(reference: string, hypothesis: string): EditCounts {
  const words = (text: string): string[] => {
    const normal = normalizeForScoring(text);
    return normal === '' ? [] : bounded(normal.split(' '));
  };
  return countEdits(words(reference), words(hypothesis));
}

export function addCounts(a: EditCounts, b: EditCounts): EditCounts {
  return {
    substitutions: a.substitutions + b.substitutions,
    deletions: a.deletions + b.deletions,
    insertions: a.insertions + b.insertions,
    referenceLength: a.referenceLength + b.referenceLength,
  };
}

/** Edits per unit of the reference; may exceed 1. Without a reference 0 where nothing was inserted, else Infinity. */
export function rate(counts: EditCounts): number {
  const edits = counts.substitutions + counts.deletions + counts.insertions;
  if (counts.referenceLength === 0) return edits === 0 ? 0 : Infinity;
  return edits / counts.referenceLength;
}
