import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { composeJamo } from './jamo.js';

const ONSET = 'ᄀ';
const VOWEL = 'ᅡ';
const CODA = 'ᆫ';

describe('composeJamo', () => {
  it('composes what belongs together', () => {
    expect(composeJamo(`${ONSET}${VOWEL}${CODA}${ONSET}${VOWEL}`, 'drop')).toBe('간가');
  });

  it.each([
    ['a coda alone', CODA, '', 'ㄴ', ''],
    ['an onset alone', ONSET, '', 'ㄱ', ''],
    ['a vowel alone', VOWEL, '', 'ㅏ', '아'],
    ['a vowel and a coda', VOWEL + CODA, '', 'ㅏㄴ', '안'],
    ['a second coda', `간${CODA}`, '간', '간ㄴ', '간'],
    ['a second vowel', `가${VOWEL}`, '가', '가ㅏ', '가아'],
    ['two onsets', ONSET + ONSET + VOWEL, '가', 'ㄱ가', '가'],
    ['an onset before a coda', ONSET + CODA, '', 'ㄱㄴ', ''],
    ['the last of each', 'ᄒᇂᅵᅵ', '', 'ㅎㅎㅣㅣ', '이이'],
    ['letters of no modern syllable', 'ᅟᆢᇹ', '', '', ''],
  ])('settles %s', (_name, jamo, dropped, letters, repaired) => {
    expect(composeJamo(jamo, 'drop')).toBe(dropped);
    expect(composeJamo(jamo, 'compatibility')).toBe(letters);
    expect(composeJamo(jamo, 'silent-onset')).toBe(repaired);
  });

  it('leaves other text alone', () => {
    expect(composeJamo('ㅋㅋ A3번 좌석!', 'drop')).toBe('ㅋㅋ A3번 좌석!');
  });

  it('never leaves a conjoining letter, whatever comes', () => {
    const jamo = fc.string({
      unit: fc.integer({ min: 0x1100, max: 0x11ff }).map((code) => String.fromCharCode(code)),
      maxLength: 20,
    });
    fc.assert(
      fc.property(jamo, fc.constantFrom('drop', 'compatibility', 'silent-onset' as const), (text, stray) => {
        const composed = composeJamo(text, stray as 'drop');
        expect(composed).not.toMatch(/[\u1100-\u11FF]/);
        expect(composeJamo(composed, stray as 'drop')).toBe(composed);
      }),
    );
  });

  it('is the inverse of decomposition for every syllable there is', () => {
    const all = Array.from({ length: 0xd7a4 - 0xac00 }, (_, i) => String.fromCharCode(0xac00 + i)).join('');
    for (const stray of ['drop', 'compatibility', 'silent-onset'] as const) {
      expect(composeJamo(all.normalize('NFD'), stray)).toBe(all);
    }
  });
});
