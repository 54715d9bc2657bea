/** What the fusion with an n-gram language model needs to know (shallow fusion; Hannun et al. 2014, 2). */
import type { NgramModel } from '../lm/contract.js';

/** A package's language model, as a CTC search takes it. */
export interface CtcLanguageModel {
  readonly model: NgramModel;
  /** What one "word" of the n-gram is. Characters are syllables, letters and signs as they are written. */
  readonly unit: 'word' | 'character' | 'jamo';
  /** Weight of the model's natural logarithm. */
  readonly alpha?: number;
  /** Bonus for each unit. */
  readonly beta?: number;
}

export interface LanguageModelWeights {
  readonly alpha: number;
  readonly beta: number;
  /** Added for each unit that the model does not know, on top of what it gives to <unk>. Negative. */
  readonly unknown: number;
}

/** Chosen on the development set of the bundled model (docs/reference/decoding.md). */
export const DEFAULT_WEIGHTS: Readonly<Record<CtcLanguageModel['unit'], LanguageModelWeights>> = {
  word: { alpha: 0.3, beta: 1.5, unknown: -10 },
  character: { alpha: 0.5, beta: 1.5, unknown: -2 },
  jamo: { alpha: 0.5, beta: 1, unknown: -2 },
};
