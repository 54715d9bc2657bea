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
    // mixed and decimal fractions, roots
    ['사와 오분의 삼', '4 3/5'], ['마이너스 칠분의 이', '-2/7'], ['이점오분의 일', '1/2.5'], ['팔분의 루트 삼', '√3/8'],
    // numbers and dates in one piece, hours up to 24
    ['이천십오년시월구일', '2015년 10월 9일'], ['이천이십년 이월 삼일', '2020년 2월 3일'], ['오전여섯시반', '오전 6시반'], ['열일곱 시 사십 분', '17시 40분'],
    ['세 시 이 분', '3시 2분'], ['이공이육년', '2026년'],
    // nationwide and emergency numbers, scores, ordinals, counters
    ['천육백에 삼천번', '1600-3000'], ['일일구 불러', '119 불러'], ['일일이 대답했다', '일일이 대답했다'], ['이십이 대 십구', '22 대 19'],
    ['첫 번째 줄', '1번째 줄'], ['육십 번째', '60번째'], ['오십 송이', '50송이'],
    // more units
    ['영하 칠 도', '-7도'], ['오 톤', '5t'], ['팔십 킬로미터퍼시간', '80km/h'], ['이천 알피엠', '2000rpm'], ['십오 암페어', '15A'], ['삼십 불', '30달러'],
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
    expect(toSpoken('4 3/5, -2/7, √3')).toBe('사와 오분의 삼, 마이너스 칠분의 이, 루트 삼');
    expect(toSpoken('1:02:03, €30, 80km/h, 12.5km, -7°C')).toBe(
      '일 시 이 분 삼 초, 삼십유로, 팔십 킬로미터퍼시간, 십이 점 오 킬로미터, 마이너스 칠도',
    );
    expect(toSpoken('kim7@library.co.kr')).toBe('케이아이엠칠 골뱅이 엘아이비알에이알와이 점 씨오 점 케이알');
    expect(toSpoken('예약 번호는 402-119, 4000-1234-5678-9010')).toBe(
      '예약 번호는 사공이일일구, 사공공공 일이삼사 오육칠팔 구공일공',
    );
  });
});

describe('cleaning', () => {
  it('leaves fillers out and keeps pointing words', () => {
    expect(removeFillers('음 그 그 어 자리 좀 예약해 줘').text).toBe('자리 좀 예약해 줘');
    expect(removeFillers('그 자리 예약해 줘').text).toBe('그 자리 예약해 줘');
  });
  it.each([
    ['제 번호는 공일공 일이삼사 오육칠팔이에요', '제 번호는 010-****-****이에요'],
    ['1234-5678-9012-3456이에요', '1234-****-****-****이에요'],
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
