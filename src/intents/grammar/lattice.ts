/**
 * The cheapest way to read a row of sounds as a sequence of lexicon entries: Viterbi over a lattice whose neighbours
 * cost what the grammar of neighbours says. What no entry covers becomes `unknown`, at a price per symbol.
 */
import { Class, CLASSES, ENDING_TRIES, EVERYDAY, LEXICON } from './lexicon.js';
import { DASH, LETTER, NUMBER, OTHER, type Sound } from './sound.js';
import type { Entry } from './trie.js';

export interface Token {
  readonly cls: number;
  readonly sense: string;
  readonly value: number | undefined;
  /** Digits of Arabic numbers, letters of Latin ones. */
  readonly text: string | undefined;
  /** Symbol indices, end exclusive. */
  readonly start: number;
  readonly end: number;
  /** Cost of the edits alone. */
  readonly edits: number;
}

export interface Reading {
  readonly tokens: readonly Token[];
  readonly cost: number;
  /** Symbols no entry covers. */
  readonly unknown: number;
}

const TOKEN_COST = 0.6;
const UNKNOWN_PER_SYMBOL = 0.95;
const UNKNOWN_OPEN = 1.1;
const EDIT_WEIGHT = 1.3;
/** A number heard wrong is another number. */
const NUMBER_EDIT_WEIGHT = 2;

const NEIGHBOURS = new Float32Array(CLASSES * CLASSES);
const FINAL = new Float32Array(CLASSES);
{
  const { begin, noun, number, unit, letter, particle, stem, eu, a, ending, adverb, unknown } = Class;
  const set = (from: readonly number[], to: readonly number[], cost: number): void => {
    for (const f of from) for (const t of to) NEIGHBOURS[f * CLASSES + t] = cost;
  };
  const everything = Array.from({ length: CLASSES }, (_, index) => index);
  const bases = [stem, eu, a];
  set(everything, [unit], 4);
  set([number], [unit], 0);
  set([letter], [unit], 0);
  set(everything, [particle], 1.6);
  set([noun, unit, letter], [particle], 0);
  set([number], [particle], 0.5);
  set([unknown, adverb], [particle], 0.4);
  set([particle], [particle], 0.4);
  set([ending], [particle], 0.9);
  set([number], [noun], 0.35);
  set([number], [number], 0.35);
  set([number], [letter], 0.3);
  set([number], bases, 0.5);
  set([number], [adverb], 0.6);
  set([letter], everything, 1.6);
  set([letter], [number], 0);
  set([letter], [unit], 0);
  set([letter], [noun], 0.4);
  set([letter], [particle], 1.2);
  set([a], [noun, number, letter, adverb, stem, eu, a], 0.35);
  set([unknown], [number, letter], 0.9);
  set([noun], [letter], 0.3);
  // A stem without its ending is no word; only the ending tries may follow.
  set([stem, eu], everything, 99);
  set(bases, [ending], 0);
  FINAL[stem] = 99;
  FINAL[eu] = 99;
  FINAL[number] = 0.5;
  FINAL[letter] = 1;
  void begin;
}

/** No neighbours cost less than nothing by more than this. */
const DISCOUNT = 0.9;

interface Edge extends Token {
  readonly cost: number;
}

/** Bases by which the endings of one class of verb are looked up. */
const BASES = [Class.stem, Class.eu, Class.a] as const;

class Lattice {
  private readonly size: number;
  private readonly best: Float64Array;
  private readonly from: Int32Array;
  private readonly via: (Edge | undefined)[];
  /** Cheapest way to where a word may begin now. */
  private open = Infinity;

  constructor(
    private readonly sound: Sound,
    private readonly text: string,
    /** Where words may be heard with edits; undefined: nowhere. */
    private readonly fuzzy: Uint8Array | undefined,
  ) {
    this.size = sound.length;
    this.best = new Float64Array((this.size + 1) * CLASSES).fill(Infinity);
    this.from = new Int32Array((this.size + 1) * CLASSES).fill(-1);
    this.via = new Array<Edge | undefined>((this.size + 1) * CLASSES);
    this.best[Class.begin] = 0;
  }

