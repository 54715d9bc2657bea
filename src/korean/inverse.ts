/**
 * Inverse text normalisation: words as they are said to the house's written form (삼만 오천 원 -> 3만 5000원), with every
 * piece aligned to the words, and so to the seconds, it came from. House style: docs/reference/korean-text.md.
 */
import {
  asWords,
  join,
  MAX_ALIGNED_LENGTH,
  pieceOf,
  type AlignedText,
  type Piece,
  type TimedWord,
} from './aligned.js';
import { LETTER_NAMES } from './latin.js';
import { parseArabicAt, parseNativeAt, parseSinoAt, type ParsedNumeral } from './numerals.js';
import { NATIVE_UNITS, NOT_NUMBERS, SINO_UNITS } from './units.js';
import { decimalTail, digitwise, endsWell, fraction, numberFollows, numberText, phone, score, Stream, type Written } from './written-forms.js'; // prettier-ignore

function sinoOrArabic(s: Stream, at: number): ParsedNumeral | undefined {
  const sino = parseSinoAt(s.text, at);
  const arabic = parseArabicAt(s.text, at);
  if (s.text[at] === '영' && sino === undefined)
    return { value: 0, digits: '0', style: 'sino', end: at + 1, attributive: false };
  return arabic !== undefined && arabic.end > (sino?.end ?? 0) ? arabic : sino;
}

/** After 이 on its own these are more often things pointed at: 이 분, 이 점, 이 장. */
const POINTED = new Set([
  '분',
  '점',
  '도',
  '차',
  '장',
  '원',
  '위',
  '동',
  '회',
  '배',
  '관',
  '대',
  '세',
  '주',
  '일',
  '월',
  '시',
  '개',
  '인',
  '년',
  '행',
  '열',
  '호',
  '초',
  '평',
  '쪽',
  '등',
  '권',
  '박',
]);

/** Units that a date or a time is made of: another may follow, and what looks like a word is one of them. */
const CHAINED = new Set(['년', '월', '일', '시', '분']);
const ALL_UNITS = [...SINO_UNITS, ...NATIVE_UNITS.filter((unit) => !SINO_UNITS.some(([said]) => said === unit)).map((unit) => [unit, unit] as const)]; // prettier-ignore
/** Native counters take Sino-Korean numerals from here on: 사십 그루. */
const COUNTED_FROM = 10;

function withUnit(s: Stream, at: number, numeral: ParsedNumeral, chained = false): Written | undefined {
  const whole = longestUnit(s, at, numeral, chained);
  // 십 일: ten days, where the longer reading 십일 has no unit.
  if (
    whole !== undefined ||
    s.text[numeral.end - 1] !== '일' ||
    (s.begins[numeral.end - 1] !== 1 && !chained) ||
    numeral.end - at < 2
  )
    return whole;
  const shorter = parseSinoAt(s.text.slice(0, numeral.end - 1), at);
  return shorter?.end === numeral.end - 1 ? longestUnit(s, at, shorter, chained) : undefined;
}

function longestUnit(s: Stream, at: number, numeral: ParsedNumeral, chained: boolean): Written | undefined {
  const decimal = decimalTail(s, numeral.end);
  const after = decimal?.end ?? numeral.end;
  const number = numberText(numeral) + (decimal?.text ?? '');
  // 오십 프로, 삼 킬로미터: the longest unit that stands here.
  const unit = (numeral.value >= COUNTED_FROM ? ALL_UNITS : SINO_UNITS)
    .filter(([said]) => s.text.startsWith(said, after))
    .sort((a, b) => b[0].length - a[0].length)[0];
  if (
    unit !== undefined &&
    (endsWell(s, after + unit[0].length) ||
      (CHAINED.has(unit[0]) && numberFollows(s, after + unit[0].length)))
  ) {
    const end = after + unit[0].length;
    if (!chained && s.text.slice(at, after) === '이' && s.begins[after] === 1 && POINTED.has(unit[0]))
      return undefined;
    if (
      !chained &&
      numeral.style === 'sino' &&
      s.begins[after] !== 1 &&
      NOT_NUMBERS.has(s.text.slice(at, end))
    )
      return undefined;
    return { end, text: number + unit[1] };
  }
  return decimal !== undefined && endsWell(s, after) ? { end: after, text: number } : undefined;
}

