/** The lexicon as one trie over sound symbols, searched exactly and within a bound of weighted edits. */
import { gapCost, SYMBOLS, substitutionCost, toSound } from './sound.js';

/** What a form stands for. `cls` is its place in the grammar of neighbours, `sense` what the interpreter reads. */
export interface Entry {
  readonly cls: number;
  readonly sense: string;
  readonly value?: number;
  /** Extra cost of believing this reading. */
  readonly cost: number;
  /** Initial and medial of the first syllable as spelled: tells homophones (내, 네) apart. -1 where there is none. */
  readonly first: number;
  /** A syllable of the form that must stand so in the text (한대, 한데). */
  readonly tail?: string;
  /** The whole first syllable, where the spelling tells apart what sounds alike (셋이, 세 시). */
  readonly spelled?: number;
  /** Only where a word begins and is spelled like this, without a space: what merely sounds so is something else. */
  readonly form?: string;
  /** Numbers and units: they stand where only such may stand, so that even short ones may be heard badly. */
  readonly loose?: boolean;
  /** Whether edits are allowed: never for forms as short as particles. */
  readonly fuzzy: boolean;
}

/** An entry found from one position: where it ends, and what its edits cost. */
export type OnMatch = (entry: Entry, end: number, edits: number) => void;

const SLOPE = 0.2;
const OFFSET = 0.12;
/** Short forms are near everything: less may differ. */
const SHORT = 5;
const SHORT_SLOPE = 0.15;
const MAX_EDITS = 2;
const MAX_VISITS = 15_000;

export class Trie {
  private children: Int32Array = new Int32Array(SYMBOLS * 4096);
  private firstChild: Int32Array = new Int32Array(0);
  private nextSibling: Int32Array = new Int32Array(0);
  private symbolOfNode: Uint8Array = new Uint8Array(0);
  private readonly payload: (Entry[] | undefined)[] = [undefined];
  /** Longest form below each node that may be reached with edits; 0 where none. */
  private fuzzyBelow: Uint8Array = new Uint8Array(0);
  private size = 1;
  private visits = 0;

  /** Adds a form; the same entry may have several. Forms without a sound are left out. */
  add(form: string, entry: Entry): void {
    const { symbols, length } = toSound(form);
    if (length === 0) return;
    let node = 0;
    for (let i = 0; i < length; i++) {
      const slot = node * SYMBOLS + symbols[i];
      if (this.children[slot] === 0) {
        if ((this.size + 1) * SYMBOLS > this.children.length) {
          const larger = new Int32Array(this.children.length * 2);
          larger.set(this.children);
          this.children = larger;
        }
        this.children[slot] = this.size;
        this.payload.push(undefined);
        this.size++;
      }
      node = this.children[slot];
    }
    const list = (this.payload[node] ??= []);
    if (
      !list.some(
        (known) =>
          known.cls === entry.cls &&
          known.sense === entry.sense &&
          known.value === entry.value &&
          known.form === entry.form,
      )
    ) {
      list.push(entry);
    }
  }

  /** To be called once after the last {@link add}. */
  seal(): void {
    this.firstChild = new Int32Array(this.size);
    this.nextSibling = new Int32Array(this.size);
    this.symbolOfNode = new Uint8Array(this.size);
    this.fuzzyBelow = new Uint8Array(this.size);
    for (let node = this.size - 1; node >= 0; node--) {
      let fuzzy = this.payload[node]?.some((entry) => entry.fuzzy) === true ? 1 : 0;
      for (let symbol = SYMBOLS - 1; symbol > 0; symbol--) {
        const child = this.children[node * SYMBOLS + symbol];
        if (child === 0) continue;
        this.symbolOfNode[child] = symbol;
        this.nextSibling[child] = this.firstChild[node];
        this.firstChild[node] = child;
        if (this.fuzzyBelow[child] === 1) fuzzy = 1;
      }
      this.fuzzyBelow[node] = fuzzy;
    }
  }

  get nodes(): number {
    return this.size;
  }

  /** Every form that stands exactly at `start`. */
  exact(symbols: Uint8Array, start: number, onMatch: OnMatch): void {
    let node = 0;
    for (let i = start; i < symbols.length; i++) {
      node = this.children[node * SYMBOLS + symbols[i]];
      if (node === 0) return;
      const entries = this.payload[node];
      if (entries !== undefined) for (const entry of entries) onMatch(entry, i + 1, 0);
    }
  }

  /** To be called before the first {@link fuzzy} of an utterance: renews the bound on the work spent on it. */
  reset(): void {
    this.visits = 0;
  }

  /**
   * Every form that stands at `start` within {@link SLOPE} edits per symbol. The bound grows with what was matched, so
   * that a form has to begin well; the work for one utterance is bounded, beyond it only exact matches are found.
   */
  fuzzy(symbols: Uint8Array, start: number, onMatch: OnMatch): void {
    this.descend(symbols, 0, start, start, 0, 0, 0, onMatch);
  }

  private descend(
    symbols: Uint8Array,
    node: number,
    start: number,
    at: number,
    depth: number,
    edits: number,
    gap: number,
    onMatch: OnMatch,
  ): void {
    if (++this.visits > MAX_VISITS) return;
    if (edits > 0) {
      const entries = this.payload[node];
      const bound = depth * SLOPE + OFFSET;
      const strict = depth <= SHORT ? depth * SHORT_SLOPE : bound;
      if (entries !== undefined && edits <= bound) {
        for (const entry of entries)
          if (entry.fuzzy && (entry.loose === true || edits <= strict)) onMatch(entry, at, edits);
      }
    }
    const bound = Math.min(MAX_EDITS, (depth + 2) * SLOPE + OFFSET);
    const symbol = at < symbols.length ? symbols[at] : 0;
    const previous = node === 0 ? 0 : this.symbolOfNode[node];
    for (let child = this.firstChild[node]; child !== 0; child = this.nextSibling[child]) {
      if (this.fuzzyBelow[child] === 0) continue;
      const wanted = this.symbolOfNode[child];
      if (symbol !== 0) {
        const cost = edits + substitutionCost(wanted, symbol);
        if (cost <= bound) this.descend(symbols, child, start, at + 1, depth + 1, cost, 0, onMatch);
      }
      if (gap !== 2) {
        const cost = edits + gapCost(wanted, previous);
        if (cost <= bound && depth > 0) this.descend(symbols, child, start, at, depth + 1, cost, 1, onMatch);
      }
    }
    // One symbol too many, inside a form only.
    if (symbol !== 0 && depth > 0 && gap !== 1) {
      const cost = edits + gapCost(symbol, at > start ? symbols[at - 1] : 0);
      if (cost <= bound) this.descend(symbols, node, start, at + 1, depth, cost, 2, onMatch);
    }
  }
}
