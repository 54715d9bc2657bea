/**
 * What an utterance sounds like, as one row of symbols: silent ㅇ dropped, tense consonants as plain ones, aspirates as
 * plain consonant + ㅎ, double codas taken apart, vowels that most speakers no longer tell apart as one. Liaison,
 * tensification and aspiration thereby vanish: 예약해 and 예야캐 are the same row, and spaces do not matter.
 */
import { LETTER_NAMES } from '../../korean/latin.js';
import { FINALS, INITIALS, MEDIALS } from '../../korean/jamo.js';

/** ㅆ stays: it alone tells 했어 from 해서 and 씨 from 시. */
const CONSONANTS = 'ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅎㅆ';
const VOWELS = 'ㅏㅐㅑㅖㅓㅕㅗㅘㅚㅛㅜㅝㅟㅠㅡㅢㅣ';
/** Symbols 1..11 are consonants, 12..28 vowels; then Arabic numbers, Latin letters, marks, and everything else. */
export const FIRST_VOWEL = CONSONANTS.length + 1;
export const NUMBER = FIRST_VOWEL + VOWELS.length;
export const LETTER = NUMBER + 1;
export const DASH = NUMBER + 2;
export const OTHER = NUMBER + 3;
export const SYMBOLS = NUMBER + 4;

export const symbolOf = (jamo: string): number => {
  const consonant = CONSONANTS.indexOf(jamo);
  return consonant >= 0 ? consonant + 1 : VOWELS.indexOf(jamo) + FIRST_VOWEL;
};
const H = symbolOf('ㅎ');

const SPLIT: Readonly<Record<string, string>> = {
  ㄲ: 'ㄱ', ㄸ: 'ㄷ', ㅃ: 'ㅂ', ㅉ: 'ㅈ', ㅋ: 'ㄱㅎ', ㅌ: 'ㄷㅎ', ㅍ: 'ㅂㅎ', ㅊ: 'ㅈㅎ',
  ㄳ: 'ㄱㅅ', ㄵ: 'ㄴㅈ', ㄶ: 'ㄴㅎ', ㄺ: 'ㄹㄱ', ㄻ: 'ㄹㅁ', ㄼ: 'ㄹㅂ', ㄽ: 'ㄹㅅ', ㄾ: 'ㄹㄷㅎ', ㄿ: 'ㄹㅂㅎ', ㅀ: 'ㄹㅎ', ㅄ: 'ㅂㅅ',
  ㅔ: 'ㅐ', ㅒ: 'ㅖ', ㅙ: 'ㅚ', ㅞ: 'ㅚ',
}; // prettier-ignore
const symbolsOf = (jamo: string): number[] => [...(SPLIT[jamo] ?? jamo)].map(symbolOf);
const INITIAL_SYMBOLS = [...INITIALS].map((jamo) => (jamo === 'ㅇ' ? [] : symbolsOf(jamo)));
const MEDIAL_SYMBOLS = [...MEDIALS].map(symbolsOf);
const FINAL_SYMBOLS = FINALS.map((jamo) => (jamo === '' ? [] : symbolsOf(jamo)));

export interface Sound {
  /** Symbols 1..{@link SYMBOLS} - 1. */
  readonly symbols: Uint8Array;
  /** Offset of the character each symbol came from, in UTF-16 code units of the text. */
  readonly source: Uint16Array;
  /** 1 where a symbol is the first of its syllable or mark, 2 where a space stands before it. */
  readonly starts: Uint8Array;
  readonly length: number;
  /** Digits of the Arabic numbers, by symbol index. */
  readonly numbers: ReadonlyMap<number, string>;
  /** Capital Latin letters standing alone, by symbol index. */
  readonly letters: ReadonlyMap<number, string>;
}

const isDigit = (code: number): boolean => code >= 48 && code <= 57;
const isLatin = (code: number): boolean => (code >= 65 && code <= 90) || (code >= 97 && code <= 122);

