/** Transcripts as files, made in the browser: with everything that was put right. */
import type { OutputFormat } from '../../jobs/contract.js';
import { toSrt, toText, toVtt } from '../../recognition/formats.js';
import type { TimedSegment } from './words.js';

export const TYPES: Readonly<Record<OutputFormat, readonly [extension: string, type: string]>> = {
  text: ['txt', 'text/plain'],
  srt: ['srt', 'application/x-subrip'],
  vtt: ['vtt', 'text/vtt'],
  json: ['json', 'application/json'],
};

/** @param seconds of the audio */
export function render(format: OutputFormat, segments: readonly TimedSegment[], seconds: number): string {
  const captioned = {
    segments: segments.map((segment) => ({
      ...segment,
      // The formatters do not look at how sure the recogniser was of a word.
      words: segment.words.map((word) => ({ ...word, confidence: 1 })),
    })),
  };
  switch (format) {
    case 'text':
      return toText(captioned);
    case 'srt':
      return toSrt(captioned);
    case 'vtt':
      return toVtt(captioned);
    case 'json':
      return JSON.stringify(
        {
          task: 'transcribe',
          language: 'korean',
          duration: seconds,
          text: segments
            .map(({ text }) => text)
            .filter((text) => text !== '')
            .join(' '),
          segments: segments.map(({ start, end, text }, id) => ({ id, start, end, text })),
          words: segments.flatMap(({ words }) => words),
        },
        null,
        2,
      );
  }
}

/** @param name of the recording; its extension gives way to the format's */
export function save(format: OutputFormat, name: string, text: string): void {
  const [extension, type] = TYPES[format];
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name.replace(/\.[A-Za-z0-9]{1,5}$/, '') || 'transcript'}.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
