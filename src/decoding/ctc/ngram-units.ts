/** Language models over characters (syllables) or jamo. */
import type { StrayJamo } from '../jamo.js';
import { SPACES } from '../lm/likelihood.js';
import { CachedFusion } from './fusion.js';
import type { LanguageModelWeights } from './language-model.js';
import type { CachedNgram } from './ngram-cache.js';
import { PairIndex } from '../pair-map.js';
import { SPACE } from './symbols.js';
import type { Symbols } from './symbols.js';

export interface UnitFusionOptions {
  readonly jamo: boolean;
  /** Whether conjoining jamo become syllables in the text. */
  readonly compose: boolean;
  readonly strayJamo: StrayJamo;
}

const FIRST_ONSET = 0x1100;
const FIRST_VOWEL = 0x1161;
const FIRST_CODA = 0x11a8;
const FIRST_SYLLABLE = 0xac00;
const VOWELS = 21;
const CODAS = 27;
const SILENT_ONSET = 0x110b;
const ONSET_LETTERS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ';
const VOWEL_LETTERS = 'ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ';
const CODA_LETTERS = 'ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ';

const isOnset = (code: number): boolean => code >= FIRST_ONSET && code < FIRST_ONSET + ONSET_LETTERS.length;
const isVowel = (code: number): boolean => code >= FIRST_VOWEL && code < FIRST_VOWEL + VOWELS;
const isCoda = (code: number): boolean => code >= FIRST_CODA && code < FIRST_CODA + CODAS;

/** What waits to be scored: nothing, also at the very start; a space for what it stands before; a syllable. */
const NOTHING = 0;
const START = 1;
const SPACE_WAITS = 2;
/** Plus 22 times the onset, plus the vowel, counted from 1; 0 before it came. */
const SYLLABLE = 3;

/** Kinds of states: the three above, an onset that waits alone, a syllable that waits with its vowel. */
const ONSET_ALONE = 3;
const WITH_VOWEL = 4;
/** A state of each kind: what any other of the kind would do with a symbol, this one does, too. */
const EXAMPLES = [NOTHING, START, SPACE_WAITS, SYLLABLE, SYLLABLE + 1];

/** What a symbol is, as far as its worth can be told without looking at what comes after it. */
const OTHER = 0;
const A_SPACE = 1;
const AN_ONSET = 2;
const A_VOWEL = 3;

/**
 * Each unit is scored when it is complete: a syllable made of jamo when something comes that cannot belong to it. Jamo
 * that form no syllable are scored as unknown. Spaces are scored where the model has a unit for them, once for any
 * number of them, not at the ends of the text; they are passed over where it has none.
 *
 * Most of what a search asks is what one jamo is worth. An onset opens a syllable and is worth nothing itself: all it
 * brings is the score of what waited, which is the same for every onset, and remembered for the state.
 */
export class UnitFusion extends CachedFusion {
  readonly start: number;
  override readonly kinds = EXAMPLES.length;
  private readonly contexts = new PairIndex();
  private readonly space: number | undefined;
  private readonly endOfSentence: number;
  private readonly units = new Map<number, number>();
  /** Of {@link take}: the context, and what waits. */
  private context = 0;
  private waiting = NOTHING;
  /** Units are counted, not scored. */
  private counting = false;
  private count = 0;
  private readonly sorts: Uint8Array;
  /** {@link bound}, NaN until it is asked for: [kind, token]. */
  private readonly bounds: Float64Array;
  /** {@link due}, NaN until it is asked for: [state]. */
  private dues = new Float32Array(1024).fill(NaN);

  constructor(
    private readonly ngram: CachedNgram,
    private readonly symbols: Symbols,
    private readonly weights: LanguageModelWeights,
    private readonly options: UnitFusionOptions,
  ) {
    super();
    this.space = SPACES.map((name) => ngram.index(name)).find((id) => id !== 0);
    this.endOfSentence = ngram.index('</s>');
    this.start = this.contexts.of(ngram.begin, START);
    this.sorts = Uint8Array.from({ length: symbols.tokens }, (_, id) => this.sort(symbols.of(id)));
    this.bounds = new Float64Array(EXAMPLES.length * symbols.tokens).fill(NaN);
  }

  override kind(state: number): number {
    const waiting = this.contexts.second[state];
    return waiting < SYLLABLE ? waiting : vowelOf(waiting) > 0 ? WITH_VOWEL : ONSET_ALONE;
  }

  /** As many units as it completes, each at its best. */
  bound(symbol: number, kind: number): number {
    if (symbol >= this.symbols.tokens) return this.unitsOf(symbol, kind);
    const at = kind * this.symbols.tokens + symbol;
    if (Number.isNaN(this.bounds[at])) this.bounds[at] = this.unitsOf(symbol, kind);
    return this.bounds[at];
  }

  override isQuick(symbol: number): boolean {
    return symbol < this.sorts.length && this.sorts[symbol] !== OTHER;
  }

  override worth(state: number, symbol: number): number {
    const sort = symbol < this.sorts.length ? this.sorts[symbol] : OTHER;
    if (sort === OTHER) {
      this.step(state, symbol);
      return this.delta;
    }
    const waiting = this.contexts.second[state];
    if (sort === A_SPACE) return waiting < SYLLABLE ? 0 : this.due(state);
    if (sort === AN_ONSET) return this.due(state);
    return waiting >= SYLLABLE && vowelOf(waiting) === 0 ? 0 : super.worth(state, symbol);
  }

