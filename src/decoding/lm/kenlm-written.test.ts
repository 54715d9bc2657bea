import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { readArpa } from './arpa.js';
import { MemoryReader } from './bytes.js';
import type { NgramModel } from './contract.js';
import { KenlmModel } from './kenlm.js';

/** Both written by the recipe (python/malgwi_train/kenlm.py; its test makes them anew): 4-grams of characters, pruned. */
const FIXTURES = join(import.meta.dirname, '../../../test/fixtures/lm');
const text = readFileSync(join(FIXTURES, 'seats.arpa'));
const arpa = readArpa(text);
const binary = new KenlmModel(
  new MemoryReader(new Uint8Array(readFileSync(join(FIXTURES, 'seats.qatrie.bin')))),
);
/** What 8 bits make of a weight, and of the five that a query may add up. */
const ONE_WEIGHT = 0.12;
const SUM = 5 * ONE_WEIGHT;

function score(model: NgramModel, words: readonly string[]): number[] {
  let state = words[0] === '<s>' ? model.begin() : model.empty();
  return words.slice(words[0] === '<s>' ? 1 : 0).map((word) => {
    const next = model.score(state, model.index(word));
    state = next.state;
    return next.logProb;
  });
}

it('is a quantised array trie with the words in it', () => {
  expect(binary.header).toMatchObject({ layout: 'quantised-array-trie', order: 4, hasVocabulary: true });
  expect(binary.size).toBe(arpa.size);
  expect([...binary.words()].sort()).toEqual([...arpa.words()].sort());
});

it('has every n-gram of the ARPA file, within the quantisation', () => {
  let ngrams = 0;
  let total = 0;
  for (const line of text.toString('utf8').split('\n')) {
    const [prob, ngram] = line.split('\t');
    const words = ngram?.split(' ') ?? [];
    if (words.length === 0 || words.at(-1) === '<s>') continue;
    const difference = Math.abs(score(binary, words).at(-1)! - Number(prob));
    expect(difference, ngram).toBeLessThan(ONE_WEIGHT);
    total += difference;
    ngrams++;
  }
  expect(ngrams).toBe(binary.header.counts.reduce((a, b) => a + b) - 1);
  expect(total / ngrams).toBeLessThan(0.002);
});

it('backs off as the ARPA file does', () => {
  const vocabulary = [...binary.words()].filter((word) => word !== '<s>' && word !== '<unk>');
  const sentence = fc.array(fc.constantFrom(...vocabulary, '뷁'), { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(sentence, (words) => {
      const wanted = score(arpa, ['<s>', ...words]);
      score(binary, ['<s>', ...words]).forEach((logProb, i) => {
        expect(Math.abs(logProb - wanted[i])).toBeLessThan(SUM);
      });
    }),
    { seed: 5, numRuns: 300 },
  );
});
