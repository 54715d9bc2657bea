import { invalid } from './bytes.js';
import type { ByteReader } from './contract.js';
import type { KenlmHeader } from './kenlm-header.js';
import type { Cursor, NgramSearch } from './kenlm-search.js';
import { HashTable } from './kenlm-vocabulary.js';
import { U64 } from './u64.js';

/**
 * n-grams in one hash table for each order: unigrams {f32 prob, f32 backoff} by id, middles {u64 key, f32 prob, f32
 * backoff}, the longest {u64 key, f32 prob}. With rest costs, which are not read, unigrams and middles have one more
 * float. The sign bit of a probability says whether a longer n-gram ends with this one.
 */
export class ProbingSearch implements NgramSearch {
  readonly end: number;
  private readonly middles: HashTable[] = [];
  private readonly last: HashTable;
  private readonly key = new U64();
  private readonly word = new U64();
  private readonly weights: number;
  private readonly words: number;

  constructor(
    private readonly reader: ByteReader,
    header: KenlmHeader,
    private readonly start: number,
  ) {
    const { counts, order, probingMultiplier: multiplier } = header;
    this.words = counts[0] + 1;
    this.weights = header.layout === 'rest-probing' ? 12 : 8;
    let at = start + this.words * this.weights;
    for (let n = 2; n < order; n++) {
      const middle = new HashTable(reader, at, counts[n - 1], multiplier, 8 + this.weights);
      this.middles.push(middle);
      at = middle.end;
    }
    this.last = new HashTable(reader, at, counts[order - 1], multiplier, 12);
    this.end = this.last.end;
    if (this.end > reader.length) invalid('it is shorter than its header says');
  }

  unigram(word: number, cursor: Cursor): void {
    if (word >= this.words) invalid('a word in it has an id beyond its vocabulary');
    cursor.a = 0;
    cursor.b = word;
    this.read(this.start + word * this.weights, cursor);
  }

  extend(n: number, word: number, cursor: Cursor): boolean {
    const at = this.middles[n - 2].find(this.combine(word, cursor));
    if (at < 0) return false;
    cursor.a = this.key.high;
    cursor.b = this.key.low;
    this.read(at, cursor);
    return true;
  }

  longest(word: number, cursor: Cursor): boolean {
    const at = this.last.find(this.combine(word, cursor));
    if (at < 0) return false;
    cursor.prob = -Math.abs(this.reader.f32(at));
    return true;
  }

  private read(at: number, cursor: Cursor): void {
    const prob = this.reader.f32(at);
    cursor.leftmost = prob < 0 || Object.is(prob, -0);
    cursor.prob = -Math.abs(prob);
    cursor.backoff = this.reader.f32(at + 4);
  }

  /** key * 8978948897894561157 ^ (1 + word) * 17894857484156487943 */
  private combine(word: number, cursor: Cursor): U64 {
    const { key } = this;
    key.set(cursor.a, cursor.b);
    key.multiply(0x7c9ba273, 0x3b63f585);
    this.word.set(0, word + 1);
    this.word.multiply(0xf8574e12, 0x21634907);
    key.xor(this.word.high, this.word.low);
    return key;
  }
}
