import type { NgramModel } from '../lm/contract.js';

/** Words beyond this are not looked ahead to: each takes some 60 bytes. */
const MAX_WORDS = 400_000;
/** Prefixes remembered at most; they are started anew then. */
const MAX_PREFIXES = 100_000;

/** A model that can list its words. */
export interface Listing {
  words(): Iterable<string>;
}

function lists(model: NgramModel): model is NgramModel & Listing {
  return 'words' in model && typeof model.words === 'function';
}

interface Prefix {
  /** The words that begin with it: a range of the sorted list. */
  readonly from: number;
  readonly to: number;
  /** Natural logarithm of the most probable of them. */
  readonly best: number;
}

/** The words of a language model by their beginnings, so that a word that is not complete can be judged. */
export class Vocabulary {
  private prefixes = new Map<string, Prefix | undefined>();

  private constructor(
    /** Words taken apart into jamo, sorted. */
    private readonly words: readonly string[],
    private readonly scores: Float32Array,
  ) {}

  /** undefined for a model that cannot list its words, or has too many of them. */
  static of(model: NgramModel): Vocabulary | undefined {
    if (!lists(model) || model.size > MAX_WORDS) return undefined;
    const empty = model.empty();
    const entries: { readonly word: string; readonly score: number }[] = [];
    for (const word of model.words()) {
      if (/^<.+>$/.test(word)) continue;
      const score = model.score(empty, model.index(word)).logProb * Math.LN10;
      entries.push({ word: word.normalize('NFD'), score });
    }
    if (entries.length === 0) return undefined;
    entries.sort((a, b) => (a.word < b.word ? -1 : 1));
    return new Vocabulary(
      entries.map(({ word }) => word),
      Float32Array.from(entries, ({ score }) => score),
    );
  }

  /** Natural logarithm of the most probable word that begins so, by itself; undefined when none does. */
  best(prefix: string): number | undefined {
    return this.find(prefix.normalize('NFD'))?.best;
  }

  private find(prefix: string): Prefix | undefined {
    if (this.prefixes.has(prefix)) return this.prefixes.get(prefix);
    // From the next shorter prefix that is known, so that the range to look at is short.
    const shorter = this.prefixes.get(prefix.slice(0, -1)) ?? { from: 0, to: this.words.length };
    const from = this.search(prefix, shorter.from, shorter.to);
    const to = this.search(`${prefix}\uFFFF`, from, shorter.to);
    const found =
      from < to
        ? { from, to, best: this.scores.subarray(from, to).reduce((a, b) => Math.max(a, b)) }
        : undefined;
    if (this.prefixes.size >= MAX_PREFIXES) this.prefixes = new Map();
    this.prefixes.set(prefix, found);
    return found;
  }

  /** The first word not before `key`. */
  private search(key: string, low: number, high: number): number {
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.words[middle] < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
