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

/**
 * Each unit is scored when it is complete: a syllable made of jamo when something comes that cannot belong to it. Jamo
 * that form no syllable are scored as unknown. Spaces are scored where the model has a unit for them, once for any
 * number of them, not at the ends of the text; they are passed over where it has none.
 */
export class UnitFusion extends CachedFusion {
  readonly start: number;
  private readonly contexts = new PairIndex();
  private readonly space: number | undefined;
  private readonly endOfSentence: number;
  private readonly units = new Map<number, number>();

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
  }

  /** At most one unit for each letter, the one that waited, and a space. */
  bound(symbol: number): number {
    const { alpha, beta } = this.weights;
    if (alpha < 0) return Infinity;
    let letters = 0;
    for (const character of this.symbols.of(symbol))
      letters += this.options.jamo ? decomposed(character).length : 1;
    return letters === 0 ? 0 : Math.max(0, beta) * (letters + 2);
  }

  finish(state: number): number {
    const waiting = this.contexts.second[state];
    this.delta = 0;
    let context = this.contexts.first[state];
    if (waiting >= SYLLABLE) context = this.close(context, waiting);
    if (this.endOfSentence === 0) return this.delta;
    this.ngram.score(context, this.endOfSentence);
    return this.delta + this.weights.alpha * this.ngram.logProb;
  }

  protected get states(): number {
    return this.contexts.size;
  }

  protected compute(state: number, symbol: number): number {
    let context = this.contexts.first[state];
    let waiting = this.contexts.second[state];
    for (const character of this.symbols.of(symbol)) {
      if (character === SPACE) {
        if (waiting >= SYLLABLE) context = this.close(context, waiting);
        if (waiting !== START) waiting = SPACE_WAITS;
        continue;
      }
      if (waiting === SPACE_WAITS && this.space !== undefined) context = this.unit(context, this.space);
      if (waiting < SYLLABLE) waiting = NOTHING;
      for (const letter of this.options.jamo ? decomposed(character) : [character]) {
        if (waiting >= SYLLABLE && completes(waiting, letter)) {
          waiting += letter - FIRST_VOWEL + 1;
        } else if (waiting >= SYLLABLE && isCoda(letter) && vowelOf(waiting) > 0) {
          context = this.unit(context, this.index(syllable(waiting) + letter - FIRST_CODA + 1));
          waiting = NOTHING;
        } else {
          if (waiting >= SYLLABLE) context = this.close(context, waiting);
          waiting = this.open(letter);
          if (waiting === NOTHING) context = this.unit(context, this.index(letter));
        }
      }
    }
    return this.contexts.of(context, waiting);
  }

  /** What waits after a letter that nothing before it takes up; NOTHING when it is a unit by itself. */
  private open(letter: number): number {
    if (this.options.jamo || !this.options.compose) return NOTHING;
    if (isOnset(letter)) return SYLLABLE + (letter - FIRST_ONSET) * (VOWELS + 1);
    if (!isVowel(letter) || this.options.strayJamo !== 'silent-onset') return NOTHING;
    return SYLLABLE + (SILENT_ONSET - FIRST_ONSET) * (VOWELS + 1) + letter - FIRST_VOWEL + 1;
  }

  /** Scores the syllable that waits, or the onset that became none. */
  private close(context: number, waiting: number): number {
    const code = vowelOf(waiting) > 0 ? syllable(waiting) : FIRST_ONSET + onsetOf(waiting);
    return this.unit(context, this.index(code));
  }

  private unit(context: number, id: number): number {
    const next = this.ngram.score(context, id);
    const { alpha, beta, unknown } = this.weights;
    this.delta += alpha * this.ngram.logProb + beta + (id === 0 ? unknown : 0);
    return next;
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
