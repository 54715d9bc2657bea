import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { render } from './downloads.js';
import { retime, segmentsOf, wordAt } from './words.js';
import type { TimedSegment } from './words.js';

const segment: TimedSegment = {
  start: 10,
  end: 14,
  text: '이십칠 번 자리 반납할게요',
  words: [
    { word: '이십칠', start: 10, end: 10.6 },
    { word: '번', start: 10.6, end: 11 },
    { word: '자리', start: 11.2, end: 12 },
    { word: '반납할게요', start: 12, end: 14 },
  ],
};

describe('times of words that were put right', () => {
  it('stay where the words stayed', () => {
    const { words } = retime(segment, '이십팔  번 자리 반납할게요');
    expect(words[0]).toEqual({ word: '이십팔', start: 10, end: 10.6 });
    expect(words.slice(1)).toEqual(segment.words.slice(1));
  });

  it('are shared by words that take the place of others, by their length', () => {
    const { text, words } = retime(segment, '이십칠 번 자리 다시 반납');
    expect(text).toBe('이십칠 번 자리 다시 반납');
    expect(words.slice(3)).toEqual([
      { word: '다시', start: 12, end: 13 },
      { word: '반납', start: 13, end: 14 },
    ]);
  });

  it('lie between those of the neighbours where a word was put in', () => {
    const { words } = retime(segment, '이십칠 번 그 자리 반납할게요');
    expect(words[2]).toEqual({ word: '그', start: 11, end: 11.2 });
  });

  it('are gone with the text', () => {
    expect(retime(segment, '  ')).toMatchObject({ text: '', words: [] });
  });

  it('always ascend within the segment', () => {
    const word = fc.constantFrom('이십칠', '번', '자리', '반납할게요', '새', '말');
    fc.assert(
      fc.property(fc.array(word, { maxLength: 12 }), (fresh) => {
        const { words } = retime(segment, fresh.join(' '));
        expect(words.map((one) => one.word)).toEqual(fresh);
        let last = segment.start;
        for (const { start, end } of words) {
          expect(start).toBeGreaterThanOrEqual(last - 1e-9);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(segment.end);
          last = end;
        }
      }),
    );
  });
});

describe('what is heard', () => {
  it('is the last word that has begun', () => {
    expect([9, 10, 10.7, 11.1, 99].map((at) => wordAt(segment.words, at))).toEqual([-1, 0, 1, 1, 3]);
    expect(wordAt([], 1)).toBe(-1);
  });

  it('goes to the segments that it was said in', () => {
    const segments = [
      { start: 0, end: 2, text: '가 나' },
      { start: 3, end: 4, text: '다' },
    ];
    const words = [0.1, 1, 3].map((start, index) => ({ word: '가나다'[index], start, end: start + 0.5 }));
    expect(segmentsOf({ segments, words }).map((one) => one.words.map(({ word }) => word))).toEqual([
      ['가', '나'],
      ['다'],
    ]);
  });
});

describe('transcripts to take away', () => {
  it('hold what was put right, in every format', () => {
    const changed = [retime(segment, '<b>이십팔</b> 번')];
    expect(render('text', changed, 14)).toBe('<b>이십팔</b> 번\n');
    expect(render('vtt', changed, 14)).toContain('&lt;b&gt;이십팔&lt;/b&gt; 번');
    expect(render('srt', changed, 14)).toMatch(/^1\n00:00:10,000 --> 00:00:11,000\n/);
    expect(JSON.parse(render('json', changed, 14))).toMatchObject({
      duration: 14,
      text: '<b>이십팔</b> 번',
      segments: [{ id: 0, start: 10, end: 14 }],
      words: [{ word: '<b>이십팔</b>' }, { word: '번', start: 10.6, end: 11 }],
    });
  });
});
