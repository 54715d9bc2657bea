import { describe, expect, it } from 'vitest';
import { readNative, readSino } from '../korean/numerals.js';
import type { Slots } from './contract.js';
import { parseIntent } from './index.js';

/** Whole families of sentences: what is meant is computed, not copied from what the parser says. */
type Row = readonly [text: string, intent: string, slots: Slots];

const POLITE = [
  '해 줘', '해 주세요', '해 주십시오', '해 주시겠습니까', '해 줄래', '해 주실래요', '할게요', '할래요', '하고 싶은데요', '하고 싶습니다',
  '했으면 좋겠어요', '해 주시면 좋겠어요', '하려고요', '하려고 하는데요', '하겠습니다', '부탁드립니다', '해야겠어요', '하십시오', '하자', '해라',
]; // prettier-ignore
const LETTERS = { A: '에이', B: '비', C: '씨', D: '디', F: '에프' } as const;
const native = (value: number): string => readNative(value, true);
const ordinal = (value: number): string => `${['', '첫', '둘', '셋', '넷'][value] ?? native(value)}째`;
const nth = (value: number): string => `${value === 1 ? '첫' : native(value)} 번째`;

function wrong(rows: readonly Row[]): string[] {
  const sorted = (slots: Slots): string => JSON.stringify(Object.entries(slots).sort());
  return rows.flatMap(([text, intent, slots]) => {
    const got = parseIntent(text);
    return got.intent === intent && sorted(got.slots) === sorted(slots)
      ? []
      : [`${text}: ${got.intent} ${JSON.stringify(got.slots)}`];
  });
}

describe('families of sentences', () => {
  it('numbered seats, every third up to 300, in every politeness', () => {
    const rows: Row[] = [];
    for (let value = 1; value <= 300; value += 3) {
      const polite = POLITE[value % POLITE.length];
      const seat = String(value);
      for (const number of [readSino(value), seat]) {
        rows.push([`${number}번 자리 예약 ${polite}`, 'reserve', { seat }]);
        rows.push([`${number}번 좌석 반납 ${polite}`, 'return', { seat }]);
        rows.push([`${number}번 예약 취소 ${polite}`, 'cancel', { seat }]);
        rows.push([`${number}번으로 이동 ${polite}`, 'move', { seat }]);
        rows.push([`${number}번 결제 ${polite}`, 'purchase', { seat }]);
        rows.push([`${number}번 비어 있나요`, 'check_seat', { seat }]);
      }
    }
    expect(wrong(rows)).toEqual([]);
  });

  it('lettered seats: 이, 일, 오 and 구 are numbers behind a letter', () => {
    const rows: Row[] = [];
    for (const [letter, name] of Object.entries(LETTERS)) {
      for (let place = 1; place <= 10; place++) {
        const seat = letter + String(place);
        for (const said of [`${name} ${readSino(place)}`, `${name}${readSino(place)}`]) {
          rows.push([`${said}번 자리 예약해 줘`, 'reserve', { seat }]);
          rows.push([`${said} 자리 맡아 주세요`, 'reserve', { seat }]);
          rows.push([`${said} 취소할게요`, 'cancel', { seat }]);
          rows.push([`${said} 결제할래요`, 'purchase', { seat }]);
          rows.push([`${said} 비어 있나요`, 'check_seat', { seat }]);
        }
      }
    }
    expect(wrong(rows)).toEqual([]);
  });

  it('rows and places in them, by ordinals and by counting', () => {
    const rows: Row[] = [];
    for (let row = 1; row <= 10; row++) {
      for (let place = 1; place <= 10; place++) {
        const seat = `${row}-${place}`;
        rows.push([`${ordinal(row)} 줄 ${ordinal(place)} 자리 예약해 줘`, 'reserve', { seat }]);
        rows.push([`${nth(row)} 줄 ${nth(place)} 자리로 옮길게요`, 'move', { seat }]);
      }
    }
    for (const [letter, name] of Object.entries(LETTERS)) {
      for (let place = 1; place <= 9; place++) {
        rows.push([`${name}열 ${nth(place)} 자리로 옮겨 줘`, 'move', { seat: letter + String(place) }]);
      }
    }
    expect(wrong(rows)).toEqual([]);
  });

  it('lengths of time, 1 to 12 hours and 10 to 90 minutes, in every way to ask for more', () => {
    const rows: Row[] = [];
    const lengths: [string, number][] = [];
    for (let hours = 1; hours <= 12; hours++) {
      lengths.push([`${native(hours)} 시간`, hours * 60], [`${hours}시간`, hours * 60]);
      lengths.push([`${native(hours)} 시간 반`, hours * 60 + 30]);
    }
    for (let minutes = 10; minutes <= 90; minutes += 5) lengths.push([`${readSino(minutes)} 분`, minutes]);
    lengths.forEach(([said, minutes], index) => {
      const slots = { duration_min: minutes };
      rows.push([`${said} 연장 ${POLITE[index % POLITE.length]}`, 'extend', slots]);
      for (const ask of [
        '더 해 줘',
        '만 연장해 줘',
        '늘려 주세요',
        '더 쓸게요',
        '추가해 주세요',
        '더 있을게요',
        '더',
      ])
        rows.push([`${said} ${ask}`, 'extend', slots]);
      rows.push([`${said} 예약해 줘`, 'reserve', slots]);
    });
    expect(wrong(rows)).toEqual([]);
  });

  it('reading rooms, 제일열람실 among them', () => {
    const rows: Row[] = [];
    for (let value = 1; value <= 9; value++) {
      const room = String(value);
      for (const said of [
        `제${readSino(value)}열람실`,
        `${readSino(value)}열람실`,
        `제${value}열람실`,
        `${nth(value)} 열람실`,
      ]) {
        rows.push([`${said} 빈자리 있나요`, 'list_available', { room }]);
        rows.push([`${said}에 남은 좌석 몇 개나 있습니까`, 'list_available', { room }]);
        rows.push([`${said} 이십칠 번 예약해 주세요`, 'reserve', { room, seat: '27' }]);
      }
    }
    expect(wrong(rows)).toEqual([]);
  });

  it.each(['도착', '시험', '생일', '월급날', '개봉'])('%s까지 얼마나 남았어: nobody’s seat', (what) => {
    expect(parseIntent(`${what}까지 얼마나 남았어`).intent).toBe('none');
  });
});
