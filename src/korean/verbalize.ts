/** Written form to words: numbers with the numeral their counter takes, symbols, Latin letters. */
import { readLatin } from './latin.js';
import { MAX_NUMBER, readDigits, readNative, readSino } from './numerals.js';

/** Counter and the largest number that is usually read with a native numeral before it. Longest first where one begins another. */
export const NATIVE_COUNTERS: readonly (readonly [string, number])[] = [
  ['시간', 99], ['사람', 99], ['가지', 99], ['군데', 99], ['그릇', 99], ['송이', 99], ['켤레', 99], ['마리', 99],
  ['번째', 99], ['자리', 20], ['좌석', 20], ['개월', 0], ['분이', 20],
  ['시', 12], ['명', 99], ['개', 99], ['살', 99], ['번', 20], ['장', 20], ['잔', 99], ['병', 20], ['권', 20],
  ['대', 20], ['달', 12], ['채', 20], ['벌', 20], ['칸', 20],
]; // prettier-ignore

const SYMBOLS: Readonly<Record<string, string>> = {
  '%': ' 퍼센트', '‰': ' 퍼밀', '℃': '도', '°': '도', '㎞': '킬로미터', '㎏': '킬로그램', '㎝': '센티미터', '㎜': '밀리미터',
  '㎡': '제곱미터', '&': ' 앤 ', '+': ' 플러스 ', '₩': ' 원 ', '＄': ' 달러 ', $: ' 달러 ', '@': ' 골뱅이 ',
}; // prettier-ignore

const isDigit = (character: string | undefined): boolean =>
  character !== undefined && character >= '0' && character <= '9';

function counterAt(text: string, at: number): readonly [string, number] | undefined {
  return NATIVE_COUNTERS.find(([counter]) => text.startsWith(counter, at));
}

/** One run of digits at `start`; commas between digits belong to it. Returns the reading and where it ends. */
function readNumberAt(text: string, start: number): { reading: string; end: number } {
  let end = start;
  let whole = '';
  while (isDigit(text[end]) || (text[end] === ',' && isDigit(text[end + 1]))) {
    if (text[end] !== ',') whole += text[end];
    end++;
  }
  let fraction = '';
  if (text[end] === '.' && isDigit(text[end + 1])) {
    end++;
    while (isDigit(text[end])) fraction += text[end++];
  }
  const value = Number(whole);
  const asDigits = (whole.length > 1 && whole.startsWith('0')) || whole.length > 16 || value > MAX_NUMBER;
  if (!asDigits && fraction === '') {
    let next = end;
    while (text[next] === ' ') next++;
    const counter = counterAt(text, next);
    if (counter !== undefined && value >= 1 && value <= counter[1]) {
      return { reading: `${readNative(value, true)} `, end: next };
    }
    // 6월 and 10월 lose a coda, in speech and in spelling.
    if (text[next] === '월' && (value === 6 || value === 10)) {
      return { reading: value === 6 ? '유' : '시', end: next };
    }
  }
  const reading = asDigits ? readDigits(whole) : readSino(value);
  return { reading: fraction === '' ? reading : `${reading} 점 ${readDigits(fraction, '영')}`, end };
}

const isLatin = (character: string | undefined): boolean =>
  character !== undefined &&
  ((character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z'));

/** Numbers, Latin letters and common symbols read out in Korean; everything else is left as it stands. Linear time. */
export function verbalize(text: string): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (isDigit(character)) {
      const { reading, end } = readNumberAt(text, at);
      out += reading;
      at = end;
    } else if (isLatin(character)) {
      let end = at;
      while (isLatin(text[end])) end++;
      out += readLatin(text.slice(at, end));
      at = end;
    } else {
      out += SYMBOLS[character] ?? character;
      at++;
    }
  }
  return out;
}
