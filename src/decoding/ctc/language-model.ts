/** Fusion of a search with an n-gram language model (shallow fusion; Hannun et al. 2014, 2). */
import type { DecodeOptions, TokenTable } from '../contract.js';
import type { NgramModel } from '../lm/contract.js';
import type { StrayJamo } from '../jamo.js';
import type { Fusion } from './fusion.js';
import { CachedNgram } from './ngram-cache.js';
import { UnitFusion } from './ngram-units.js';
import { Vocabulary } from './vocabulary.js';
import { WordFusion } from './ngram-words.js';
import type { Symbols } from './symbols.js';

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

export const DEFAULT_WEIGHTS: Readonly<Record<CtcLanguageModel['unit'], LanguageModelWeights>> = {
  word: { alpha: 0.5, beta: 1.5, unknown: -10 },
  character: { alpha: 0.5, beta: 0.5, unknown: -2 },
  jamo: { alpha: 0.5, beta: 0.5, unknown: -2 },
};

/** What is held between utterances at most, in entries of about 40 bytes. */
const MAX_HELD = 1 << 20;
const MAX_FUSIONS = 4;

/**
 * The language model of one decoder. What was looked up for one utterance serves the next ones; whoever is in the
 * middle of an utterance keeps the tables that it began with when they are started anew.
 */
export class LanguageModelFusions {
  private cache: CachedNgram;
  private fusions = new Map<string, Fusion>();
  private readonly vocabulary: Vocabulary | undefined;

  constructor(
    private readonly languageModel: CtcLanguageModel,
    private readonly symbols: Symbols,
    private readonly table: TokenTable,
    private readonly strayJamo: StrayJamo,
  ) {
    this.cache = new CachedNgram(languageModel.model);
    this.vocabulary = languageModel.unit === 'word' ? Vocabulary.of(languageModel.model) : undefined;
  }

  /** @param hotWords words that are no mistake although the model does not know them */
  fusion(options: DecodeOptions, hotWords: readonly string[]): Fusion {
    const { unit, alpha, beta } = this.languageModel;
    const defaults = DEFAULT_WEIGHTS[unit];
    const weights = {
      ...defaults,
      alpha: options.lmAlpha ?? alpha ?? defaults.alpha,
      beta: options.lmBeta ?? beta ?? defaults.beta,
    };
    let held = this.cache.size;
    for (const { size } of this.fusions.values()) held += size;
    if (held > MAX_HELD) {
      this.cache = new CachedNgram(this.languageModel.model);
      this.fusions = new Map();
    }
    const known = unit === 'word' ? hotWords : [];
    const key = [weights.alpha, weights.beta, ...known].join('\n');
    let fusion = this.fusions.get(key);
    if (fusion === undefined) {
      if (this.fusions.size >= MAX_FUSIONS) this.fusions.delete(this.fusions.keys().next().value!);
      fusion = this.create(weights, known);
    }
    // The one used last goes last: the first one is let go of first.
    this.fusions.delete(key);
    this.fusions.set(key, fusion);
    return fusion;
  }

  private create(weights: LanguageModelWeights, hotWords: readonly string[]): Fusion {
    const { cache, symbols, table, strayJamo } = this;
    const { unit } = this.languageModel;
    return unit === 'word'
      ? new WordFusion(cache, symbols, weights, this.vocabulary, hotWords)
      : new UnitFusion(cache, symbols, weights, {
          jamo: unit === 'jamo',
          compose: table.compose !== 'none',
          strayJamo,
        });
  }
}
