/** Written form to words: what {@link toWritten} writes, and the forms people type, read out. */
import { readDigits, readNative, readSino } from './numerals.js';
import { verbalize } from './verbalize.js';

const SYMBOL_UNITS: readonly (readonly [string, string])[] = [
  ['kHz', '킬로헤르츠'], ['Hz', '헤르츠'], ['km', '킬로미터'], ['cm', '센티미터'], ['mm', '밀리미터'], ['m²', '제곱미터'], ['m³', '세제곱미터'], ['kg', '킬로그램'],
  ['mg', '밀리그램'], ['mL', '밀리리터'], ['GB', '기가바이트'], ['MB', '메가바이트'], ['KB', '킬로바이트'], ['TB', '테라바이트'], ['kW', '킬로와트'], ['kcal', '칼로리'],
  ['m', '미터'], ['g', '그램'], ['L', '리터'], ['W', '와트'], ['V', '볼트'],
]; // prettier-ignore
const UNIT_PATTERN = new RegExp(
  `(\\d)\\s?(${SYMBOL_UNITS.map(([symbol]) => symbol).join('|')})(?![A-Za-z])`,
  'g',
);

/** Telephone numbers, clock times, ISO dates, fractions, mixed 3만 5000, units, money signs, then all other digits and letters. */
export function toSpoken(text: string): string {
  const units = new Map(SYMBOL_UNITS);
  const prepared = text
    .normalize('NFC')
    .replace(
      /\b(\d{2,4})-(\d{3,4})-(\d{4})\b/g,
      (_, a: string, b: string, c: string) => `${readDigits(a)} ${readDigits(b)} ${readDigits(c)}`,
    )
    .replace(/\b(1[568]\d\d)-(\d{4})\b/g, (_, a: string, b: string) => `${readDigits(a)} ${readDigits(b)}`)
    .replace(
      /\b(\d{4})-(\d{2})-(\d{2})\b/g,
      (_, y: string, m: string, d: string) =>
        `${readSino(Number(y))}년 ${Number(m)}월 ${readSino(Number(d))}일`,
    )
    .replace(
      /\b([01]?\d|2[0-4]):([0-5]\d)\b/g,
      (_, h: string, m: string) =>
        `${readSino(Number(h))} 시${m === '00' ? '' : ` ${readSino(Number(m))} 분`}`,
    )
    .replace(
      /\b(\d{1,6})\/(\d{1,6})\b/g,
      (_, above: string, below: string) => `${readSino(Number(below))}분의 ${readSino(Number(above))}`,
    )
    .replace(/[₩￦]\s?(\d{1,3}(?:,\d{3}){0,4}|\d{1,15})/g, '$1원')
    .replace(/\$\s?(\d{1,3}(?:,\d{3}){0,4}|\d{1,15})/g, '$1달러')
    .replace(/(^|\s)-(\d)/g, '$1마이너스 $2')
    .replace(UNIT_PATTERN, (_, digit: string, symbol: string) => `${digit} ${units.get(symbol) ?? symbol}`)
    .replace(/(\d{1,4})번째/g, (whole, digits: string) =>
      Number(digits) >= 1 && Number(digits) < 100 ? `${readNative(Number(digits), true)} 번째` : whole,
    );
  return verbalize(prepared).replace(/\s+/g, ' ').trim();
}
