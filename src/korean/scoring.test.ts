import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  addCounts,
  MAX_SCORED_LENGTH,
  NO_EDITS,
  normalizeForScoring,
  rate,
  scoreCharacters,
  scoreWords,
} from './scoring.js';

describe('normalisation for scoring', () => {
  it.each([
    ['오후 3시 30분!', '오후 세 시 삼십분'],
    ['KTX, 1,234원', '케이티엑스 천이백삼십사원'],
    ['6월 10일', '유월 십일'],
    ['3.14%', '삼 점 일사 퍼센트'],
    ['  안녕,하세요?ㅋㅋ ', '안녕 하세요'],
    ['\u1112\u1161\u11ab글', '한글'],
  ])('%j -> %j', (text, normal) => expect(normalizeForScoring(text)).toBe(normal));

  it('changes nothing the second time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        const once = normalizeForScoring(text);
        expect(normalizeForScoring(once)).toBe(once);
      }),
    );
  });
});

/** The textbook recurrence, to check the trimmed and transposed one against. */
function distance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => i + j),
  );
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      table[i][j] = Math.min(
        table[i - 1][j] + 1,
        table[i][j - 1] + 1,
        table[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    }
  }
  return table[a.length][b.length];
}

describe('edit counts', () => {
  const syllables = fc.string({ unit: fc.constantFrom('가', '나', '다', '라'), maxLength: 14 });
  it('are those of the textbook, and consistent with the lengths', () => {
    fc.assert(
      fc.property(syllables, syllables, (reference, hypothesis) => {
        const counts = scoreCharacters(reference, hypothesis, { spaces: false });
        expect(counts.substitutions + counts.deletions + counts.insertions).toBe(
          distance(reference, hypothesis),
        );
        expect(counts.referenceLength - counts.deletions + counts.insertions).toBe(hypothesis.length);
      }),
    );
  });
  it('tells substitutions, deletions and insertions apart', () => {
    expect(scoreCharacters('가나다', '가다', { spaces: false })).toEqual({
      substitutions: 0,
      deletions: 1,
      insertions: 0,
      referenceLength: 3,
    });
    expect(scoreCharacters('가다', '가나다', { spaces: false })).toEqual({
      substitutions: 0,
      deletions: 0,
      insertions: 1,
      referenceLength: 2,
    });
    expect(scoreCharacters('가 나', '가나', { spaces: true }).deletions).toBe(1);
    expect(scoreWords('3시에 만나', '세 시에 봐')).toEqual({
      substitutions: 1,
      deletions: 0,
      insertions: 0,
      referenceLength: 3,
    });
  });
  it('adds up and divides', () => {
    const counts = addCounts(scoreWords('가 나', '가 다'), NO_EDITS);
    expect(rate(counts)).toBe(0.5);
    expect(rate(NO_EDITS)).toBe(0);
    expect(rate(scoreWords('', '가'))).toBe(Infinity);
  });
  it('refuses texts that would take too long', () => {
    expect(() => scoreCharacters('가'.repeat(MAX_SCORED_LENGTH + 1), '가', { spaces: false })).toThrow(
      RangeError,
    );
  });
});