/** The row of symbols of a text. At most `limit` characters are read. Linear time. */
export function toSound(text: string, limit = 400): Sound {
  const end = Math.min(text.length, limit);
  const symbols: number[] = [];
  const source: number[] = [];
  const starts: number[] = [];
  const numbers = new Map<number, string>();
  const letters = new Map<number, string>();
  let spaced = true;
  const push = (symbol: number, at: number, first: boolean): void => {
    symbols.push(symbol);
    source.push(at);
    starts.push(first ? (spaced ? 2 : 1) : 0);
    spaced = false;
  };
  const pushSyllable = (code: number, at: number): void => {
    let first = true;
    const put = (list: readonly number[]): void => {
      for (const symbol of list) {
        push(symbol, at, first);
        first = false;
      }
    };
    put(INITIAL_SYMBOLS[Math.floor(code / 588)]);
    put(MEDIAL_SYMBOLS[Math.floor(code / 28) % 21]);
    put(FINAL_SYMBOLS[code % 28]);
  };
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0xac00 && code <= 0xd7a3) {
      pushSyllable(code - 0xac00, at);
    } else if (isDigit(code)) {
      let stop = at + 1;
      while (
        stop < end &&
        (isDigit(text.charCodeAt(stop)) || (text[stop] === ',' && isDigit(text.charCodeAt(stop + 1))))
      )
        stop++;
      numbers.set(symbols.length, text.slice(at, stop).replaceAll(',', ''));
      push(NUMBER, at, true);
      at = stop - 1;
      if (text[stop] === ':' && isDigit(text.charCodeAt(stop + 1))) {
        pushSyllable('시'.charCodeAt(0) - 0xac00, stop);
        at = stop;
      }
    } else if (isLatin(code)) {
      let stop = at + 1;
      while (stop < end && isLatin(text.charCodeAt(stop))) stop++;
      if (stop === at + 1) {
        letters.set(symbols.length, text[at].toUpperCase());
        push(LETTER, at, true);
      } else {
        for (let i = at; i < stop; i++) {
          for (const syllable of LETTER_NAMES[text[i].toUpperCase()])
            pushSyllable(syllable.charCodeAt(0) - 0xac00, i);
        }
      }
      at = stop - 1;
    } else if (text[at] === '-' || text[at] === '~') {
      push(DASH, at, true);
    } else if (code >= 0x3131 && code <= 0x3163) {
      for (const symbol of symbolsOf(text[at])) push(symbol, at, false);
    } else if (code <= 0x40 || (code >= 0x2000 && code <= 0x303f)) {
      spaced = true; // spaces and punctuation
    } else {
      push(OTHER, at, true);
    }
  }
  return {
    symbols: Uint8Array.from(symbols),
    source: Uint16Array.from(source),
    starts: Uint8Array.from(starts),
    length: symbols.length,
    numbers,
    letters,
  };
}

const SUBSTITUTION = new Float32Array(SYMBOLS * SYMBOLS).fill(9);
const DELETION = new Float32Array(SYMBOLS).fill(9);

/** Pairs a recogniser or a spelling by ear exchanges, and what it costs to believe so. */
const CONFUSIONS: readonly (readonly [string, number])[] = [
  ['ㅐㅖ', 0.3], ['ㅐㅚ', 0.4], ['ㅚㅟ', 0.5], ['ㅚㅣ', 0.6], ['ㅟㅜ', 0.5], ['ㅚㅗ', 0.5], ['ㅓㅗ', 0.5], ['ㅗㅜ', 0.5], ['ㅡㅓ', 0.5], ['ㅡㅜ', 0.4],
  ['ㅢㅣ', 0.2], ['ㅢㅡ', 0.3], ['ㅢㅐ', 0.4], ['ㅏㅑ', 0.5], ['ㅓㅕ', 0.5], ['ㅗㅛ', 0.5], ['ㅜㅠ', 0.5], ['ㅝㅓ', 0.3],
  ['ㅝㅗ', 0.3], ['ㅘㅏ', 0.3], ['ㅟㅣ', 0.3], ['ㅏㅓ', 0.7], ['ㅕㅐ', 0.4], ['ㅕㅖ', 0.4], ['ㅣㅐ', 0.7], ['ㅣㅡ', 0.6],
  ['ㅓㅐ', 0.8], ['ㅜㅝ', 0.5], ['ㅛㅠ', 0.5], ['ㅛㅕ', 0.4], ['ㅑㅕ', 0.6],
  ['ㄱㅇ', 0.3], ['ㄷㄴ', 0.4], ['ㅂㅁ', 0.3], ['ㄹㄴ', 0.35], ['ㄴㅇ', 0.45], ['ㄴㅁ', 0.45], ['ㅁㅇ', 0.45],
  ['ㄱㄷ', 0.6], ['ㄷㅂ', 0.6], ['ㄱㅂ', 0.6], ['ㅅㄷ', 0.3], ['ㅈㄷ', 0.4], ['ㅅㅈ', 0.6], ['ㅅㅆ', 0.15], ['ㅆㄷ', 0.3], ['ㄹㄷ', 0.6], ['ㅂㅎ', 0.8],
]; // prettier-ignore
for (let a = 1; a < NUMBER; a++) {
  for (let b = 1; b < NUMBER; b++) {
    SUBSTITUTION[a * SYMBOLS + b] = a === b ? 0 : a < FIRST_VOWEL === b < FIRST_VOWEL ? 1 : 1.4;
  }
  DELETION[a] = a < FIRST_VOWEL ? 0.6 : 0.9;
}
for (const [pair, cost] of CONFUSIONS) {
  const a = symbolOf(pair[0]);
  const b = symbolOf(pair[1]);
  SUBSTITUTION[a * SYMBOLS + b] = cost;
  SUBSTITUTION[b * SYMBOLS + a] = cost;
}
DELETION[H] = 0.3;
DELETION[symbolOf('ㅇ')] = 0.45;
DELETION[symbolOf('ㄴ')] = 0.5;

export const substitutionCost = (a: number, b: number): number => SUBSTITUTION[a * SYMBOLS + b];
/** Of a symbol that is missing or one too many; the second of a doubled consonant is all but free. */
export const gapCost = (symbol: number, previous: number): number =>
  symbol === previous && symbol < FIRST_VOWEL ? 0.15 : DELETION[symbol];
