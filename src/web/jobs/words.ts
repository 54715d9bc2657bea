/** Transcripts while they are edited: pure functions over words and their times. */
import type { JobResult } from './service.js';

export interface TimedWord {
  readonly word: string;
  /** Seconds of the audio. */
  readonly start: number;
  readonly end: number;
}

export interface TimedSegment {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly words: readonly TimedWord[];
}

/** Longer segments are not compared word by word: their new words share all the time there is. */
const MAX_COMPARED = 400;

/** Words to the segments that they were said in. */
export function segmentsOf({ segments, words }: Pick<JobResult, 'segments' | 'words'>): TimedSegment[] {
  let next = 0;
  return segments.map(({ start, end, text }, index) => {
    const until = segments[index + 1]?.start ?? Infinity;
    const from = next;
    while (next < words.length && words[next].start < until) next += 1;
    return { start, end, text, words: words.slice(from, next) };
  });
}

/**
 * The words of a changed text with times: words that stayed keep theirs (longest common subsequence), those between share
 * the time of the ones that they replace, by their length.
 */
export function retime(segment: TimedSegment, text: string): TimedSegment {
  const clean = text.replace(/\s+/gu, ' ').trim();
  const fresh = clean === '' ? [] : clean.split(' ');
  const kept = commonWords(
    segment.words.map(({ word }) => word),
    fresh,
  );
  const words: TimedWord[] = [];
  let oldFrom = 0;
  let newFrom = 0;
  for (const [oldAt, newAt] of [...kept, [segment.words.length, fresh.length] as const]) {
    const start = segment.words[oldFrom]?.start ?? words.at(-1)?.end ?? segment.start;
    const end = oldAt > oldFrom ? segment.words[oldAt - 1].end : (segment.words[oldAt]?.start ?? segment.end);
    const from = oldAt > oldFrom ? start : (words.at(-1)?.end ?? segment.start);
    words.push(...spread(fresh.slice(newFrom, newAt), from, Math.max(from, end)));
    if (oldAt < segment.words.length) words.push(segment.words[oldAt]);
    oldFrom = oldAt + 1;
    newFrom = newAt + 1;
  }
  return { ...segment, text: clean, words };
}

function spread(words: readonly string[], start: number, end: number): TimedWord[] {
  const total = words.reduce((sum, word) => sum + word.length, 0);
  let before = 0;
  return words.map((word) => {
    const at = start + ((end - start) * before) / total;
    before += word.length;
    return { word, start: at, end: start + ((end - start) * before) / total };
  });
}

/** Pairs of places of words that both have, ascending, as many as there can be. */
function commonWords(a: readonly string[], b: readonly string[]): (readonly [number, number])[] {
  if (a.length > MAX_COMPARED || b.length > MAX_COMPARED) return [];
  const width = b.length + 1;
  const lengths = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      lengths[i * width + j] =
        a[i] === b[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const pairs: (readonly [number, number])[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    if (a[i] === b[j]) pairs.push([i++, j++]);
    else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) i += 1;
    else j += 1;
  }
  return pairs;
}

/** Place of the word that is heard at a time: the last that has begun; -1 before the first. */
export function wordAt(words: readonly Pick<TimedWord, 'start'>[], seconds: number): number {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle].start <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
