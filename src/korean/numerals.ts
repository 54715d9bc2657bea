/**
 * Korean numerals, both ways. Sino-Korean (일, 이, 삼), native (하나, 둘, 셋; attributive 한, 두, 세), mixed writing
 * (3만 5천), digit by digit (공일공). Forms after the National Institute of Korean Language's 한글 맞춤법 (항 44: numbers
 * are written in groups of 만).
 */

export const SINO_DIGITS = ['영', '일', '이', '삼', '사', '오', '육', '칠', '팔', '구'] as const;
const SMALL_UNITS = ['', '십', '백', '천'] as const;
const LARGE_UNITS = ['', '만', '억', '조', '경'] as const;
const NATIVE_ONES = ['', '하나', '둘', '셋', '넷', '다섯', '여섯', '일곱', '여덟', '아홉'] as const;
const NATIVE_TENS = ['', '열', '스물', '서른', '마흔', '쉰', '예순', '일흔', '여든', '아흔'] as const;
const ATTRIBUTIVE: Readonly<Record<string, string>> = {
  하나: '한',
  둘: '두',
  셋: '세',
  넷: '네',
  스물: '스무',
};

/** Numbers above this are read digit by digit: they do not fit a double exactly. */
export const MAX_NUMBER = Number.MAX_SAFE_INTEGER;

function assertNumber(value: number, max: number): void {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) {
    throw new RangeError(`a whole number from 0 to ${max} is needed`);
  }
}

export interface SinoOptions {
  /** A space between the groups of 만, 억, 조: 삼만 오천. */
  readonly spaced?: boolean;
  /** 일천, 일백, 일십 in place of 천, 백, 십, and 일만 for 10,000, as on cheques. */
  readonly explicitOne?: boolean;
}

function groupOfFour(group: number, explicitOne: boolean): string {
  let words = '';
  for (let power = 3; power >= 0; power--) {
    const digit = Math.floor(group / 10 ** power) % 10;
    if (digit > 0)
      words += (digit === 1 && power > 0 && !explicitOne ? '' : SINO_DIGITS[digit]) + SMALL_UNITS[power];
  }
  return words;
}

/** Sino-Korean reading of a whole number, 0 to {@link MAX_NUMBER}; RangeError outside. */
export function readSino(value: number, options: SinoOptions = {}): string {
  assertNumber(value, MAX_NUMBER);
  if (value === 0) return '영';
  const groups: string[] = [];
  let rest = value;
  for (let unit = 0; rest > 0; unit++) {
    const group = rest % 10_000;
    rest = Math.floor(rest / 10_000);
    if (group === 0) continue;
    // 10,000 is read 만, while 100,000,000 is 일억.
    const bare = group === 1 && unit === 1 && rest === 0 && options.explicitOne !== true;
    groups.unshift((bare ? '' : groupOfFour(group, options.explicitOne === true)) + LARGE_UNITS[unit]);
  }
  return groups.join(options.spaced === true ? ' ' : '');
}

/** 3만 5천, 120억: Arabic digits inside groups, Hangul for the groups' units. `thousands` writes 5천 for 5000. */
export function writeMixed(value: number, options: { readonly thousands?: boolean } = {}): string {
  assertNumber(value, MAX_NUMBER);
  if (value === 0) return '0';
  const groups: string[] = [];
  let rest = value;
  for (let unit = 0; rest > 0; unit++) {
    const group = rest % 10_000;
    rest = Math.floor(rest / 10_000);
    if (group === 0) continue;
    const thousands = options.thousands === true && group % 1000 === 0;
    groups.unshift((thousands ? `${group / 1000}천` : String(group)) + LARGE_UNITS[unit]);
  }
  return groups.join(' ');
}

/**
 * Native reading. 1..99 are purely native; above, the hundreds are Sino-Korean (백스물셋), as people count.
 * @param attributive the form before a counter: 한, 두, 세, 네, 스무
 */
export function readNative(value: number, attributive = false): string {
  assertNumber(value, MAX_NUMBER);
  if (value === 0) return '영';
  const below = value % 100;
  const head = value >= 100 ? readSino(value - below) : '';
  const tens = Math.floor(below / 10);
  const ones = below % 10;
  const stem = ones > 0 ? NATIVE_TENS[tens] : '';
  const tail = ones > 0 ? NATIVE_ONES[ones] : NATIVE_TENS[tens];
  return head + stem + (attributive ? (ATTRIBUTIVE[tail] ?? tail) : tail);
}

