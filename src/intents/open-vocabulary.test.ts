import { describe, expect, it } from 'vitest';
import { basesOf, DEEDS, STATES, type Irregular } from './lexicon/everyday-stems.js';
import { LEARNED_NOUNS } from './lexicon/learned-nouns.js';
import { parseIntent } from './index.js';

const nouns = LEARNED_NOUNS.split(' ');
/** Evenly drawn. */
const some = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => nouns[Math.floor((index * nouns.length) / count)]);
const hasFinal = (word: string): boolean => (word.charCodeAt(word.length - 1) - 0xac00) % 28 !== 0;
const object = (word: string): string => word + (hasFinal(word) ? '을' : '를');
const subject = (word: string): string => word + (hasFinal(word) ? '이' : '가');

/** Words that no list here holds. */
const UNKNOWN = [
  '슈라스코',
  '왁싱',
  '플로깅',
  '템페라',
  '바디프로필',
  '룸서비스',
  '크래프트',
  '도예',
  '카약',
  '클라이밍',
];
const OTHERS_DEEDS: readonly ((word: string) => string)[] = [
  (word) => `${word} 예약해 줘`,
  (word) => `${word} 예약 취소해 주세요`,
  (word) => `${object(word)} 반납할게요`,
  (word) => `${word} 두 시간 연장할게요`,
  (word) => `${word} 결제해 줘`,
  (word) => `${object(word)} 창가로 옮겨 줘`,
  (word) => `${word} 자리 두 개 예약해 줘`,
  (word) => `${word} 예약을 금요일로 바꿔 주세요`,
];
const REASONS: readonly (readonly [say: (word: string) => string, intent: string])[] = [
  [(word) => `${word} 때문에 자리 옮기고 싶어요`, 'move'],
  [(word) => `${subject(word)} 없어서 예약 취소할게요`, 'cancel'],
  [(word) => `${word} 해야 돼서 한 시간 연장해 주세요`, 'extend'],
  [(word) => `${word} 하러 가야 해서 자리 반납할게요`, 'return'],
  [(word) => `${subject(word)} 좋아서 창가 자리로 예약할래요`, 'reserve'],
];

describe('words that the lexicon does not act on', () => {
  it.each([
    ['learned nouns', some(150), 0.05],
    ['words nobody listed', UNKNOWN, 0.15],
  ] as const)('%s are what somebody else books', (_, words, most) => {
    const taken = words.flatMap((word) =>
      OTHERS_DEEDS.map((say) => say(word)).filter((text) => parseIntent(text).intent !== 'none'),
    );
    expect(taken.length / (words.length * OTHERS_DEEDS.length)).toBeLessThanOrEqual(most);
  });

  it.each([
    ['learned nouns', some(150), 0.97],
    ['words nobody listed', UNKNOWN, 0.9],
  ] as const)('%s in a reason leave the request alone', (_, words, least) => {
    const right = words.flatMap((word) =>
      REASONS.filter(([say, intent]) => parseIntent(say(word)).intent === intent),
    );
    expect(right.length / (words.length * REASONS.length)).toBeGreaterThanOrEqual(least);
  });

  it('scraps of an unknown word give no slots', () => {
    expect(parseIntent('전기담요 때문에 예약 취소해 줘').slots).toEqual({});
    expect(parseIntent('공유기 반납 신청해 줘').intent).toBe('none');
    expect(parseIntent('백반 예약 취소해 주세요').slots.seat).toBeUndefined();
  });
});

describe('the bases of everyday stems', () => {
  it.each([
    ['바뀌', 'regular', '바뀌/바뀌/바뀌어'],
    ['심하', 'regular', '심하/심하/심해'],
    ['무겁', 'b', '무겁/무거우/무거워'],
    ['빠르', 'regular', '빠르/빠르/빨라'],
    ['따르', 'regular', '따르/따르/따라'],
    ['아프', 'regular', '아프/아프/아파'],
    ['깨닫', 'd', '깨닫/깨달으/깨달아'],
    ['낫', 's', '낫/나으/나아'],
    ['빨갛', 'h', '빨갛/빨가/빨개'],
    ['길', 'regular', '길/기/길어'],
    ['보태', 'regular', '보태/보태/보태'],
  ] as const)('%s', (stem, irregular, bases) => expect(basesOf(stem, irregular).join('/')).toBe(bases));

  it('are Hangul for every stem', () => {
    for (const [irregular, list] of [...Object.entries(DEEDS), ...Object.entries(STATES)])
      for (const stem of list.split(' '))
        for (const base of basesOf(stem, irregular as Irregular)) expect(base).toMatch(/^[가-힣]+$/);
  });
});
