import { describe, expect, it } from 'vitest';
import { parseClock, readClock } from './clock.js';
import { parseNumeral, readDigits, readNative, readSino, writeCommas, writeMixed } from './numerals.js';

const STYLES: readonly (readonly [string, (value: number) => string])[] = [
  ['sino', (value) => readSino(value)],
  ['sino, spaced, with every 일', (value) => readSino(value, { spaced: true, explicitOne: true })],
  ['mixed', (value) => writeMixed(value, { thousands: true })],
  ['commas', writeCommas],
  ['native', (value) => readNative(value)],
  ['native before a counter', (value) => readNative(value, true)],
  ['digit by digit', (value) => readDigits(String(value))],
];

describe('numerals', () => {
  it.each(STYLES)('%s: every number of a dense sample of 0..9,999,999 comes back', (_, read) => {
    // All of 0..20,000, then a stride that is prime to 10, so that every digit is met in every place.
    for (let value = 0; value <= 9_999_999; value += value < 20_000 ? 1 : 331) {
      if (parseNumeral(read(value)) !== value) expect(`${value}: ${read(value)}`).toBe('round trip');
    }
  });

  it.each([
    [0, '영'], [10, '십'], [10_000, '만'], [110_000, '십일만'], [100_000_000, '일억'], [35_000, '삼만오천'], [1_004, '천사'],
  ])('%i is read %s', (value, text) => expect(readSino(value)).toBe(text)); // prettier-ignore

  it('reads native numerals in their attributive forms', () => {
    expect([1, 2, 3, 4, 20, 21, 99, 123].map((value) => readNative(value, true))).toEqual([
      '한', '두', '세', '네', '스무', '스물한', '아흔아홉', '백스물세',
    ]); // prettier-ignore
  });

  it.each(['', '가', '일 이', '이백천', '만만', '열스물'])('%j is no numeral', (text) =>
    expect(parseNumeral(text)).toBeUndefined(),
  );

  it('refuses what is no whole number in range', () => {
    for (const value of [-1, 1.5, NaN, Infinity, 2 ** 60]) expect(() => readSino(value)).toThrow(RangeError);
    expect(() => readDigits('12a')).toThrow(RangeError);
  });
});

describe('times of day', () => {
  it.each(['24h', '12h', '12h-half'] as const)('%s: all 1,440 minutes come back', (style) => {
    for (let minute = 0; minute < 1440; minute++) {
      if (parseClock(readClock(minute, style)) !== minute)
        expect(readClock(minute, style)).toBe(String(minute));
    }
  });
  it('reads what people type', () => {
    expect(['15:30', '오후 3시 반', '정오', '자정', '밤 12시', '세 시', '25:00', '3시 70분', '세'].map(parseClock)).toEqual([
      930, 930, 720, 0, 0, 180, undefined, undefined, undefined,
    ]); // prettier-ignore
  });
});
