import { describe, expect, it } from 'vitest';
import { readArpa } from './arpa.js';
import { meanLogProb } from './likelihood.js';

const model = (unigrams: string, bigrams = '') =>
  readArpa(
    new TextEncoder().encode(
      `\\data\\\nngram 1=${unigrams.trim().split('\n').length}\nngram 2=${bigrams.trim().split('\n').length}\n\n\\1-grams:\n${unigrams}\n\\2-grams:\n${bigrams}\n\\end\\\n`,
    ),
  );
const BIGRAMS = '-0.2\t<s>\t가';

describe('meanLogProb', () => {
  const characters = model(
    '-2\t<unk>\n-99\t<s>\t0\n-1\t</s>\t0\n-0.5\t가\t0\n-0.75\t나\t0\n-0.25\t▁\t0',
    BIGRAMS,
  );

  it('is the mean over the characters, spaces and the end, in natural logarithms', () => {
    // <s> 가 as a bigram; the space, 나 and </s> back off at no cost.
    expect(meanLogProb(characters, 'character', '가 나')).toBeCloseTo(
      (Math.LN10 * (-0.2 - 0.25 - 0.75 - 1)) / 4,
      5,
    );
    expect(meanLogProb(characters, 'character', ' 가  나 ')).toBe(
      meanLogProb(characters, 'character', '가 나'),
    );
    expect(meanLogProb(characters, 'character', '가다')).toBeCloseTo((Math.LN10 * (-0.2 - 2 - 1)) / 3, 5);
    expect(meanLogProb(characters, 'character', '')).toBe(0);
  });

  it('passes over spaces that the model does not write', () => {
    const spaceless = model('-2\t<unk>\n-99\t<s>\t0\n-1\t</s>\t0\n-0.5\t가\t0', BIGRAMS);
    expect(meanLogProb(spaceless, 'character', '가 가')).toBe(meanLogProb(spaceless, 'character', '가가'));
  });

  it('counts words and jamo where those are the units', () => {
    const words = model(
      '-2\t<unk>\n-99\t<s>\t0\n-1\t</s>\t0\n-0.5\t가나\t0\n-0.75\t다\t0',
      '-0.2\t<s>\t가나',
    );
    expect(meanLogProb(words, 'word', '가나 다')).toBeCloseTo((Math.LN10 * (-0.2 - 0.75 - 1)) / 3, 5);
    const jamo = model(
      '-2\t<unk>\n-99\t<s>\t0\n-1\t</s>\t0\n-0.5\t\u1100\t0\n-0.75\t\u1161\t0',
      '-0.2\t<s>\t\u1100',
    );
    expect(meanLogProb(jamo, 'jamo', '가')).toBeCloseTo((Math.LN10 * (-0.2 - 0.75 - 1)) / 3, 5);
  });
});
