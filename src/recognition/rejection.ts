/**
 * Texts that nobody said: what a model writes for a knock, a bar of music or another language. A voice activity detector
 * lets some of them through. Pure.
 */
import type { DecodedHypothesis } from '../decoding/contract.js';
import type { RejectionRules } from '../models/schema.js';

const LENGTHS = {
  /** Shorter texts are too few units for a mean: "반납" and "네" are improbable as whole sentences. */
  fromSyllables: 8,
  /** A sound that is no speech becomes a syllable or two; what is longer has other evidence. */
  toSyllables: 2,
};

const countSyllables = (text: string): number => [...text.matchAll(/[가-힣]/g)].length;

function isRejected(best: DecodedHypothesis, speechProbability: number, rules: RejectionRules): boolean {
  const syllables = countSyllables(best.text);
  const { minLanguageLogProb, fromSyllables, minEvidence, toSyllables } = { ...LENGTHS, ...rules };
  if (
    minLanguageLogProb !== undefined &&
    best.languageLogProb !== undefined &&
    syllables >= fromSyllables &&
    best.languageLogProb < minLanguageLogProb
  ) {
    return true;
  }
  return (
    minEvidence !== undefined &&
    syllables > 0 &&
    syllables <= toSyllables &&
    best.confidence * speechProbability < minEvidence
  );
}

/**
 * The hypotheses of an utterance, or one of empty text where the best is rejected.
 * @param hypotheses best first, at least one
 * @param speechProbability mean of the voice activity detector over the utterance, 0..1
 * @param rules of the model's package; nothing is rejected without them
 */
export function withoutRejected(
  hypotheses: readonly DecodedHypothesis[],
  speechProbability: number,
  rules: RejectionRules | undefined,
): readonly DecodedHypothesis[] {
  const best = hypotheses[0]!;
  if (rules === undefined || !isRejected(best, speechProbability, rules)) return hypotheses;
  return [{ ...best, text: '', tokens: [], words: [] }];
}

/**
 * Whether words of an utterance that is not over yet may be promised: it is long enough to be judged, and passes.
 * @param languageLogProb of the text so far, where the package rejects by it
 */
export function isAcceptedSoFar(
  text: string,
  languageLogProb: number | undefined,
  rules: RejectionRules | undefined,
): boolean {
  if (rules === undefined) return true;
  const { minLanguageLogProb, fromSyllables, minEvidence, toSyllables } = { ...LENGTHS, ...rules };
  const syllables = countSyllables(text);
  if (minEvidence !== undefined && syllables <= toSyllables) return false;
  if (minLanguageLogProb === undefined || languageLogProb === undefined) return true;
  return syllables >= fromSyllables && languageLogProb >= minLanguageLogProb;
}
