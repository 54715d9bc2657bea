import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CUE_GAP_SECONDS,
  formatTimestamp,
  MAX_CUE_SECONDS,
  toCues,
  toSrt,
  toText,
  toVtt,
  type Captioned,
} from './formats.js';

const word = (text: string, start: number, end: number) => ({ word: text, start, end, confidence: 1 });
const segment = (start: number, end: number, words: ReturnType<typeof word>[]) => ({
  start,
  end,
  text: words.map((entry) => entry.word).join(' '),
  words,
});

describe('timestamps', () => {
  it.each([
    [0, '00:00:00,000'],
    [1.0005, '00:00:01,001'],
    [59.9996, '00:01:00,000'],
    [3661.25, '01:01:01,250'],
    [360_000, '100:00:00,000'],
    [-1, '00:00:00,000'],
  ])('%d s is %s', (seconds, text) => {
    expect(formatTimestamp(seconds, ',')).toBe(text);
  });
});

describe('subtitles', () => {
  const short: Captioned = {
    segments: [
      segment(0.2, 1.5, [word('안녕', 0.3, 0.7), word('하세요', 0.8, 1.3)]),
      { start: 1.5, end: 2, text: '', words: [] },
      segment(2, 3.2, [word('칠번', 2.1, 2.6), word('예약', 2.7, 3)]),
    ],
  };

  it('writes SubRip, skipping what has no text', () => {
    expect(toSrt(short)).toBe(
      '1\n00:00:00,300 --> 00:00:01,300\n안녕 하세요\n\n2\n00:00:02,100 --> 00:00:03,000\n칠번 예약\n\n',
    );
  });

  it('writes WebVTT', () => {
    expect(toVtt(short)).toBe(
      'WEBVTT\n\n00:00:00.300 --> 00:00:01.300\n안녕 하세요\n\n00:00:02.100 --> 00:00:03.000\n칠번 예약\n\n',
    );
  });

  it('writes one line of text for each utterance', () => {
    expect(toText(short)).toBe('안녕 하세요\n칠번 예약\n');
  });

  it('keeps markup and arrows in the text from becoming syntax', () => {
    const hostile: Captioned = {
      segments: [{ start: 0, end: 1, text: 'a --> b <c>&\n\n2\n00:00', words: [] }],
    };
    expect(toVtt(hostile)).toContain('\na --&gt; b &lt;c&gt;&amp; 2 00:00\n\n');
    const [, , text, blank] = toSrt(hostile).split('\n');
    expect(text).toBe('a -> b <c>& 2 00:00');
    expect(blank).toBe('');
  });

  it('starts a new cue at a long pause', () => {
    const paused = segment(0, 9, [word('네', 0, 0.3), word('네', 0.3 + CUE_GAP_SECONDS + 0.1, 2)]);
    expect(toCues({ segments: [paused] })).toHaveLength(2);
  });

  it('breaks long captions into two lines of whole words', () => {
    const words = Array.from({ length: 8 }, (_, i) => word('다섯글자어', i * 0.4, i * 0.4 + 0.4));
    const cues = toCues({ segments: [segment(0, 4, words)] });
    expect(cues.every((cue) => cue.lines.length <= 2)).toBe(true);
    expect(cues.flatMap((cue) => cue.lines.flatMap((line) => line.split(' ')))).toEqual(
      words.map((entry) => entry.word),
    );
  });

  it('cuts any transcript into ordered cues of bounded length that hold every word', () => {
    const steps = fc.array(
      fc.record({
        gap: fc.double({ min: 0, max: 3, noNaN: true }),
        length: fc.double({ min: 0, max: 2, noNaN: true }),
        text: fc.string({ minLength: 1, maxLength: 12 }).filter((text) => /^[^\s]+$/u.test(text)),
      }),
      { minLength: 1, maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        let now = 0;
        const words = list.map((step) => {
          const start = now + step.gap;
          now = start + step.length;
          return word(step.text, start, now);
        });
        const cues = toCues({ segments: [segment(0, now, words)] });
        let last = 0;
        for (const cue of cues) {
          expect(cue.start).toBeGreaterThanOrEqual(last);
          expect(cue.end).toBeGreaterThan(cue.start);
          expect(cue.end - cue.start).toBeLessThanOrEqual(MAX_CUE_SECONDS + 0.01);
          last = cue.end;
        }
        expect(cues.flatMap((cue) => cue.lines.join(' ').split(' '))).toEqual(list.map((step) => step.text));
      }),
    );
  });
});
