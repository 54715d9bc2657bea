import { toByteString } from './alphabet.js';
import type { CoquiAlphabet } from './alphabet.js';

/**
 * Hot words by the bytes that the alphabet spells them in, which may be syllables or jamo, whichever way the words are
 * given; with boosts in float32.
 */
export function spellHotWords(
  alphabet: CoquiAlphabet,
  words: Iterable<readonly [string, number]>,
): Map<string, number> {
  const labels = new Set(alphabet.labels);
  const fits = (word: string): boolean => [...word].every((character) => labels.has(toByteString(character)));
  const result = new Map<string, number>();
  for (const [word, boost] of words) {
    const composed = word.normalize('NFC');
    const decomposed = word.normalize('NFD');
    const spelt = [word, composed, decomposed].find(fits) ?? composed;
    result.set(toByteString(spelt), Math.fround(boost));
  }
  return result;
}
