import { describe, expect, it } from 'vitest';
import type { DecodedHypothesis } from '../decoding/contract.js';
import { isAcceptedSoFar, withoutRejected } from './rejection.js';

const hypothesis = (text: string, confidence: number, languageLogProb?: number): DecodedHypothesis => ({
  text,
  tokens: [{ id: 1, text, startFrame: 0, endFrame: 1, probability: 1 }],
  words: [{ word: text, startFrame: 0, endFrame: 1, confidence }],
  avgLogProb: -0.1,
  confidence,
  score: -3,
  ...(languageLogProb === undefined ? {} : { languageLogProb }),
});
const rules = { minLanguageLogProb: -5, minEvidence: 0.3 };
const LONG = '칠번자리예약해줘';

describe('rejection', () => {
  it.each<[string, DecodedHypothesis, number, boolean]>([
    ['a probable text', hypothesis(LONG, 0.5, -4.9), 0.9, false],
    ['an improbable text', hypothesis(LONG, 0.99, -5.1), 0.99, true],
    ['an improbable text of seven syllables', hypothesis(LONG.slice(1), 0.5, -9), 0.9, false],
    ['a text that nothing is known of', hypothesis(LONG, 0.1), 0.1, false],
    ['a word that is sure', hypothesis('네', 0.6, -7), 0.6, false],
    ['a word that is not', hypothesis('네', 0.6, -3), 0.4, true],
    ['two syllables', hypothesis('아 따', 0.3, -3), 0.9, true],
    ['three syllables', hypothesis('아니요', 0.1, -3), 0.1, false],
    ['nothing', hypothesis('', 0, 0), 0, false],
  ])('%s', (_, best, speechProbability, rejected) => {
    const others = [best, hypothesis('다른 것', 0.1)];
    const result = withoutRejected(others, speechProbability, rules);
    if (rejected) {
      expect(result).toEqual([{ ...best, text: '', tokens: [], words: [] }]);
    } else {
      expect(result).toBe(others);
    }
  });

  it('takes the lengths from the package', () => {
    const text = hypothesis('아니요', 0.1, -9);
    expect(withoutRejected([text], 0.1, { ...rules, toSyllables: 3 })[0]!.text).toBe('');
    expect(withoutRejected([text], 1, { minLanguageLogProb: -5, fromSyllables: 3 })[0]!.text).toBe('');
  });

  it('rejects nothing without rules', () => {
    const worst = [hypothesis(LONG, 0, -99)];
    expect(withoutRejected(worst, 0, undefined)).toBe(worst);
    expect(withoutRejected(worst, 0, {})).toBe(worst);
  });
});

describe('what may be promised of an utterance that goes on', () => {
  it.each<[string, string, number | undefined, boolean]>([
    ['a probable text', LONG, -4.9, true],
    ['an improbable one', LONG, -5.1, false],
    ['one that is too short to be judged', LONG.slice(1), -1, false],
    ['two syllables', '아따', undefined, false],
    ['three, of a model that judges no text', '아니요', undefined, true],
  ])('%s', (_, text, languageLogProb, accepted) => {
    expect(isAcceptedSoFar(text, languageLogProb, rules)).toBe(accepted);
    expect(isAcceptedSoFar(text, languageLogProb, undefined)).toBe(true);
  });
});