/** Digit by digit, as telephone numbers are read. Anything but 0..9 is a RangeError. */
export function readDigits(digits: string, zero: '공' | '영' = '공'): string {
  if (!/^\d*$/.test(digits)) throw new RangeError('only the digits 0 to 9 can be read');
  let out = '';
  for (const digit of digits) out += digit === '0' ? zero : SINO_DIGITS[Number(digit)];
  return out;
}

/** 1,234,567 */
export function writeCommas(value: number): string {
  assertNumber(value, MAX_NUMBER);
  return String(value).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

export type NumeralStyle = 'sino' | 'native' | 'digits' | 'arabic' | 'mixed';

export interface ParsedNumeral {
  readonly value: number;
  /** As digits: keeps the leading zeros of digit strings. */
  readonly digits: string;
  readonly style: NumeralStyle;
  /** Offset after the last character of the numeral. */
  readonly end: number;
  /** Whether the native part stood in its attributive form (한, 두, 스무). */
  readonly attributive: boolean;
}

const DIGIT_OF: Readonly<Record<string, number>> = {
  영: 0, 공: 0, 일: 1, 이: 2, 삼: 3, 사: 4, 오: 5, 육: 6, 륙: 6, 칠: 7, 팔: 8, 구: 9,
}; // prettier-ignore
const SMALL_OF: Readonly<Record<string, number>> = { 십: 10, 백: 100, 천: 1000 };
const LARGE_OF: Readonly<Record<string, number>> = { 만: 1e4, 억: 1e8, 조: 1e12, 경: 1e16 };
/** Longest first. */
const NATIVE_TENS_OF: readonly (readonly [string, number])[] = [
  ['스물', 20], ['스무', 20], ['서른', 30], ['마흔', 40], ['예순', 60], ['일흔', 70], ['여든', 80], ['아흔', 90],
  ['열', 10], ['쉰', 50],
]; // prettier-ignore
const NATIVE_ONES_OF: readonly (readonly [string, number])[] = [
  ['하나', 1], ['다섯', 5], ['여섯', 6], ['일곱', 7], ['여덟', 8], ['여덜', 8], ['아홉', 9],
  ['둘', 2], ['셋', 3], ['넷', 4], ['한', 1], ['두', 2], ['세', 3], ['네', 4],
]; // prettier-ignore
const ATTRIBUTIVE_FORMS = new Set(['한', '두', '세', '네', '스무']);

const isArabic = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9';

/** Longest native numeral below 100 at `start`. */
export function parseNativeAt(text: string, start: number): ParsedNumeral | undefined {
  let at = start;
  let value = 0;
  let last = '';
  const tens = NATIVE_TENS_OF.find(([word]) => text.startsWith(word, at));
  if (tens !== undefined) {
    value = tens[1];
    last = tens[0];
    at += last.length;
  }
  const ones = last === '스무' ? undefined : NATIVE_ONES_OF.find(([word]) => text.startsWith(word, at));
  if (ones !== undefined) {
    value += ones[1];
    last = ones[0];
    at += last.length;
  }
  if (value === 0) return undefined;
  return { value, digits: String(value), style: 'native', end: at, attributive: ATTRIBUTIVE_FORMS.has(last) };
}

interface Group {
  readonly value: number;
  readonly end: number;
  readonly arabic: boolean;
  readonly hangul: boolean;
}

/** One group below 10,000: digits (Hangul or Arabic) before 천, 백, 십 in falling order. */
function parseGroup(text: string, start: number): Group | undefined {
  let at = start;
  let value = 0;
  let limit = 10_000;
  let arabic = false;
  let hangul = false;
  for (;;) {
    let digit: number | undefined;
    let next = at;
    if (isArabic(text[at])) {
      while (isArabic(text[next])) next++;
      if (next - at > 4) return undefined;
      digit = Number(text.slice(at, next));
    } else {
      const found = DIGIT_OF[text[at]];
      if (found !== undefined && found > 0) {
        digit = found;
        next = at + 1;
      }
    }
    const unit = SMALL_OF[text[next]];
    if (unit !== undefined && unit < limit && (digit === undefined || (digit > 0 && digit < 10))) {
      if (digit !== undefined && isArabic(text[at])) arabic = true;
      hangul = true;
      value += (digit ?? 1) * unit;
      limit = unit;
      at = next + 1;
      continue;
    }
    // What stands before a larger unit than the last one is not ours: 이십 천.
    if (digit !== undefined && digit < limit && (isArabic(text[at]) || digit < 10)) {
      if (isArabic(text[at])) arabic = true;
      else hangul = true;
      value += digit;
      at = next;
    }
    break;
  }
  return at === start ? undefined : { value, end: at, arabic, hangul };
}

const skipSpace = (text: string, at: number): number => (text[at] === ' ' ? at + 1 : at);

/** Longest Sino-Korean or mixed numeral with units at `start` (오천이백, 3만 5천, 만 원). One space after a group's unit. */
export function parseSinoAt(text: string, start: number): ParsedNumeral | undefined {
  let at = start;
  let end = start;
  let total = 0;
  let limit = Infinity;
  let arabic = false;
  let hangul = false;
  while (limit > 1) {
    const group = parseGroup(text, at);
    const next = group?.end ?? at;
    const unitAt = group !== undefined && !group.hangul ? skipSpace(text, next) : next;
    const unit = LARGE_OF[text[unitAt]];
    if (unit !== undefined && unit < limit && (group !== undefined || (unit === 1e4 && total === 0))) {
      total += (group?.value ?? 1) * unit;
      if (total > MAX_NUMBER) return undefined;
      hangul = true;
      limit = unit;
      end = unitAt + 1;
      at = skipSpace(text, end);
    } else {
      if (group === undefined) break;
      total += group.value;
      end = group.end;
      limit = 1;
    }
    arabic ||= group?.arabic === true;
    hangul ||= group?.hangul === true;
  }
  if (end === start) return undefined;
  const style: NumeralStyle = arabic ? (hangul ? 'mixed' : 'arabic') : 'sino';
  return { value: total, digits: String(total), style, end, attributive: false };
}

/** Longest run of single digits at `start`: 공일공, 이 삼 is not one run (a space ends it). */
export function parseDigitsAt(text: string, start: number): ParsedNumeral | undefined {
  let at = start;
  let digits = '';
  while (at < text.length && digits.length < 40) {
    const digit = DIGIT_OF[text[at]];
    if (digit === undefined) break;
    digits += String(digit);
    at++;
  }
  if (digits === '') return undefined;
  return { value: Number(digits), digits, style: 'digits', end: at, attributive: false };
}

/** Longest run of Arabic digits, with commas in their places. */
export function parseArabicAt(text: string, start: number): ParsedNumeral | undefined {
  let at = start;
  while (isArabic(text[at])) at++;
  if (at === start) return undefined;
  let digits = text.slice(start, at);
  if (digits.length <= 3) {
    while (text[at] === ',' && isArabic(text[at + 1]) && isArabic(text[at + 2]) && isArabic(text[at + 3])) {
      if (isArabic(text[at + 4])) break;
      digits += text.slice(at + 1, at + 4);
      at += 4;
    }
  }
  return { value: Number(digits), digits, style: 'arabic', end: at, attributive: false };
}

/** The longest numeral of any style that begins at `start`. */
export function parseNumeralAt(text: string, start: number): ParsedNumeral | undefined {
  let best: ParsedNumeral | undefined;
  const consider = (found: ParsedNumeral | undefined): void => {
    if (found !== undefined && (best === undefined || found.end > best.end)) best = found;
  };
  const arabic = parseArabicAt(text, start);
  consider(arabic);
  const sino = parseSinoAt(text, start);
  if (sino !== undefined) {
    consider(sino);
    // 백스물셋: Sino-Korean hundreds, native rest.
    // 백일흔 is 170: the 일 that a longer Sino-Korean reading takes belongs to 일흔 or 일곱.
    const head =
      text[sino.end - 1] === '일' && sino.end - start > 1
        ? parseSinoAt(text.slice(0, sino.end - 1), start)
        : undefined;
    for (const hundreds of [sino, head]) {
      if (hundreds === undefined || hundreds.style !== 'sino' || hundreds.value % 100 !== 0) continue;
      const tail = parseNativeAt(text, hundreds.end);
      if (tail !== undefined) {
        const value = hundreds.value + tail.value;
        consider({ ...tail, value, digits: String(value) });
      }
    }
  }
  consider(parseDigitsAt(text, start));
  consider(parseNativeAt(text, start));
  if (text[start] === '영' && best?.end === start + 1) {
    return { value: 0, digits: '0', style: 'sino', end: start + 1, attributive: false };
  }
  return best;
}

/** The number a whole text stands for, in whatever style; undefined where it is not one numeral. */
export function parseNumeral(text: string): number | undefined {
  const trimmed = text.trim();
  const found = parseNumeralAt(trimmed, 0);
  return found?.end === trimmed.length && found.value <= MAX_NUMBER ? found.value : undefined;
}
