/** Language models over words (어절): scored at the space that ends them. */
import { composeJamo } from '../jamo.js';
import { CachedFusion } from './fusion.js';
import type { LanguageModelWeights } from './language-model.js';
import type { CachedNgram } from './ngram-cache.js';
import { PairIndex } from '../pair-map.js';
import { SPACE } from './symbols.js';
import type { Symbols } from './symbols.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * A word is scored when a space or the end of the text completes it: alpha times the n-gram's logarithm, plus beta, plus
 * a penalty when the model does not know it. Until then it is charged what the most probable word that begins like it
 * costs by itself (look-ahead of Ortmanns et al. 1997 with unigrams), or the penalty as soon as no word does; what was
 * charged is given back when the word is complete, so the look-ahead steers the pruning and nothing else. A model that
 * cannot list its words has no look-ahead. Hot words, also with endings, are never charged the penalty.
 */
export class WordFusion extends CachedFusion {
  readonly start: number;
  private readonly contexts = new PairIndex();
  /** Words under way: the letters before, and the last one. 0 is no letter. */
  private readonly prefixes = new PairIndex();
  private readonly texts: string[] = [''];
  /** What was charged for a word under way. */
  private readonly charged: number[] = [0];
  private readonly endOfSentence: number;
  private readonly hotWords: readonly string[];

  constructor(
    private readonly ngram: CachedNgram,
    private readonly symbols: Symbols,
    private readonly weights: LanguageModelWeights,
    private readonly vocabulary: Vocabulary | undefined,
    hotWords: readonly string[],
  ) {
    super();
    this.prefixes.of(0, 0);
    this.endOfSentence = ngram.index('</s>');
    this.hotWords = hotWords.flatMap((phrase) => phrase.normalize('NFD').split(/\s+/u)).filter(Boolean);
    this.start = this.contexts.of(ngram.begin, 0);
  }

  /** Letters only add to the charge. */
  bound(symbol: number): number {
    return this.weights.alpha < 0 || this.symbols.of(symbol).includes(SPACE) ? Infinity : 0;
  }

  finish(state: number): number {
    this.delta = 0;
    const context = this.close(this.contexts.first[state], this.contexts.second[state]);
    if (this.endOfSentence === 0) return this.delta;
    this.ngram.score(context, this.endOfSentence);
    return this.delta + this.weights.alpha * this.ngram.logProb;
  }

  protected get states(): number {
    // Their texts weigh more than the pairs do.
    return this.contexts.size + 3 * this.texts.length;
  }

  protected compute(state: number, symbol: number): number {
    let context = this.contexts.first[state];
    let prefix = this.contexts.second[state];
    for (const character of this.symbols.of(symbol)) {
      if (character === SPACE) {
        context = this.close(context, prefix);
        prefix = 0;
        continue;
      }
      const longer = this.extend(prefix, character);
      this.delta += this.charged[longer] - this.charged[prefix];
      prefix = longer;
    }
    return this.contexts.of(context, prefix);
  }

  /** Scores a word that is complete. Nothing where there is none. */
  private close(context: number, prefix: number): number {
    const word = composeJamo(this.texts[prefix], 'drop');
    this.delta -= this.charged[prefix];
    if (word === '') return context;
    const { alpha, beta, unknown } = this.weights;
    const id = this.ngram.index(word);
    const next = this.ngram.score(context, id);
    this.delta += alpha * this.ngram.logProb + beta;
    if (id === 0 && !this.isHot(word.normalize('NFD'))) this.delta += unknown;
    return next;
  }

  private extend(prefix: number, character: number): number {
    const { size } = this.prefixes;
    const longer = this.prefixes.of(prefix, character);
    if (longer === size) {
      this.texts.push(this.texts[prefix] + String.fromCodePoint(character));
      const charge = this.lookAhead(this.texts[longer].normalize('NFD'));
      this.charged.push(Math.min(this.charged[prefix], charge));
    }
    return longer;
  }

  private lookAhead(text: string): number {
    if (this.vocabulary === undefined) return 0;
    const best = this.vocabulary.best(text);
    if (best !== undefined) return this.weights.alpha * best;
    const hot = this.isHot(text) || this.hotWords.some((word) => word.startsWith(text));
    return hot ? 0 : this.weights.unknown;
  }

  private isHot(text: string): boolean {
    return this.hotWords.some((word) => text.startsWith(word));
  }
}
