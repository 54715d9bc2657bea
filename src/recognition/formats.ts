/** Subtitles and plain text out of a transcript: pure functions, shared by the HTTP routes and the command line. */
import type { Segment, Word } from './contract.js';

/** Longest time one cue stays on the screen, seconds. */
export const MAX_CUE_SECONDS = 7;
/** A silence between two words, seconds, that starts a new cue: a caption over silence hides who spoke when. */
export const CUE_GAP_SECONDS = 1;
/** Hangul syllables are about twice as wide as Latin letters, so half of the usual 42 characters to a line. */
export const MAX_LINE_CHARACTERS = 21;
const MAX_LINES = 2;
/** Players drop cues of no duration. */
const MIN_CUE_SECONDS = 0.001;

/** What the formatters need of a transcript. */
export interface Captioned {
  readonly segments: readonly Pick<Segment, 'start' | 'end' | 'text' | 'words'>[];
}

/** Times in seconds from the start of the audio; one or two lines. */
export interface Cue {
  readonly start: number;
  readonly end: number;
  readonly lines: readonly string[];
}

const clean = (text: string): string => text.replace(/\s+/gu, ' ').trim();
const length = (text: string): number => [...text].length;

/** Breaks a caption into two lines of about equal length when it is too long for one; words stay whole. */
function breakLines(text: string): string[] {
  if (length(text) <= MAX_LINE_CHARACTERS) return [text];
  const words = text.split(' ');
  let best = words.length;
  let bestWidth = Infinity;
  for (let at = 1; at < words.length; at += 1) {
    const width = Math.max(length(words.slice(0, at).join(' ')), length(words.slice(at).join(' ')));
    if (width < bestWidth) [best, bestWidth] = [at, width];
  }
  return [words.slice(0, best).join(' '), words.slice(best).join(' ')].filter((line) => line !== '');
}

function groupWords(words: readonly Word[]): Word[][] {
  const groups: Word[][] = [];
  let group: Word[] = [];
  let characters = 0;
  for (const word of words) {
    const width = length(word.word) + 1;
    const previous = group.at(-1);
    const split =
      previous !== undefined &&
      (characters + width > MAX_LINE_CHARACTERS * MAX_LINES ||
        word.end - group[0].start > MAX_CUE_SECONDS ||
        word.start - previous.end > CUE_GAP_SECONDS);
    if (split) {
      groups.push(group);
      group = [];
      characters = 0;
    }
    group.push(word);
    characters += width;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/**
 * Cuts segments into cues: at most {@link MAX_CUE_SECONDS} and two lines each, in order, never overlapping. A segment
 * without word times is one cue, however long. Segments without text give no cue.
 */
export function toCues(transcript: Captioned): Cue[] {
  const raw: { start: number; end: number; text: string }[] = [];
  for (const segment of transcript.segments) {
    if (clean(segment.text) === '') continue;
    const groups = groupWords(segment.words.filter((word) => clean(word.word) !== ''));
    if (groups.length <= 1) {
      const words = groups[0];
      const start = words === undefined ? segment.start : words[0].start;
      const end = words === undefined ? segment.end : words.at(-1)!.end;
      raw.push({ start, end, text: clean(segment.text) });
      continue;
    }
    for (const words of groups) {
      const text = words.map((word) => clean(word.word)).join(' ');
      raw.push({ start: words[0].start, end: words.at(-1)!.end, text });
    }
  }
  let earliest = 0;
  return raw.map((cue, index) => {
    const start = Math.max(cue.start, earliest);
    const next = raw[index + 1]?.start ?? Infinity;
    const end = Math.max(Math.min(cue.end, next), start + MIN_CUE_SECONDS);
    earliest = end;
    return { start, end, lines: breakLines(cue.text) };
  });
}

/** `HH:MM:SS` and milliseconds after `separator`; hours grow beyond two digits where they must. */
export function formatTimestamp(seconds: number, separator: ',' | '.'): string {
  const milliseconds = Math.max(0, Math.round(seconds * 1000));
  const pad = (value: number, width = 2): string => String(Math.floor(value)).padStart(width, '0');
  return (
    `${pad(milliseconds / 3_600_000)}:${pad((milliseconds / 60_000) % 60)}:${pad((milliseconds / 1000) % 60)}` +
    `${separator}${pad(milliseconds % 1000, 3)}`
  );
}

/** SubRip. The format has no escapes, so the arrow that would end a cue's text is shortened. */
export function toSrt(transcript: Captioned): string {
  return toCues(transcript)
    .map((cue, index) => {
      const time = `${formatTimestamp(cue.start, ',')} --> ${formatTimestamp(cue.end, ',')}`;
      return `${index + 1}\n${time}\n${cue.lines.join('\n').replaceAll('-->', '->')}\n\n`;
    })
    .join('');
}

const escapeVtt = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** WebVTT (w3.org/TR/webvtt1), its text escaped. */
export function toVtt(transcript: Captioned): string {
  const cues = toCues(transcript).map((cue) => {
    const time = `${formatTimestamp(cue.start, '.')} --> ${formatTimestamp(cue.end, '.')}`;
    return `${time}\n${escapeVtt(cue.lines.join('\n'))}\n\n`;
  });
  return `WEBVTT\n\n${cues.join('')}`;
}

/** One line for each utterance. */
export function toText(transcript: Captioned): string {
  return transcript.segments
    .map((segment) => clean(segment.text))
    .filter((text) => text !== '')
    .map((text) => `${text}\n`)
    .join('');
}
