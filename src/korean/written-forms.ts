/** Forms of several numbers that are written as one: telephone numbers, fractions, scores. Parts of inverse.ts. */
import type { TimedWord } from './aligned.js';
import { parseDigitsAt, parseNativeAt, parseSinoAt, writeMixed, type ParsedNumeral } from './numerals.js';

/** The text without spaces, and where each character stands. */
export class Stream {
  readonly text: string;
  readonly word: Uint32Array;
  readonly begins: Uint8Array;
  constructor(readonly words: readonly TimedWord[]) {
    this.text = words.map(({ word }) => word).join('');
    this.word = new Uint32Array(this.text.length);
    this.begins = new Uint8Array(this.text.length + 1);
    let at = 0;
    words.forEach(({ word }, index) => {
      this.begins[at] = 1;
      this.word.fill(index, at, at + word.length);
      at += word.length;
    });
    this.begins[this.text.length] = 1;
  }
}

export interface Written {
  readonly end: number;
  readonly text: string;
}

/** What may follow a unit inside its word: particles and the copula. */
const AFTER =
  /^(?:은|는|이|가|을|를|에|의|로|으로|와|과|도|만|까지|부터|보다|나|이나|랑|이랑|하고|께|쯤|정도|씩|마다|요|이요|예요|이에요|입니다|이야|야|인|이고|이며|이었|였|이다|인데|이면|밖에|짜리|이라|라|째|간|반|동안|전|후|뒤|이상|이하|미만|초과|대|여|이내|안|차|용|분|당|가량|남짓|말고|님|씨)/;

export function endsWell(s: Stream, end: number): boolean {
  return s.begins[end] === 1 || AFTER.test(s.text.slice(end, end + 4));
}

/** Whether a month, a day, an hour or a minute may begin here: 이천십년 + 시월십일. */
export const numberFollows = (s: Stream, at: number): boolean =>
  s.text.startsWith('유월', at) ||
  s.text.startsWith('시월', at) ||
  parseSinoAt(s.text, at) !== undefined ||
  parseNativeAt(s.text, at)?.attributive === true;

export const numberText = (numeral: ParsedNumeral): string =>
  numeral.value >= 10_000 ? writeMixed(numeral.value) : String(numeral.value);

export function decimalTail(s: Stream, end: number): Written | undefined {
  if (s.text[end] !== '점') return undefined;
  const digits = parseDigitsAt(s.text, end + 1);
  return digits === undefined ? undefined : { end: digits.end, text: `.${digits.digits}` };
}

/** 공일공 일이삼사 오육칠팔; 에 or 다시 may stand between. 천오백팔십팔에 이공공공. 일일구. */
export function phone(s: Stream, at: number): Written | undefined {
  return mobileOrLocal(s, at) ?? nationwide(s, at) ?? emergency(s, at);
}

function mobileOrLocal(s: Stream, at: number): Written | undefined {
  if (s.text[at] !== '공' && s.text[at] !== '영' && s.text[at] !== '일') return undefined;
  let digits = '';
  let end = at;
  while (digits.length < 12) {
    const run = parseDigitsAt(s.text, end);
    if (run === undefined) break;
    digits += run.digits;
    end = run.end;
    const link = s.text.startsWith('다시', end) ? 2 : s.text[end] === '에' || s.text[end] === '-' ? 1 : 0;
    if (parseDigitsAt(s.text, end + link) === undefined) break;
    end += link;
  }
  const parts =
    /^(02)(\d{3,4})(\d{4})$/.exec(digits) ??
    /^(01[016789]|0[3-6]\d|070)(\d{3,4})(\d{4})$/.exec(digits) ??
    /^(1[568]\d\d)(\d{4})$/.exec(digits);
  return parts === null ? undefined : { end, text: parts.slice(1).join('-') };
}

/** Numbers that cost the same from everywhere: the first half is read as a number, the second by its digits or whole. */
function nationwide(s: Stream, at: number): Written | undefined {
  const head = parseSinoAt(s.text, at);
  if (head === undefined || !/^1[568]\d\d$/.test(String(head.value)) || s.text[head.end] !== '에')
    return undefined;
  const digits = parseDigitsAt(s.text, head.end + 1);
  if (digits?.digits.length === 4) return { end: digits.end, text: `${head.value}-${digits.digits}` };
  const whole = parseSinoAt(s.text, head.end + 1);
  if (whole === undefined || whole.value < 1000 || whole.value > 9999 || s.text[whole.end] !== '번')
    return undefined;
  return { end: whole.end + 1, text: `${head.value}-${whole.value}` };
}

/** 일일이 is also an adverb: only where somebody is called. */
function emergency(s: Stream, at: number): Written | undefined {
  const called = /^(일일구|일일이(?=에(?:신고|전화)|로(?:신고|전화)))/.exec(s.text.slice(at, at + 8))?.[0];
  if (called === undefined || !(endsWell(s, at + 3) || s.text[at + 3] === '에')) return undefined;
  return { end: at + 3, text: called === '일일구' ? '119' : '112' };
}

/** A number under or over a stroke: whole, with decimals, or a root (루트 사). */
function part(s: Stream, at: number): Written | undefined {
  const root = s.text.startsWith('루트', at) ? 2 : 0;
  const start = at + root;
  const numeral =
    parseSinoAt(s.text, start) ?? (s.text[start] === '영' ? { value: 0, end: start + 1 } : undefined);
  if (numeral === undefined) return undefined;
  const tail = decimalTail(s, numeral.end);
  return { end: tail?.end ?? numeral.end, text: `${root > 0 ? '√' : ''}${numeral.value}${tail?.text ?? ''}` };
}

/** 삼 분의 일, 삼과 사분의 일, 영점오분의 일, 구분의 루트 십육. */
export function fraction(s: Stream, at: number): Written | undefined {
  const first = part(s, at);
  if (first === undefined) return undefined;
  if (s.text.startsWith('분의', first.end)) return over(s, first, '');
  if (s.text[first.end] !== '과' && s.text[first.end] !== '와') return undefined;
  const below = part(s, first.end + 1);
  return below === undefined || !s.text.startsWith('분의', below.end)
    ? undefined
    : over(s, below, `${first.text} `);
}

function over(s: Stream, below: Written, whole: string): Written | undefined {
  const above = part(s, below.end + 2);
  if (above === undefined || !endsWell(s, above.end)) return undefined;
  return { end: above.end, text: `${whole}${above.text}/${below.text}` };
}

/** 십일 대 삼: a score, written with its spaces. */
export function score(s: Stream, at: number): Written | undefined {
  const ours = parseSinoAt(s.text, at);
  if (
    ours === undefined ||
    s.text[ours.end] !== '대' ||
    s.begins[ours.end] !== 1 ||
    s.begins[ours.end + 1] !== 1
  )
    return undefined;
  const theirs = parseSinoAt(s.text, ours.end + 1);
  if (theirs === undefined || !endsWell(s, theirs.end)) return undefined;
  return { end: theirs.end, text: `${ours.value} 대 ${theirs.value}` };
}

/** 이공이육 년: said digit by digit, with what tells that it is no other word. */
export function digitwise(s: Stream, at: number): Written | undefined {
  const run = parseDigitsAt(s.text, at);
  if (run === undefined || run.digits.length < 3) return undefined;
  const unit = /^(?:년|원|번지|번|호실|호|동)/.exec(s.text.slice(run.end, run.end + 2))?.[0];
  if (unit === undefined || !endsWell(s, run.end + unit.length)) return undefined;
  return { end: run.end + unit.length, text: run.digits + unit };
}
