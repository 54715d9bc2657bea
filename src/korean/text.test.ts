import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { maskNumbers, removeFillers } from './clean.js';
import { toWritten } from './inverse.js';
import { compose, decompose, hasFinal, jamoDistance } from './jamo.js';
import { pronounce } from './pronunciation.js';
import { restoreSpacing } from './spacing.js';
import { toSpoken } from './spoken.js';

describe('inverse text normalisation', () => {
  it.each([
    // cardinals and large numbers
    ['구백구십구', '999'], ['오십만 명', '50만명'], ['십이억 삼천만 원', '12억 3000만원'],
    // money
    ['삼만 오천 원 주세요', '3만 5000원 주세요'], ['천오백 달러', '1500달러'],
    // telephone
    ['공일공 일이삼사 오육칠팔로 전화해', '010-1234-5678로 전화해'], ['공이 삼사오에 육칠팔구', '02-345-6789'],
    // dates and times
    ['이천이십육 년 십일 월 이십삼 일', '2026년 11월 23일'], ['유월 십 일', '6월 10일'], ['시월 구 일에', '10월 9일에'],
    ['오후 세 시 삼십 분에 만나', '오후 3시 30분에 만나'], ['한 시간 반 동안', '1시간 반 동안'],
    // counters, ordinals, ages
    ['사과 두 개', '사과 2개'], ['두 번째 줄 세 명', '2번째 줄 3명'], ['스무 살', '20살'], ['제이 열람실 이십칠 번 자리', '제2열람실 27번 자리'],
    ['삼 학년', '3학년'], ['삼 층에', '3층에'],
    // decimals, fractions, per cent, signs, units
    ['삼 점 오 퍼센트', '3.5%'], ['영 점 오', '0.5'], ['삼 분의 일', '1/3'], ['이십 프로 할인', '20% 할인'], ['마이너스 오 도', '-5도'],
    ['백이십 킬로미터', '120km'], ['오십 킬로그램', '50kg'],
    // letters
    ['케이티엑스 타고', 'KTX 타고'], ['유에스비 꽂아', 'USB 꽂아'],
    // what is left alone
    ['이번 주에 사회 생활', '이번 주에 사회 생활'], ['한 번 더', '한 번 더'], ['그 사람은 이 분이 좋다고', '그 사람은 이 분이 좋다고'],
    ['만일 오시면', '만일 오시면'],
  ])('%s -> %s', (said, written) => {
    const result = toWritten(said);
    expect(result.text).toBe(written);
    expect(result.raw).toBe(said);
  }); // prettier-ignore

  it('keeps word times', () => {
    const words = ['내일', '이십', '칠', '번'].map((word, i) => ({ word, start: i, end: i + 0.9 }));
    expect(toWritten(words).pieces).toEqual([
      { text: '내일', before: ' ', raw: '내일', firstWord: 0, lastWord: 0, start: 0, end: 0.9 },
      { text: '27번', before: ' ', raw: '이십 칠 번', firstWord: 1, lastWord: 3, start: 1, end: 3.9 },
    ]);
  });

  it('loses no word, whatever it is given', () => {
    const word = fc.string({
      unit: fc.constantFrom(...'일이삼십백만공점분의시번가나예약한두세네개명 '),
      maxLength: 30,
    });
    fc.assert(
      fc.property(word, (text) => {
        const { pieces, raw } = toWritten(text);
        const covered = new Set(pieces.flatMap(({ firstWord, lastWord }) => [firstWord, lastWord]));
        if (raw !== '') {
          expect(covered.has(0)).toBe(true);
          expect(covered.has(raw.split(' ').length - 1)).toBe(true);
        }
      }),
    );
  });

  it('reads written forms out', () => {
    expect(toSpoken('010-1234-5678')).toBe('공일공 일이삼사 오육칠팔');
    expect(toSpoken('15:30, 2026-11-23, 1/3, 120km, 2번째')).toBe(
      '십오 시 삼십 분, 이천이십육년 십일월 이십삼일, 삼분의 일, 백이십 킬로미터, 두 번째',
    );
    expect(toSpoken('3만 5000원')).toBe('삼만 오천원');
  });
});

describe('cleaning', () => {
  it('leaves fillers out and keeps pointing words', () => {
    expect(removeFillers('음 그 그 어 자리 좀 예약해 줘').text).toBe('자리 좀 예약해 줘');
    expect(removeFillers('그 자리 예약해 줘').text).toBe('그 자리 예약해 줘');
  });
  it.each([
    ['제 번호는 공일공 일이삼사 오육칠팔이에요', '제 번호는 010-****-****'],
    ['주민번호는 900101-1234567', '주민번호는 900101-*******'],
    ['구공공일공일 일이삼사오육칠', '900101-*******'],
    ['카드 4111 1111 1111 1111', '카드 4111-****-****-****'],
    ['이십칠 번 자리', '이십칠 번 자리'],
  ])('masks %s', (text, masked) => {
    const result = maskNumbers(text);
    expect(result.text).toBe(masked);
    if (text !== masked)
      expect(result.raw + JSON.stringify(result.pieces)).not.toMatch(/1234567|일이삼사|5678|1111 1111/);
  });
  it('puts spaces between known words and leaves the rest together', () => {
    expect(restoreSpacing('창가자리로예약해주세요').text).toBe('창가 자리로 예약해 주세요');
    expect(restoreSpacing('이십칠번자리예약할게요').text).toBe('이십칠 번 자리 예약할게요');
    expect(restoreSpacing('쀍뚫').text).toBe('쀍뚫');
  });
});

describe('jamo', () => {
  it('come apart and together', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.integer({ min: 0xac00, max: 0xd7a3 }).map((code) => String.fromCharCode(code)),
          maxLength: 12,
        }),
        (text) => {
          // A coda before ㅇ is no ambiguity: the silent ㅇ is written.
          expect(compose(decompose(text))).toBe(text);
        },
      ),
    );
  });
  it('know codas and distances', () => {
    expect(['창가', '자리', '27번', '3', 'A'].map(hasFinal)).toEqual([false, false, true, true, false]);
    expect(jamoDistance('예약', '에약')).toBe(1);
    expect(pronounce('예약해')).toBe('예야캐');
  });
});