  finish(state: number): number {
    this.enter(state);
    if (this.waiting >= SYLLABLE) this.close();
    if (this.endOfSentence === 0) return this.delta;
    this.ngram.score(this.context, this.endOfSentence);
    return this.delta + this.weights.alpha * this.ngram.logProb;
  }

  protected get states(): number {
    return this.contexts.size;
  }

  protected compute(state: number, symbol: number): number {
    this.enter(state);
    this.take(symbol);
    return this.contexts.of(this.context, this.waiting);
  }

  private enter(state: number): void {
    this.context = this.contexts.first[state];
    this.waiting = this.contexts.second[state];
    this.delta = 0;
  }

  /** What is scored when something comes that what waits has no part in: the syllable, or the space before a letter. */
  private due(state: number): number {
    if (state >= this.dues.length) {
      const { dues } = this;
      this.dues = new Float32Array(Math.max(2 * dues.length, state + 1)).fill(NaN);
      this.dues.set(dues);
    }
    if (Number.isNaN(this.dues[state])) {
      this.enter(state);
      if (this.waiting >= SYLLABLE) this.close();
      else if (this.waiting === SPACE_WAITS && this.space !== undefined) this.unit(this.space);
      this.dues[state] = this.delta;
    }
    return this.dues[state];
  }

  private sort(characters: readonly number[]): number {
    const { jamo, compose } = this.options;
    if (characters.length !== 1) return OTHER;
    const [character] = characters;
    if (character === SPACE) return A_SPACE;
    if (jamo || !compose) return OTHER;
    return isOnset(character) ? AN_ONSET : isVowel(character) ? A_VOWEL : OTHER;
  }

  private unitsOf(symbol: number, kind: number): number {
    const { alpha, beta } = this.weights;
    if (alpha < 0) return Infinity;
    this.waiting = EXAMPLES[kind];
    this.count = 0;
    this.counting = true;
    this.take(symbol);
    this.counting = false;
    return this.count * beta;
  }

  private take(symbol: number): void {
    for (const character of this.symbols.of(symbol)) {
      if (character === SPACE) {
        if (this.waiting >= SYLLABLE) this.close();
        if (this.waiting !== START) this.waiting = SPACE_WAITS;
        continue;
      }
      if (this.waiting === SPACE_WAITS && this.space !== undefined) this.unit(this.space);
      if (this.waiting < SYLLABLE) this.waiting = NOTHING;
      if (!this.options.jamo) this.letter(character);
      else for (const letter of decomposed(character)) this.letter(letter);
    }
  }

  private letter(letter: number): void {
    const { waiting } = this;
    if (waiting >= SYLLABLE && completes(waiting, letter)) {
      this.waiting += letter - FIRST_VOWEL + 1;
    } else if (waiting >= SYLLABLE && isCoda(letter) && vowelOf(waiting) > 0) {
      this.unit(this.index(syllable(waiting) + letter - FIRST_CODA + 1));
      this.waiting = NOTHING;
    } else {
      if (waiting >= SYLLABLE) this.close();
      this.waiting = this.open(letter);
      if (this.waiting === NOTHING) this.unit(this.index(letter));
    }
  }

  /** What waits after a letter that nothing before it takes up; NOTHING when it is a unit by itself. */
  private open(letter: number): number {
    if (this.options.jamo || !this.options.compose) return NOTHING;
    if (isOnset(letter)) return SYLLABLE + (letter - FIRST_ONSET) * (VOWELS + 1);
    if (!isVowel(letter) || this.options.strayJamo !== 'silent-onset') return NOTHING;
    return SYLLABLE + (SILENT_ONSET - FIRST_ONSET) * (VOWELS + 1) + letter - FIRST_VOWEL + 1;
  }

  /** Scores the syllable that waits, or the onset that became none. */
  private close(): void {
    const { waiting } = this;
    this.unit(this.index(vowelOf(waiting) > 0 ? syllable(waiting) : FIRST_ONSET + onsetOf(waiting)));
  }

  private unit(id: number): void {
    if (this.counting) {
      this.count += 1;
      return;
    }
    this.context = this.ngram.score(this.context, id);
    const { alpha, beta, unknown } = this.weights;
    this.delta += alpha * this.ngram.logProb + beta + (id === 0 ? unknown : 0);
  }

  private index(code: number): number {
    let id = this.units.get(code);
    if (id === undefined) {
      id = this.ngram.index(String.fromCodePoint(code));
      if (id === 0) id = this.ngram.index(letterOf(code));
      this.units.set(code, id);
    }
    return id;
  }
}

const onsetOf = (waiting: number): number => Math.floor((waiting - SYLLABLE) / (VOWELS + 1));
const vowelOf = (waiting: number): number => (waiting - SYLLABLE) % (VOWELS + 1);
const completes = (waiting: number, letter: number): boolean => vowelOf(waiting) === 0 && isVowel(letter);
const syllable = (waiting: number): number =>
  FIRST_SYLLABLE + (onsetOf(waiting) * VOWELS + vowelOf(waiting) - 1) * (CODAS + 1);

function decomposed(character: number): number[] {
  return Array.from(String.fromCodePoint(character).normalize('NFD'), (letter) => letter.codePointAt(0)!);
}

/** A conjoining jamo as the letter that stands alone, empty for anything else. */
function letterOf(code: number): string {
  if (isOnset(code)) return ONSET_LETTERS[code - FIRST_ONSET];
  if (isVowel(code)) return VOWEL_LETTERS[code - FIRST_VOWEL];
  return isCoda(code) ? CODA_LETTERS[code - FIRST_CODA] : '';
}