function native(s: Stream, at: number, chained: boolean): Written | undefined {
  if (s.text.startsWith('첫번째', at) && endsWell(s, at + 3)) return { end: at + 3, text: '1번째' };
  const numeral = parseNativeAt(s.text, at);
  if (numeral === undefined) return undefined;
  const unit = NATIVE_UNITS.filter((said) => s.text.startsWith(said, numeral.end)).sort(
    (a, b) => b.length - a.length,
  )[0];
  if (unit === undefined) return undefined;
  const stop = numeral.end + unit.length;
  if (!endsWell(s, stop) && !(unit === '시' && numberFollows(s, stop))) return undefined;
  const end = numeral.end + unit.length;
  const value = numeral.value;
  if ((unit === '시' && value > 24) || (value < 5 && !numeral.attributive)) return undefined;
  if (!chained && s.begins[numeral.end] !== 1 && NOT_NUMBERS.has(s.text.slice(at, end))) return undefined;
  // 한 번, 한 편: once and on the one hand, not a count that is written in digits.
  if (value === 1 && (unit === '번' || unit === '편' || unit === '칸' || unit === '차례')) return undefined;
  return { end, text: `${value}${unit}` };
}

function month(s: Stream, at: number): Written | undefined {
  const value = s.text.startsWith('유월', at) ? '6월' : s.text.startsWith('시월', at) ? '10월' : undefined;
  return value !== undefined && (endsWell(s, at + 2) || numberFollows(s, at + 2))
    ? { end: at + 2, text: value }
    : undefined;
}

/** 제삼 회, 제이 열람실 */
function ordinal(s: Stream, at: number): Written | undefined {
  if (s.text[at] !== '제') return undefined;
  const numeral = parseSinoAt(s.text, at + 1);
  const written = numeral === undefined ? undefined : withUnit(s, at + 1, numeral);
  return written === undefined ? undefined : { end: written.end, text: `제${written.text}` };
}

const SIGNS: readonly (readonly [string, string])[] = [
  ['마이너스', '-'],
  ['플러스', '+'],
  ['영하', '-'],
];
function signed(s: Stream, at: number): Written | undefined {
  const sign = SIGNS.find(([word]) => s.text.startsWith(word, at));
  if (sign === undefined) return undefined;
  const broken = fraction(s, at + sign[0].length);
  if (broken !== undefined) return { ...broken, text: sign[1] + broken.text };
  const numeral = sinoOrArabic(s, at + sign[0].length);
  if (numeral === undefined) return undefined;
  const written =
    withUnit(s, at, numeral) ??
    (endsWell(s, numeral.end) ? { end: numeral.end, text: numberText(numeral) } : undefined);
  // 영하 is said of degrees only.
  if (written === undefined || (sign[0] === '영하' && !written.text.endsWith('도'))) return undefined;
  return { end: written.end, text: sign[1] + written.text };
}

/** Large numbers stand for themselves without a unit; small ones are left in words. */
function bare(s: Stream, at: number, numeral: ParsedNumeral): Written | undefined {
  if (numeral.style === 'arabic' || numeral.value < 11 || !endsWell(s, numeral.end)) return undefined;
  if (NOT_NUMBERS.has(s.text.slice(at, numeral.end))) return undefined;
  const syllables = numeral.end;
  return s.begins[syllables] === 1 && numeral.value >= 11
    ? { end: numeral.end, text: numberText(numeral) }
    : undefined;
}

