/**
 * Where a search stands in the reversed n-grams of KenLM: after a word w it is at the unigram w; each step of `extend`
 * goes to the n-gram that has one more word in front. The two numbers are the layout's own. Reused, never shared.
 */
export interface Cursor {
  /** Trie: first entry of the next order below this n-gram. Hash tables: high half of the n-gram's key. */
  a: number;
  /** Trie: end of that range. Hash tables: low half of the key. */
  b: number;
  /** log10, float32 */
  prob: number;
  /** log10, float32; -0 says that no longer n-gram begins with this one. */
  backoff: number;
  /** No longer n-gram ends with this one: there is no use in looking. */
  leftmost: boolean;
}

/** The n-grams of one layout. */
export interface NgramSearch {
  /** First byte after the data structure. */
  readonly end: number;
  unigram(word: number, cursor: Cursor): void;
  /** From an (n-1)-gram to the n-gram with `word` in front, 2 <= n < order. False: there is none, the cursor is spoilt. */
  extend(n: number, word: number, cursor: Cursor): boolean;
  /** The same to the highest order; sets `prob` alone. */
  longest(word: number, cursor: Cursor): boolean;
}

export function newCursor(): Cursor {
  return { a: 0, b: 0, prob: 0, backoff: 0, leftmost: true };
}
