/** Words and phrases that a request favours or avoids, matched on jamo while the search goes on. */
import type { HotWord } from '../contract.js';
import { CachedFusion } from './fusion.js';
import { SPACE } from './symbols.js';
import type { Symbols } from './symbols.js';

/**
 * What a phrase may be worth at most for each of its jamo (or other characters), whatever its weight. Words that are worth more are
 * heard in silence (docs/reference/decoding.md has the figures).
 */
export const MAX_BOOST_PER_JAMO = 1.25;

/** States of which the worth of every token is kept in a row of its own: four bytes a token. Most prefixes are in the first. */
const MAX_ROWS = 256;

interface Node {
  readonly children: Map<number, number>;
  readonly parent: number;
  readonly depth: number;
  /** The node of the longest proper suffix that is a prefix of some phrase. */
  fail: number;
  /** Where the search goes on from here. */
  after: number;
  /** A phrase ends here: its weight. */
  own: number;
  /** Share of the weights of the phrases that lead through here. */
  share: number;
  /** What arriving here is worth: the phrases that end here. */
  credit: number;
  /** Credit of all phrases inside of the prefix that this node stands for. */
  inner: number;
  /** Credit lent while a favoured phrase is under way. */
  lent: number;
  /** Between two words of a phrase: a space may stand here. */
  boundary: boolean;
}

/** Jamo of a phrase, conjoining, one list for each word; Latin letters small. */
function wordsOf(phrase: string): number[][] {
  return phrase
    .normalize('NFC')
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '')
    .map((word) => Array.from(word.normalize('NFD'), (character) => character.codePointAt(0)!));
}

/**
 * An automaton of Aho and Corasick (1975) over conjoining jamo. Every occurrence of a phrase is worth its weight, once:
 * of phrases inside of one another the larger weight counts, not the sum, and an occurrence does not overlap the last
 * one of the same phrase. A positive weight is lent letter by letter, so that the search does not drop a phrase half
 * way; what was lent is taken back when the match fails or the text ends, so it never matters in the end. A negative
 * weight costs nothing until the phrase is complete. Spaces count for nothing between the words of a phrase, and break
 * a match inside of a word.
 *
 * A phrase that ends without a coda also matches where one follows (자리 in 자린): a weight at the end of a word must
 * not delete what follows it, and particles contract onto open syllables.
 */
export class HotWordFusion extends CachedFusion {
  readonly start = 0;
  private readonly nodes: Node[] = [newNode(0, 0)];
  /** What one letter is worth at most. A match that fails first only loses: what was lent is not less than its suffix's. */
  private mostPerLetter = 0;
  private readonly letters = new Map<number, readonly number[]>();
  /** What each token is worth in a state, NaN where nobody has asked. */
  private readonly rows: (Float32Array | undefined)[];
  private rowCount = 0;

  constructor(
    hotWords: readonly HotWord[],
    private readonly symbols: Symbols,
  ) {
    super();
    const weights = new Map<string, number>();
    const phrases = hotWords.map(({ phrase, weight }) => ({ words: wordsOf(phrase), weight }));
    // The same phrase given twice counts once: the later weight.
    for (const { words, weight } of phrases) weights.set(words.flat().join(), weight);
    for (const { words } of phrases) this.add(words, weights.get(words.flat().join())!);
    this.link();
    this.rows = Array.from({ length: this.nodes.length }, () => undefined);
  }

  override isQuick(symbol: number): boolean {
    return symbol < this.symbols.tokens;
  }

  override worth(state: number, symbol: number): number {
    const row = this.rows[state] ?? this.openRow(state);
    if (row === undefined || symbol >= row.length) return super.worth(state, symbol);
    const worth = row[symbol];
    if (!Number.isNaN(worth)) return worth;
    row[symbol] = super.worth(state, symbol);
    return row[symbol];
  }

  bound(symbol: number): number {
    let letters = 0;
    for (const character of this.symbols.of(symbol)) letters += this.lettersOf(character).length;
    return letters * this.mostPerLetter;
  }

  finish(state: number): number {
    return -this.nodes[state].lent;
  }

  protected get states(): number {
    return this.nodes.length;
  }

