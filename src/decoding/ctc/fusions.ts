import type { DecodeOptions, TokenTable } from '../contract.js';
import type { StrayJamo } from '../jamo.js';
import { SumFusion, type Fusion } from './fusion.js';
import { HotWordFusion } from './hot-words.js';
import { DEFAULT_WEIGHTS, type CtcLanguageModel, type LanguageModelWeights } from './language-model.js';
import { CachedNgram } from './ngram-cache.js';
import { UnitFusion } from './ngram-units.js';
import { WordFusion } from './ngram-words.js';
import type { Symbols } from './symbols.js';
import { Vocabulary } from './vocabulary.js';

/** What is held between utterances at most, in entries of some 40 bytes. */
const MAX_HELD = 1 << 19;
const MAX_FUSIONS = 8;

/**
 * The language model and the hot words of one decoder's requests. What was looked up for one utterance serves the next
 * ones that ask for the same; whoever is in the middle of an utterance keeps the tables that it began with when they
 * are started anew.
 */
export class Fusions {
  private cache: CachedNgram | undefined;
  private held = new Map<string, Fusion>();
  private readonly vocabulary: Vocabulary | undefined;

  constructor(
    private readonly symbols: Symbols,
    private readonly table: TokenTable,
    private readonly strayJamo: StrayJamo,
    private readonly languageModel: CtcLanguageModel | undefined,
  ) {
    this.cache = languageModel && new CachedNgram(languageModel.model);
    this.vocabulary = languageModel?.unit === 'word' ? Vocabulary.of(languageModel.model) : undefined;
  }

  /** undefined where nothing is to be added to the acoustic score. */
  of(options: DecodeOptions): Fusion | undefined {
    const { hotWords = [] } = options;
    if (this.languageModel === undefined && hotWords.length === 0) return undefined;
    this.bound();
    const key = JSON.stringify([
      options.lmAlpha,
      options.lmBeta,
      hotWords.map(({ phrase, weight }) => [phrase, weight]),
    ]);
    const fusion = this.held.get(key) ?? this.create(options);
    // The one used last goes last: the first one is let go of first.
    this.held.delete(key);
    this.held.set(key, fusion);
    return fusion;
  }

  private bound(): void {
    let size = this.cache?.size ?? 0;
    for (const fusion of this.held.values()) size += fusion.size;
    if (size > MAX_HELD) {
      this.held = new Map();
      this.cache = this.languageModel && new CachedNgram(this.languageModel.model);
    } else if (this.held.size >= MAX_FUSIONS) {
      this.held.delete(this.held.keys().next().value!);
    }
  }

  private create(options: DecodeOptions): Fusion {
    const { hotWords = [] } = options;
    const hot = hotWords.length === 0 ? undefined : new HotWordFusion(hotWords, this.symbols);
    if (this.languageModel === undefined || this.cache === undefined) return hot!;
    const { unit, alpha, beta } = this.languageModel;
    const weights = {
      alpha: options.lmAlpha ?? alpha ?? DEFAULT_WEIGHTS[unit].alpha,
      beta: options.lmBeta ?? beta ?? DEFAULT_WEIGHTS[unit].beta,
      unknown: DEFAULT_WEIGHTS[unit].unknown,
    };
    // Words that someone asks for are no mistake although the model does not know them.
    const favoured = hotWords.filter(({ weight }) => weight > 0).map(({ phrase }) => phrase);
    const model = this.score(this.cache, weights, favoured);
    return hot === undefined ? model : new SumFusion(model, hot, this.symbols.tokens);
  }

  private score(cache: CachedNgram, weights: LanguageModelWeights, favoured: readonly string[]): Fusion {
    const { symbols, table, strayJamo } = this;
    const unit = this.languageModel?.unit;
    if (unit === 'word') return new WordFusion(cache, symbols, weights, this.vocabulary, favoured);
    const options = { jamo: unit === 'jamo', compose: table.compose !== 'none', strayJamo };
    return new UnitFusion(cache, symbols, weights, options);
  }
}
