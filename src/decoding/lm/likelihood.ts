/** How probable a text is as a whole: not for the search, but to tell what is no text of the language. */
import type { NgramModel } from './contract.js';

/** How n-gram models over characters write the space, a unit of its own where they have one. */
export const SPACES: readonly string[] = ['▁', '|', '<space>', '<sp>', '_', '\u2423'];

function unitsOf(text: string, unit: 'word' | 'character' | 'jamo', model: NgramModel): number[] {
  if (unit === 'word') return text.split(' ').map((word) => model.index(word));
  const space = SPACES.map((name) => model.index(name)).find((id) => id !== 0);
  const units: number[] = [];
  for (const letter of unit === 'jamo' ? text.normalize('NFD') : text) {
    if (letter !== ' ') units.push(model.index(letter));
    else if (space !== undefined) units.push(space);
  }
  return units;
}

/**
 * Mean natural logarithm of the probability of a unit of the text, the end of the sentence among them; 0 for an empty
 * text. Comparable within one model only.
 */
export function meanLogProb(model: NgramModel, unit: 'word' | 'character' | 'jamo', text: string): number {
  const trimmed = text.trim().replace(/\s+/g, ' ');
  if (trimmed === '') return 0;
  const units = unitsOf(trimmed, unit, model);
  const end = model.index('</s>');
  if (end !== 0) units.push(end);
  let state = model.begin();
  let sum = 0;
  for (const id of units) {
    const next = model.score(state, id);
    sum += next.logProb;
    state = next.state;
  }
  return (Math.LN10 * sum) / Math.max(1, units.length);
}