  protected compute(state: number, symbol: number): number {
    for (const character of this.symbols.of(symbol)) {
      if (character === SPACE) {
        state = this.space(state);
        continue;
      }
      for (const letter of this.lettersOf(character)) state = this.letter(state, letter);
    }
    return state;
  }

  private openRow(state: number): Float32Array | undefined {
    if (this.rowCount === MAX_ROWS) return undefined;
    this.rowCount += 1;
    return (this.rows[state] = new Float32Array(this.symbols.tokens).fill(NaN));
  }

  private letter(state: number, letter: number): number {
    const reached = this.nodes[this.follow(state, letter)];
    this.delta += reached.credit + this.nodes[reached.after].lent - this.nodes[state].lent;
    return reached.after;
  }

  /** The longest suffix that may have a space after it. */
  private space(state: number): number {
    let next = state;
    while (next !== 0 && !this.nodes[next].boundary) next = this.nodes[next].fail;
    this.delta += this.nodes[next].lent - this.nodes[state].lent;
    return next;
  }

  private follow(state: number, letter: number): number {
    for (let from = state; ; from = this.nodes[from].fail) {
      const next = this.nodes[from].children.get(letter);
      if (next !== undefined) return next;
      if (from === 0) return 0;
    }
  }

  private lettersOf(character: number): readonly number[] {
    let letters = this.letters.get(character);
    if (letters === undefined) {
      const text = String.fromCodePoint(character).toLowerCase().normalize('NFD');
      letters = Array.from(text, (letter) => letter.codePointAt(0)!);
      this.letters.set(character, letters);
    }
    return letters;
  }

  private add(words: readonly (readonly number[])[], weight: number): void {
    const length = words.reduce((sum, word) => sum + word.length, 0);
    if (length === 0) return;
    const worth = Math.min(MAX_BOOST_PER_JAMO * length, weight);
    let at = 0;
    words.forEach((word, i) => {
      for (const letter of word) {
        const { children, depth } = this.nodes[at];
        let next = children.get(letter);
        if (next === undefined) {
          next = this.nodes.length;
          this.nodes.push(newNode(at, depth + 1));
          children.set(letter, next);
        }
        at = next;
        const node = this.nodes[at];
        if (node.depth < length) node.share = Math.max(node.share, (worth * node.depth) / length);
      }
      if (i < words.length - 1) this.nodes[at].boundary = true;
    });
    this.nodes[at].own = worth;
  }

  /** Fail links and credits, breadth first: shorter nodes are complete before longer ones look at them. */
  private link(): void {
    const queue = [0];
    for (let i = 0; i < queue.length; i++) {
      const at = queue[i];
      const node = this.nodes[at];
      for (const [letter, child] of node.children) {
        queue.push(child);
        this.nodes[child].fail = at === 0 ? 0 : this.follow(node.fail, letter);
      }
      if (at === 0) continue;
      const shorter = this.nodes[node.fail];
      const before = this.nodes[node.parent].inner + shorter.credit;
      const own = node.own > 0 ? Math.max(0, node.own - Math.max(0, before)) : node.own;
      node.credit = shorter.credit + own;
      node.inner = before + own;
      node.lent = Math.max(0, node.share - Math.max(0, node.inner), shorter.lent);
      node.after = node.own !== 0 && node.children.size === 0 ? this.apart(at) : at;
      const gain = node.credit + this.nodes[node.after].lent - this.nodes[node.parent].lent;
      this.mostPerLetter = Math.max(this.mostPerLetter, gain);
    }
  }

  /** The longest suffix of a complete phrase that is not a prefix of that same phrase. */
  private apart(at: number): number {
    let { fail } = this.nodes[at];
    while (fail !== 0 && this.isPrefix(fail, at)) ({ fail } = this.nodes[fail]);
    return fail;
  }

  private isPrefix(ancestor: number, at: number): boolean {
    let node = at;
    while (this.nodes[node].depth > this.nodes[ancestor].depth) node = this.nodes[node].parent;
    return node === ancestor;
  }
}

function newNode(parent: number, depth: number): Node {
  return {
    children: new Map(),
    parent,
    depth,
    fail: 0,
    after: 0,
    own: 0,
    share: 0,
    credit: 0,
    inner: 0,
    lent: 0,
    boundary: false,
  };
}
