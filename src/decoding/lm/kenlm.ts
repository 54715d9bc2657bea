import { invalid } from './bytes.js';
import type { ByteReader, NgramModel, NgramScore, NgramState } from './contract.js';
import { readKenlmHeader } from './kenlm-header.js';
import type { KenlmHeader } from './kenlm-header.js';
import { ProbingSearch } from './kenlm-probing.js';
import { newCursor } from './kenlm-search.js';
import type { NgramSearch } from './kenlm-search.js';
import { TrieSearch } from './kenlm-trie.js';
import { HashedVocabulary, SortedVocabulary } from './kenlm-vocabulary.js';
import type { Vocabulary } from './kenlm-vocabulary.js';

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8');
const MAX_WORD_BYTES = 1024;

/**
 * A language model in KenLM's binary format, read where it lies: nothing is loaded, every query reads the bytes that it
 * needs. Scores are KenLM's own, with its float32 sums. Beyond what the constructor checks a damaged file is found when
 * a query meets the damage (MalgwiError manifest_invalid); no query runs long or allocates much whatever the file says.
 */
export class KenlmModel implements NgramModel {
  readonly header: KenlmHeader;
  readonly order: number;
  readonly size: number;
  /** First byte after the model's data structures, where a `.scorer` goes on. */
  readonly end: number;
  private readonly vocabulary: Vocabulary;
  private readonly search: NgramSearch;
  private readonly cursor = newCursor();
  private readonly start: NgramState;
  private readonly reader: ByteReader;
  /** Back-off weights of `state`, of its last word, its last two ... : a search asks for many words after the same state. */
  private readonly backoffs: Float64Array;
  private backoffCount = 0;
  private state: NgramState | undefined;

  /** @throws MalgwiError manifest_invalid for what is no KenLM file, or is damaged or too short for what it announces */
  constructor(reader: ByteReader) {
    const header = readKenlmHeader(reader);
    this.header = header;
    this.reader = reader;
    this.order = header.order;
    this.backoffs = new Float64Array(header.order);
    const hashed = header.layout === 'probing' || header.layout === 'rest-probing';
    this.vocabulary = hashed ? new HashedVocabulary(reader, header) : new SortedVocabulary(reader, header);
    this.size = this.vocabulary.size;
    const { end } = this.vocabulary;
    this.search = hashed ? new ProbingSearch(reader, header, end) : new TrieSearch(reader, header, end);
    this.end = this.search.end;
    this.start = [this.index('<s>')];
  }

  index(word: string): number {
    return this.vocabulary.index(utf8.encode(word));
  }

  /** The words in the order of their ids, where the file lists them; nothing where it does not. */
  *words(): Generator<string> {
    const { reader } = this;
    if (!this.header.hasVocabulary) return;
    let from = this.end;
    for (let id = 0; id < this.size && from < reader.length; id++) {
      const piece = reader.bytes(from, Math.min(MAX_WORD_BYTES, reader.length - from));
      const length = piece.indexOf(0);
      if (length < 0) invalid('a word in it does not end');
      yield text.decode(piece.subarray(0, length));
      from += length + 1;
    }
  }

  /** @param word what need not be whole characters in UTF-8 */
  indexBytes(word: Uint8Array): number {
    return this.vocabulary.index(word);
  }

  begin(): NgramState {
    return this.start;
  }

  empty(): NgramState {
    return [];
  }

  score(state: NgramState, word: number): NgramScore {
    const { cursor, search } = this;
    const id = word > 0 && word < this.size ? word : 0;
    search.unigram(id, cursor);
    let prob = cursor.prob;
    let length = 1; // of the longest n-gram found that ends with the word
    let keep = hasExtension(cursor.backoff) ? 1 : 0; // of its words may be the beginning of another n-gram
    const context = state.length;
    for (; length <= context && !cursor.leftmost; length++) {
      const before = state[context - length];
      if (length + 1 === this.order) {
        if (search.longest(before, cursor)) {
          prob = cursor.prob;
          length++;
        }
        break;
      }
      if (!search.extend(length + 1, before, cursor)) break;
      prob = cursor.prob;
      if (hasExtension(cursor.backoff)) keep = length + 1;
    }
    const logProb = length <= context ? this.addBackoffs(state, length, prob) : prob;
    if (Number.isNaN(logProb) || logProb === Infinity) invalid('a probability in it is not a number');
    const words = [...state.slice(context - Math.max(0, keep - 1)), id];
    return { logProb, state: keep === 0 ? [] : words, unknown: id === 0 };
  }

  /** Back-off weights of the contexts of `from` words and more, the shortest first. */
  private addBackoffs(state: NgramState, from: number, prob: number): number {
    if (state !== this.state) this.readBackoffs(state);
    let sum = prob;
    for (let n = from; n <= this.backoffCount; n++) sum = Math.fround(sum + this.backoffs[n - 1]);
    return sum;
  }

  private readBackoffs(state: NgramState): void {
    const { cursor, search, backoffs } = this;
    this.state = undefined;
    search.unigram(state[state.length - 1], cursor);
    backoffs[0] = cursor.backoff;
    let n = 2;
    for (; n <= state.length && !cursor.leftmost; n++) {
      if (!search.extend(n, state[state.length - n], cursor)) break;
      backoffs[n - 1] = cursor.backoff;
    }
    this.backoffCount = n - 1;
    this.state = state;
  }
}

/** -0 marks a context that no n-gram begins with, and that has no weight either. */
function hasExtension(backoff: number): boolean {
  return !Object.is(backoff, -0);
}