  run(): Reading {
    LEXICON.reset();
    for (const base of BASES) ENDING_TRIES[base].reset();
    for (let at = 0; at < this.size; at++) {
      let open = Infinity;
      for (let cls = 0; cls < CLASSES; cls++) {
        if (cls !== Class.stem && cls !== Class.eu) open = Math.min(open, this.best[at * CLASSES + cls]);
      }
      for (const base of BASES) {
        if (this.best[at * CLASSES + base] < Infinity) this.endings(at, base);
      }
      this.open = open;
      if (open < Infinity) this.words(at);
    }
    return this.trace();
  }

  private relax(edge: Edge, only?: number): void {
    const target = edge.end * CLASSES + edge.cls;
    if (only === undefined && this.open + edge.cost - DISCOUNT >= this.best[target]) return;
    for (let cls = 0; cls < CLASSES; cls++) {
      if (only !== undefined && cls !== only) continue;
      const source = edge.start * CLASSES + cls;
      const before = this.best[source];
      if (before === Infinity) continue;
      let cost = before + edge.cost + NEIGHBOURS[cls * CLASSES + edge.cls];
      // A letter names a row (A열), nothing else that is counted.
      if (cls === Class.letter && edge.cls === Class.unit && edge.sense !== 'ROW') cost += 1.2;
      // 육 씨로: a letter that ends a seat's name may be a goal.
      if (cls === Class.letter && edge.sense === 'TO' && this.via[source]?.sense !== 'E') cost -= 0.9;
      // 삼월 삼 일 자리: behind a number 일 is its unit; 열 시간 is no row.
      // 자리가 있어: 가 is no verb where no word begins.
      if (
        edge.sense === 'GO' &&
        edge.cls === Class.a &&
        cls === Class.noun &&
        this.sound.starts[edge.start] !== 2
      )
        cost += 1;
      if (edge.sense === 'JOB' && cls === Class.number) cost += 1.5;
      if (edge.sense === 'CALLED' && cls === Class.number) cost += 1.2;
      if (edge.sense === 'TIMEWORD' && cls === Class.unit) cost += 0.8;
      if (cost < this.best[target]) {
        this.best[target] = cost;
        this.from[target] = source;
        this.via[target] = edge;
      }
    }
  }

