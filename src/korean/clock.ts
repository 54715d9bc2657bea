/** Times of day in words and back. */
import { parseNumeral, readNative, readSino } from './numerals.js';

export type ClockStyle =
  | '24h' // 십오 시 삼십 분
  | '12h' // 오후 세 시 삼십 분
  | '12h-half'; // 오후 세 시 반

/** A time of day in words. RangeError outside 0..1439 minutes after midnight. */
export function readClock(minutes: number, style: ClockStyle = '12h'): string {
  if (!Number.isInteger(minutes) || minutes < 0 || minutes >= 1440)
    throw new RangeError('minutes after midnight, 0 to 1439');
  const hour = Math.floor(minutes / 60);
  const minute = minutes % 60;
  const tail = minute === 0 ? '' : minute === 30 && style === '12h-half' ? ' 반' : ` ${readSino(minute)} 분`;
  if (style === '24h') return `${readSino(hour)} 시${tail}`;
  return `${hour < 12 ? '오전' : '오후'} ${readNative(hour % 12 === 0 ? 12 : hour % 12, true)} 시${tail}`;
}

/**
 * Minutes after midnight of a time in words or digits (오후 세 시 반, 십오 시 삼십 분, 3시 30분, 15:30, 정오, 자정);
 * undefined where the text is not exactly one. Without 오전 or 오후 the hour is taken as said.
 */
export function parseClock(text: string): number | undefined {
  const plain = text.replace(/\s+/g, '').slice(0, 40);
  if (plain === '정오') return 720;
  if (plain === '자정') return 0;
  const digital = /^(\d{1,2}):(\d{2})$/.exec(plain);
  const part = /^(?:오전|오후|새벽|아침|낮|저녁|밤)/.exec(plain)?.[0] ?? '';
  const rest = plain.slice(part.length);
  const at = rest.indexOf('시');
  if (digital === null && at <= 0) return undefined;
  const hour = digital === null ? parseNumeral(rest.slice(0, at)) : Number(digital[1]);
  const tail = digital === null ? rest.slice(at + 1) : `${digital[2]}분`;
  const minute =
    tail === '' ? 0 : tail === '반' ? 30 : tail.endsWith('분') ? parseNumeral(tail.slice(0, -1)) : undefined;
  if (hour === undefined || minute === undefined || hour > 24 || minute > 59) return undefined;
  const afternoon =
    part === '오후' ||
    part === '저녁' ||
    (part === '낮' && hour < 7) ||
    (part === '밤' && hour > 4 && hour !== 12);
  const morning = part === '오전' || part === '새벽' || part === '아침' || (part === '밤' && hour === 12);
  const hours = afternoon && hour < 12 ? hour + 12 : morning && hour === 12 ? 0 : hour % 24;
  return hours * 60 + minute;
}
