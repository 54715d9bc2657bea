/** Text that remembers which words, and which seconds, each of its pieces came from. */

export interface TimedWord {
  readonly word: string;
  /** Seconds. */
  readonly start?: number;
  readonly end?: number;
}

/** One stretch of the result. Joined by their `before`, the pieces are the whole text. */
export interface Piece {
  readonly text: string;
  /** What stands between the piece before and this one. */
  readonly before: string;
  /** The recogniser's own words for it. */
  readonly raw: string;
  /** Indices of the first and last word it came from, inclusive. */
  readonly firstWord: number;
  readonly lastWord: number;
  readonly start?: number;
  readonly end?: number;
}

export interface AlignedText {
  readonly text: string;
  /** The words as they were recognised, joined by spaces. */
  readonly raw: string;
  readonly pieces: readonly Piece[];
}

/** Longest text, in characters, that is worked on; the rest passes through unchanged. */
export const MAX_ALIGNED_LENGTH = 100_000;

export const toWords = (text: string): TimedWord[] =>
  text
    .split(/\s+/)
    .filter((word) => word !== '')
    .map((word) => ({ word }));

/** A text as its words, or words as they are. */
export const asWords = (input: string | readonly TimedWord[]): readonly TimedWord[] =>
  typeof input === 'string' ? toWords(input) : input;

/** A piece over words first..last, with their times. */
export function pieceOf(
  words: readonly TimedWord[],
  first: number,
  last: number,
  text: string,
  raw: string,
  before: string,
): Piece {
  const start = words[first]?.start;
  const end = words[last]?.end;
  return {
    text,
    before,
    raw,
    firstWord: first,
    lastWord: last,
    ...(start === undefined ? {} : { start }),
    ...(end === undefined ? {} : { end }),
  };
}

export function join(words: readonly TimedWord[], pieces: readonly Piece[]): AlignedText {
  let text = '';
  for (const piece of pieces) text += (text === '' ? '' : piece.before) + piece.text;
  return { text, raw: words.map(({ word }) => word).join(' '), pieces };
}