  private edge(entry: Entry, start: number, end: number, edits: number): Edge {
    const { starts } = this.sound;
    let cost =
      TOKEN_COST + entry.cost + edits * (entry.cls === Class.number ? NUMBER_EDIT_WEIGHT : EDIT_WEIGHT);
    const attached = entry.cls === Class.particle || entry.cls === Class.ending || entry.cls === Class.unit;
    // An everyday word is a whole one.
    if (entry.sense === 'WORD') {
      if (starts[start] === 0) cost += 2;
      if (end < this.size && starts[end] === 0) cost += 2;
    }
    if (starts[start] === 2)
      cost += attached ? (entry.cls === Class.unit ? 0 : edits > 0.3 ? 0.85 : 0.35) : -0.1;
    else if (starts[start] === 0 && !attached) cost += entry.sense === 'DO' ? 0.1 : 0.7;
    else if (starts[start] === 0 && entry.cls === Class.unit) cost += 0.4;
    // 배탈이 나서: neither a particle with a space in it nor a verb inside a word is likely.
    if (entry.cls === Class.particle) for (let i = start + 1; i < end; i++) if (starts[i] === 2) cost += 0.7;
    if (entry.sense === 'FOREIGN' && entry.cls >= Class.stem && entry.cls <= Class.a && starts[start] !== 2)
      cost += 0.4;
    // Words end where syllables end, save for liaison and verbs cut before their ending.
    if (
      end < this.size &&
      starts[end] === 0 &&
      entry.cls !== Class.stem &&
      entry.cls !== Class.eu &&
      entry.cls !== Class.a
    ) {
      cost += entry.cls === Class.number ? 0.6 : 0.25;
    }
    // A syllable behind a space seldom gives its first consonant to the word before it (다 비 is no 답 이).
    if (end < this.size && starts[end] === 0 && entry.cls !== Class.stem && this.bridges(start, end))
      cost += 0.8;
    // 내 자리 is mine, 네 자리 are four: the spelling decides between what sounds alike.
    if (entry.first >= 0 && starts[start] !== 0 && this.firstAt(start) !== entry.first) cost += 0.3;
    if (
      entry.tail !== undefined &&
      !this.text.slice(this.sound.source[start], this.sound.source[end - 1] + 1).includes(entry.tail)
    )
      cost += 0.6;
    if (entry.spelled !== undefined && this.text.charCodeAt(this.sound.source[start]) !== entry.spelled)
      cost += 2;
    // A word heard wrong and across a space at once is hardly that word.
    const crossing =
      edits > 0.3
        ? entry.cls === Class.number
          ? 2.5
          : edits > 1
            ? 1.6
            : 1.1
        : entry.sense === 'FOREIGN'
          ? 0.5
          : entry.cls !== Class.number
            ? 0
            : entry.sense === 'sino'
              ? 0.25
              : 0.8;
    if (crossing > 0) {
      for (let i = start + 1; i < end; i++) if (starts[i] === 2) cost += crossing;
    }
    return {
      cls: entry.cls,
      sense: entry.sense,
      value: entry.value,
      text: undefined,
      start,
      end,
      edits,
      cost,
    };
  }

  /** Whether a span begins a word, with that initial and vowel, and, where a form is given, is that form whole. */
  private spells(form: string, first: number, start: number, end: number): boolean {
    const { starts, source } = this.sound;
    if (starts[start] !== 2) return false;
    if (form === '') return this.firstAt(start) === first;
    if (end < this.size && starts[end] === 0) return false;
    return this.text.startsWith(form, source[start]);
  }

  /** Whether a span ends inside a syllable that a space separates from the span's beginning. */
  private bridges(start: number, end: number): boolean {
    let at = end - 1;
    while (at > start && this.sound.starts[at] === 0) at--;
    return at > start && this.sound.starts[at] === 2;
  }

  /** Initial and medial of the syllable a symbol came from. */
  private firstAt(at: number): number {
    const code = this.text.charCodeAt(this.sound.source[at]) - 0xac00;
    return code >= 0 && code < 11_172 ? Math.floor(code / 28) : -1;
  }

  private words(at: number): void {
    const { symbols, starts } = this.sound;
    const symbol = symbols[at];
    const base = { start: at, end: at + 1, edits: 0, value: undefined, text: undefined };
    if (symbol === NUMBER) {
      const text = this.sound.numbers.get(at) ?? '';
      this.relax({ ...base, cls: Class.number, sense: 'arabic', value: Number(text), text, cost: 0.3 });
      return;
    }
    if (symbol === LETTER) {
      this.relax({ ...base, cls: Class.letter, sense: this.sound.letters.get(at) ?? '', cost: 0.3 });
      return;
    }
    if (symbol === DASH || symbol === OTHER) {
      this.relax({
        ...base,
        cls: symbol === DASH ? Class.particle : Class.unknown,
        sense: symbol === DASH ? 'DASH' : 'OTHER',
        cost: 0.3,
      });
      return;
    }
    const found = (entry: Entry, end: number, edits: number): void => {
      if (entry.form !== undefined && !this.spells(entry.form, entry.first, at, end)) return;
      this.relax(this.edge(entry, at, end, edits));
    };
    LEXICON.exact(symbols, at, found);
    if (starts[at] === 2) EVERYDAY.exact(symbols, at, found);
    if (this.fuzzy?.[at] === 1 && starts[at] !== 0) LEXICON.fuzzy(symbols, at, found);
    this.unknown(at);
  }

