/** Words as a protocol shows them: as they were recognised, or with numbers, times and the like as figures. */
import { toWritten } from '../../korean/index.js';
import type { Segment } from '../../recognition/contract.js';

export interface ShownWord {
  /** As recognised: several words where one figure stands for them. */
  readonly raw: string;
  readonly shown: string;
  /** Seconds. */
  readonly start: number;
  readonly end: number;
  readonly confidence: number;
}

export interface Shown {
  readonly text: string;
  readonly words: readonly ShownWord[];
}

/** The confidence of a figure is that of the least certain of its words. */
export function showSegment(segment: Pick<Segment, 'text' | 'words'>, formatNumbers: boolean): Shown {
  const { text, words } = segment;
  if (!formatNumbers || words.length === 0) {
    return {
      text: formatNumbers ? showText(text) : text,
      words: words.map(({ word, ...rest }) => ({ raw: word, shown: word, ...rest })),
    };
  }
  const written = toWritten(words);
  return {
    text: written.text,
    words: written.pieces.map(({ text: shown, raw, firstWord, lastWord, start, end }) => {
      const own = words.slice(firstWord, lastWord + 1);
      return {
        raw,
        shown,
        start: start ?? own[0]!.start,
        end: end ?? own.at(-1)!.end,
        confidence: Math.min(...own.map((word) => word.confidence)),
      };
    }),
  };
}

export const showText = (text: string, formatNumbers = true): string =>
  formatNumbers ? toWritten(text).text : text;