/** Letters by name, longest first; a word of three names or more, or a well-known pair, is an abbreviation. */
const NAMES = [...Object.entries(LETTER_NAMES), ['C', '시'] as const, ['V', '비'] as const].sort(
  (a, b) => b[1].length - a[1].length,
);
const PAIRS: Readonly<Record<string, string>> = {
  티비: 'TV', 티브이: 'TV', 피시: 'PC', 피씨: 'PC', 에이아이: 'AI', 아이티: 'IT', 씨디: 'CD', 시디: 'CD', 큐알: 'QR', 아이디: 'ID', 디엠: 'DM', 엠티: 'MT', 오티: 'OT',
}; // prettier-ignore
function letters(s: Stream, at: number): Written | undefined {
  const pair = Object.entries(PAIRS).find(
    ([said]) => s.text.startsWith(said, at) && endsWell(s, at + said.length),
  );
  let end = at;
  let out = '';
  let distinct = 0;
  while (end < s.text.length && out.length < 12) {
    const name = NAMES.find(([, said]) =>
      s.text.startsWith(said, end) && said !== '비' && said !== '시'
        ? true
        : s.text.startsWith(said, end) && out !== '',
    );
    if (name === undefined) break;
    if (s.begins[end] === 1 && end > at && name[1].length === 1) break;
    out += name[1] === '시' ? 'C' : name[1] === '비' ? 'B' : name[0];
    if (name[1].length > 1) distinct++;
    end += name[1].length;
  }
  if (out.length >= 3 && distinct >= 1 && s.begins[end] === 1) return { end, text: out };
  return pair === undefined ? undefined : { end: at + pair[0].length, text: pair[1] };
}

function rewrite(s: Stream, at: number, chained: boolean): Written | undefined {
  const whole =
    phone(s, at) ??
    fraction(s, at) ??
    score(s, at) ??
    digitwise(s, at) ??
    month(s, at) ??
    ordinal(s, at) ??
    signed(s, at);
  if (whole !== undefined) return whole;
  const numeral = sinoOrArabic(s, at);
  const counted = native(s, at, chained);
  const measured = numeral === undefined ? undefined : withUnit(s, at, numeral, chained);
  if (counted !== undefined && counted.end >= (measured?.end ?? 0)) return counted;
  return measured ?? (numeral === undefined ? undefined : bare(s, at, numeral)) ?? letters(s, at);
}

/** Words that an hour follows. */
const PARTS = /^(?:오전|오후|새벽|아침|저녁|밤|낮)/;

/**
 * Written form of recognised words. Only what clearly is a number with its unit, a date, a time, an amount, a telephone
 * number or an abbreviation is rewritten; `raw` keeps what was recognised. Linear in the length; words beyond
 * {@link MAX_ALIGNED_LENGTH} characters are left as they are.
 */
export function toWritten(input: string | readonly TimedWord[]): AlignedText {
  const words = asWords(input);
  const s = new Stream(words);
  const pieces: Piece[] = [];
  const limit = Math.min(s.text.length, MAX_ALIGNED_LENGTH);
  let from = 0;
  let at = 0;
  const keep = (end: number): void => {
    // What was left in words, one piece a word.
    while (from < end) {
      let stop = from + 1;
      while (stop < end && s.begins[stop] !== 1) stop++;
      const raw = s.text.slice(from, stop);
      const index = s.word[from];
      pieces.push(pieceOf(words, index, index, raw, raw, s.begins[from] === 1 ? ' ' : ''));
      from = stop;
    }
  };
  let joined = false;
  let chained = false;
  while (at < limit) {
    const written: Written | undefined = s.begins[at] === 1 || joined ? rewrite(s, at, chained) : undefined;
    joined = false;
    chained = false;
    if (written === undefined) {
      // 오후네시: the hour may follow without a space.
      const part = s.begins[at] === 1 ? PARTS.exec(s.text.slice(at, at + 2))?.[0] : undefined;
      joined = part !== undefined && s.begins[at + part.length] !== 1;
      chained = joined;
      at += part?.length ?? 1;
      continue;
    }
    keep(at);
    const raw = words
      .slice(s.word[at], s.word[written.end - 1] + 1)
      .map(({ word }) => word)
      .join(' ');
    pieces.push(
      pieceOf(words, s.word[at], s.word[written.end - 1], written.text, raw, s.begins[at] === 1 ? ' ' : ' '),
    );
    at = written.end;
    from = at;
    // 세시삼십분: the next number may follow without a space.
    joined = s.begins[at] !== 1;
    chained = CHAINED.has(written.text.slice(-1)) && /\d.$/.test(written.text);
  }
  keep(s.text.length);
  return join(words, pieces);
}
