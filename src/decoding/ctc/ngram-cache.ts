import type { NgramModel, NgramState } from '../lm/contract.js';
import { PairIndex, PairMap } from '../pair-map.js';

/** Nothing is less probable than this (log10): an infinite one would be no number once it is weighed by 0. */
const LEAST = -1e4;
/** The context of no words. */
const NO_WORDS = 0;
/** Scores kept at most; beyond it they are looked up again. */
const MAX_SCORES = 1 << 20;

/** An n-gram model whose contexts are numbers, and whose scores are looked up once. */
export class CachedNgram {
  readonly begin: number;
  /** Natural logarithm of the last {@link score}. */
  logProb = 0;
  /** A context is the one without its last word, and that word; numbered from 1. */
  private readonly contexts = new PairIndex();
  private readonly words = new Map<string, number>();
  private readonly scores = new PairMap(4096);
  /** The words of the context that was looked up last: mostly several words are looked up after the same. */
  private last = NO_WORDS;
  private lastWords: NgramState = [];

  constructor(readonly model: NgramModel) {
    this.begin = this.context(model.begin());
  }

  /** Contexts and scores held. */
  get size(): number {
    return this.contexts.size + this.scores.size + this.words.size;
  }

  /** The model's id of a word; 0 for one that it does not know. */
  index(word: string): number {
    let id = this.words.get(word);
    if (id === undefined) {
      id = this.model.index(word);
      this.words.set(word, id);
    }
    return id;
  }

  /** Sets `logProb`; returns the context after the word. */
  score(context: number, word: number): number {
    const { scores } = this;
    if (scores.find(context, word)) {
      this.logProb = scores.real;
      return scores.value;
    }
    const { logProb, state } = this.model.score(this.wordsOf(context), word);
    const next = this.context(state);
    // Of the precision that is kept: a score must not depend on whether it was looked up before.
    this.logProb = Math.fround(Math.max(LEAST, logProb) * Math.LN10);
    if (scores.size >= MAX_SCORES) scores.clear();
    scores.add(context, word, next, this.logProb);
    return next;
  }

  private context(state: NgramState): number {
    let id = NO_WORDS;
    for (const word of state) id = 1 + this.contexts.of(id, word);
    return id;
  }

  private wordsOf(context: number): NgramState {
    if (context === this.last) return this.lastWords;
    const { first, second } = this.contexts;
    const words: number[] = [];
    for (let id = context; id !== NO_WORDS; id = first[id - 1]) words.push(second[id - 1]);
    this.last = context;
    this.lastWords = words.reverse();
    return this.lastWords;
  }
}
