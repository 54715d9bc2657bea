/** Written form to words: what {@link toWritten} writes, and the forms people type, read out. */
import { hasFinal } from './jamo.js';
import { readDigits, readNative, readSino } from './numerals.js';
import { verbalize } from './verbalize.js';

const SYMBOL_UNITS: readonly (readonly [string, string])[] = [
  ['kHz', '킬로헤르츠'], ['Hz', '헤르츠'], ['km', '킬로미터'], ['cm', '센티미터'], ['mm', '밀리미터'], ['m²', '제곱미터'], ['m³', '세제곱미터'], ['kg', '킬로그램'],
  ['mg', '밀리그램'], ['mL', '밀리리터'], ['GB', '기가바이트'], ['MB', '메가바이트'], ['KB', '킬로바이트'], ['TB', '테라바이트'], ['kW', '킬로와트'], ['kcal', '칼로리'],
  ['km/h', '킬로미터퍼시간'], ['m/s', '미터퍼초'], ['km²', '제곱킬로미터'], ['cm²', '제곱센티미터'], ['MHz', '메가헤르츠'], ['GHz', '기가헤르츠'], ['rpm', '알피엠'], ['mA', '밀리암페어'],
  ['dB', '데시벨'], ['kWh', '킬로와트시'], ['ha', '헥타르'], ['ml', '밀리리터'], ['cc', '씨씨'], ['t', '톤'], ['A', '암페어'],
  ['m', '미터'], ['g', '그램'], ['L', '리터'], ['W', '와트'], ['V', '볼트'],
]; // prettier-ignore
const UNIT_PATTERN = new RegExp(
  `(\\d)\\s?(${[...SYMBOL_UNITS]
    .sort((a, b) => b[0].length - a[0].length)
    .map(([symbol]) => symbol)
    .join('|')})(?![A-Za-z/])`,
  'g',
);

/** Marks inside addresses, and endings that are words. */
const MARKS: Readonly<Record<string, string>> = {
  '@': ' 골뱅이 ',
  '.': ' 점 ',
  '/': ' 슬래시 ',
  '-': ' 하이픈 ',
  _: ' 밑줄 ',
  ':': ' 콜론 ',
};
const ENDINGS: Readonly<Record<string, string>> = {
  com: '컴',
  net: '넷',
  org: '오알지',
  app: '앱',
  kr: '케이알',
  co: '씨오',
};
const ADDRESS =
  /(?:https?:\/\/)?[A-Za-z0-9][A-Za-z0-9_-]{0,63}(?:[.@][A-Za-z0-9_-]{1,63}){0,8}[.@][A-Za-z0-9_-]{1,63}\.?[A-Za-z]{2,10}(?![A-Za-z0-9])/g;

/** user01@example.co.kr: letters and digits by name, marks by theirs. */
function readAddress(address: string): string {
  return address
    .replace(/^https?:\/\//, '')
    .split(/([@./_:-])/)
    .map((part) => MARKS[part] ?? ENDINGS[part] ?? part.replace(/\d+/g, (digits) => readDigits(digits)))
    .join('');
}

/** What numbers with many digits name, not count: said digit by digit. */
const SERIAL =
  /((?:예약|주문|인증|배송|회원|접수|신청|확인|관리|계좌|송장|운송장|카드|휴대폰|전화|승인|고객|사업자|학생|우편|비밀)\s?번호[은는이가을를]?|연락처[은는이가을를]?|비밀번호[은는이가을를]?|학번[은는이가을를]?|마지막 4자리|끝자리)\s?(\d[\d .-]{1,24}\d)/g;
const CURRENCIES: Readonly<Record<string, string>> = {
  '₩': '원',
  '￦': '원',
  $: '달러',
  '＄': '달러',
  '€': '유로',
  '£': '파운드',
  '¥': '엔',
  '￥': '엔',
};

/** Telephone numbers, clock times, ISO dates, fractions, mixed 3만 5000, units, money signs, then all other digits and letters. */
export function toSpoken(text: string): string {
  const units = new Map(SYMBOL_UNITS);
  const prepared = text
    .normalize('NFC')
    .replace(ADDRESS, (address) =>
      /[A-Za-z]/.test(address) && !/^v?[\d.]+[A-Za-z]{0,5}$/i.test(address) ? readAddress(address) : address,
    )
    .replace(/\b(\d{4})[- ](\d{4})[- ](\d{4})[- ](\d{4})\b/g, (_, ...groups: string[]) =>
      groups
        .slice(0, 4)
        .map((group) => readDigits(group))
        .join(' '),
    )
    .replace(SERIAL, (_, name: string, digits: string) => `${name} ${readDigits(digits.replace(/\D/g, ''))}`)
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
      /\b([01]?\d|2[0-4]):([0-5]\d):([0-5]\d)\b/g,
      (_, h: string, m: string, second: string) =>
        `${readSino(Number(h))} 시 ${readSino(Number(m))} 분 ${readSino(Number(second))} 초`,
    )
    .replace(
      /\b([01]?\d|2[0-4]):([0-5]\d)\b/g,
      (_, h: string, m: string) =>
        `${readSino(Number(h))} 시${m === '00' ? '' : ` ${readSino(Number(m))} 분`}`,
    )
    .replace(/√\s?(\d{1,6})/g, '루트 $1')
    .replace(/-(?=\d{1,6}(?: \d{1,6})?\/\d)/g, '마이너스 ')
    .replace(/\b(\d{1,6}) (\d{1,6})\/(\d{1,6})\b/g, (_, whole: string, above: string, below: string) => {
      const read = readSino(Number(whole));
      return `${read}${hasFinal(read) ? '과' : '와'} ${readSino(Number(below))}분의 ${readSino(Number(above))}`;
    })
    .replace(
      /\b(\d{1,6})\/(\d{1,6})\b/g,
      (_, above: string, below: string) => `${readSino(Number(below))}분의 ${readSino(Number(above))}`,
    )
    .replace(
      /([₩￦$＄€£¥￥])\s?(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})/g,
      (_, sign: string, amount: string) => `${amount}${CURRENCIES[sign]}`,
    )
    .replace(/°\s?C\b|℃/g, '도')
    .replace(/(^|\s)-(\d)/g, '$1마이너스 $2')
    .replace(UNIT_PATTERN, (_, digit: string, symbol: string) => `${digit} ${units.get(symbol) ?? symbol}`)
    .replace(/(\d{1,4})번째/g, (whole, digits: string) =>
      Number(digits) >= 1 && Number(digits) < 100 ? `${readNative(Number(digits), true)} 번째` : whole,
    );
  return verbalize(prepared).replace(/\s+/g, ' ').trim();
}
