/** Commands as Korean sentences, with the particles that fit. */
import type { IntentName, Preference, Slots } from './contract.js';
import { hasFinal } from '../korean/jamo.js';

/** A particle pair by the sound before it: 을/를, 이/가, 으로/로 (after ㄹ too 로). */
export function withParticle(word: string, pair: '을/를' | '이/가' | '은/는' | '으로/로'): string {
  const [closed, open] = pair.split('/');
  const last = word.trimEnd().at(-1) ?? '';
  const rieul = pair === '으로/로' && ((last.charCodeAt(0) - 0xac00) % 28 === 8 || '178'.includes(last));
  return word + (hasFinal(word) && !rieul ? closed : open);
}

const PREFERENCES: Readonly<Record<Preference, string>> = {
  window: '창가', aisle: '통로 쪽', outlet: '콘센트가 있는', partition: '칸막이', normal: '일반', corner: '구석', quiet: '조용한', front: '앞쪽',
  back: '뒤쪽', middle: '가운데', away_from_door: '문에서 먼',
}; // prettier-ignore
const DAYS: Readonly<Record<string, string>> = {
  mon: '월요일',
  tue: '화요일',
  wed: '수요일',
  thu: '목요일',
  fri: '금요일',
  sat: '토요일',
  sun: '일요일',
};
const DATES: Readonly<Record<string, string>> = {
  today: '오늘',
  tomorrow: '내일',
  day_after_tomorrow: '모레',
};
const DAYPARTS = { morning: '아침', afternoon: '오후', evening: '저녁', night: '밤' } as const;

export function sayDate(date: string): string {
  const known = DATES[date] ?? DAYS[date];
  if (known !== undefined) return known;
  const week = /^(this|next)_(\w{3})$/.exec(date);
  if (week !== null) return `${week[1] === 'this' ? '이번 주' : '다음 주'} ${DAYS[week[2]] ?? ''}`;
  const day = /^--(\d{2})-(\d{2})$/.exec(date);
  return day === null ? date : `${Number(day[1])}월 ${Number(day[2])}일`;
}

export function sayTime(time: string): string {
  if (time === 'now') return '지금';
  const [hours, minutes] = time.split(':').map(Number);
  const half = hours < 12 ? '오전' : '오후';
  return `${half} ${hours % 12 === 0 ? 12 : hours % 12}시${minutes === 0 ? '' : ` ${minutes}분`}`;
}

export function sayDuration(minutes: number): string {
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  return [hours > 0 ? `${hours}시간` : '', rest > 0 ? `${rest}분` : ''].filter(Boolean).join(' ');
}

export function saySeat(seat: string): string {
  if (/^\d+$/.test(seat)) return `${seat}번 자리`;
  const position = /^(\d+)-(\d+)$/.exec(seat);
  return position === null ? `${seat} 자리` : `${position[1]}열 ${position[2]}번 자리`;
}

/** The object of a command: 내일 오후 3시부터 5시까지 2열람실 27번 자리. */
export function sayObject(slots: Slots): string {
  const parts: string[] = [];
  if (slots.date !== undefined) parts.push(sayDate(slots.date));
  if (slots.daypart !== undefined) parts.push(DAYPARTS[slots.daypart]);
  if (slots.time !== undefined)
    parts.push(
      sayTime(slots.time) +
        (slots.until !== undefined && slots.time !== 'now' ? '부터' : slots.time === 'now' ? '' : '에'),
    );
  if (slots.until !== undefined) parts.push(`${sayTime(slots.until)}까지`);
  if (slots.duration_min !== undefined) parts.push(`${sayDuration(slots.duration_min)} 동안`);
  if (slots.floor !== undefined) parts.push(slots.floor < 0 ? `지하 ${-slots.floor}층` : `${slots.floor}층`);
  if (slots.room !== undefined) parts.push(`${slots.room}열람실`);
  if (slots.exclude !== undefined)
    parts.push(`${slots.exclude.map((wish) => PREFERENCES[wish]).join(', ')} 자리를 뺀`);
  for (const wish of slots.preference ?? []) parts.push(PREFERENCES[wish]);
  if (slots.adjacent === true) parts.push('나란히 붙은');
  if (slots.seats !== undefined)
    parts.push(slots.seats.map((seat) => saySeat(seat).replace(/ 자리$/, '')).join(', ') + ' 자리');
  else if (slots.seat !== undefined && slots.relative !== undefined) {
    parts.push(`${saySeat(slots.seat)} ${{ next: '옆', front: '앞', behind: '뒤' }[slots.relative]}자리`);
  } else if (slots.seat !== undefined) parts.push(saySeat(slots.seat));
  else if (slots.row !== undefined) parts.push(`${slots.row}열 자리`);
  else if (slots.relative !== undefined)
    parts.push({ next: '옆자리', front: '앞자리', behind: '뒷자리' }[slots.relative]);
  else if (slots.any_seat === true) parts.push('아무 자리');
  else if (slots.party_size !== undefined) parts.push(`자리 ${slots.party_size}개`);
  else parts.push('자리');
  return parts.join(' ');
}

const DEEDS: Partial<Record<IntentName, string>> = { reserve: '예약', return: '반납', purchase: '결제' };

/** The question that asks for a yes: 27번 자리를 반납할까요? */
export function askConfirmation(intent: IntentName, slots: Slots): string {
  const object = sayObject(slots);
  switch (intent) {
    case 'cancel':
      if (slots.all === true) return '예약을 모두 취소할까요?';
      if (slots.seat !== undefined || slots.seats !== undefined) return `${object} 예약을 취소할까요?`;
      return slots.date === undefined ? '예약을 취소할까요?' : `${sayDate(slots.date)} 예약을 취소할까요?`;
    case 'move':
      return `${withParticle(object, '으로/로')} 옮길까요?`;
    case 'extend': {
      const seat = slots.seat === undefined ? '이용 시간을' : `${saySeat(slots.seat)} 이용 시간을`;
      if (slots.max === true) return `${seat} 최대한 연장할까요?`;
      if (slots.until !== undefined) return `${seat} ${sayTime(slots.until)}까지 연장할까요?`;
      return slots.duration_min === undefined
        ? `${seat} 연장할까요?`
        : `${seat} ${sayDuration(slots.duration_min)} 연장할까요?`;
    }
    default:
      return `${withParticle(object, '을/를')} ${DEEDS[intent] ?? '진행'}할까요?`;
  }
}