  private endings(at: number, base: number): void {
    const found = (entry: Entry, end: number, edits: number): void =>
      this.relax(this.edge(entry, at, end, edits), base);
    ENDING_TRIES[base].exact(this.sound.symbols, at, found);
    if (this.fuzzy?.[at] === 1 && this.sound.starts[at] !== 2)
      ENDING_TRIES[base].fuzzy(this.sound.symbols, at, found);
  }

  /** One more symbol that nobody knows; runs of them become one token. */
  private unknown(at: number): void {
    const source = at * CLASSES + Class.unknown;
    const edge: Edge = {
      cls: Class.unknown, sense: 'UNKNOWN', value: undefined, text: undefined, start: at, end: at + 1, edits: 0, cost: UNKNOWN_PER_SYMBOL,
    }; // prettier-ignore
    const opened: Edge = { ...edge, cost: UNKNOWN_PER_SYMBOL + UNKNOWN_OPEN };
    for (let cls = 0; cls < CLASSES; cls++) if (cls !== Class.unknown) this.relax(opened, cls);
    if (this.best[source] < Infinity) this.relax(edge, Class.unknown);
  }

  private trace(): Reading {
    let last = -1;
    let cost = Infinity;
    for (let cls = 0; cls < CLASSES; cls++) {
      const total = this.best[this.size * CLASSES + cls] + FINAL[cls];
      if (total < cost) {
        cost = total;
        last = this.size * CLASSES + cls;
      }
    }
    const tokens: Token[] = [];
    let unknown = 0;
    while (last >= 0 && this.via[last] !== undefined) {
      const { cls, sense, value, text, start, end, edits } = this.via[last] as Edge;
      const next = tokens.at(-1);
      if (cls === Class.unknown) unknown += end - start;
      if (cls === Class.unknown && next?.cls === Class.unknown && next.start === end) {
        tokens[tokens.length - 1] = { ...next, start };
      } else {
        tokens.push({ cls, sense, value, text, start, end, edits });
      }
      last = this.from[last];
    }
    return { tokens: tokens.reverse(), cost, unknown };
  }
}

/** Above this cost per symbol an exact reading is worth a second one that allows edits. */
const SUSPICIOUS = 0.34;

/** Words of so few symbols may be scraps of one that was heard wrong. */
const SCRAP = 3;
const SURE = new Set(['RESERVE', 'CANCEL', 'RETURN', 'EXTEND', 'SEAT']);

/** Where an exact reading may be wrong: unknown symbols, words from elsewhere, scraps, and the words beside them. */
function doubtful(tokens: readonly Token[], length: number): Uint8Array {
  const mask = new Uint8Array(length);
  const doubts = tokens.map(
    ({ cls, sense, start, end }) =>
      cls === Class.unknown ||
      sense === 'FOREIGN' ||
      sense === 'WORD' ||
      (end - start <= SCRAP && !SURE.has(sense)),
  );
  tokens.forEach((token, at) => {
    if (doubts[at] || doubts[at - 1] || doubts[at + 1]) mask.fill(1, token.start, token.end);
  });
  return mask;
}

/** The best reading of a row of sounds: exact where that reads well, with edits otherwise. */
export function readSound(sound: Sound, text: string): Reading {
  if (sound.length === 0) return { tokens: [], cost: 0, unknown: 0 };
  const exact = new Lattice(sound, text, undefined).run();
  const elsewhere = exact.tokens.some((token) => token.sense === 'FOREIGN');
  if (exact.unknown === 0 && !elsewhere && exact.cost / sound.length < SUSPICIOUS) return exact;
  const edited = new Lattice(sound, text, doubtful(exact.tokens, sound.length)).run();
  return edited.cost < exact.cost ? edited : exact;
}
