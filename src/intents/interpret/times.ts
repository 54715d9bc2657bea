/** Dates, times of day and lengths of time. */
import type { Mention } from './phrase.js';
import type { Cursor } from './cursor.js';

type Found = Omit<Mention, 'role' | 'first'> | undefined;

/** HH:MM of minutes after midnight. */
export function clock(minutes: number): string {
  const within = ((minutes % 1440) + 1440) % 1440;
  return `${String(Math.floor(within / 60)).padStart(2, '0')}:${String(within % 60).padStart(2, '0')}`;
}

/** The hour meant by an hour said with a word for the part of the day. Without one it is literal. */
export function hourOf(hour: number, part: string | undefined): number {
  switch (part) {
    case 'am':
    case 'dawn':
    case 'morning':
      return hour === 12 ? 0 : hour;
    case 'pm':
    case 'evening':
      return hour < 12 ? hour + 12 : hour;
    case 'noonish':
      return hour < 7 ? hour + 12 : hour;
    case 'night':
      if (hour === 12) return 0;
      return hour >= 5 && hour < 12 ? hour + 12 : hour;
    default:
      return hour;
  }
}

const DAYPART_SLOT: Readonly<Record<string, string>> = {
  am: 'morning', morning: 'morning', dawn: 'night', pm: 'afternoon', noonish: 'afternoon', evening: 'evening', night: 'night',
}; // prettier-ignore

function timeOfDay(c: Cursor, at: number): Found {
  const word = c.sense(at);
  if (word.startsWith('CLOCK:')) return { kind: 'clock', value: word.slice(6), last: at + 1, explicit: true };
  let i = at;
  let part: string | undefined;
  while (c.sense(i).startsWith('PART:')) {
    // 오늘 밤 오후 ... : the last one said counts, 오전 and 오후 before all.
    const next = c.sense(i).slice(5);
    part = part === 'pm' || part === 'am' ? part : next;
    i++;
    if (c.particle(i, 'AT')) i++;
  }
  const hour = c.number(i);
  // 일곱 씨부터: native numbers count hours, never seats of row C.
  const heard =
    hour?.value !== undefined &&
    hour.sense !== 'sino' &&
    hour.sense !== 'arabic' &&
    hour.value <= 12 &&
    c.is(i + 1, 'C') &&
    c.particle(i + 2, 'SINCE', 'UNTIL', 'AT');
  if (hour?.value !== undefined && hour.value <= 24 && (c.unit(i + 1, 'OCLOCK') || heard)) {
    let minutes = hourOf(hour.value, part) * 60;
    let last = i + 2;
    const minute = c.number(last);
    if (c.is(last, 'HALF')) {
      minutes += 30;
      last++;
    } else if (
      minute?.value !== undefined &&
      minute.value < 60 &&
      (c.unit(last + 1, 'MINUTES') || minute.sense === 'arabic')
    ) {
      if (c.unit(last + 1, 'MINUTES')) {
        minutes += minute.value;
        last += 2;
      } else if (
        minute.text?.length === 2 &&
        c.tokens[i].sense === 'arabic' &&
        !c.unit(last + 1, 'NO', 'NTH')
      ) {
        minutes += minute.value;
        last += 1;
      }
    }
    return { kind: 'clock', value: clock(minutes), last, explicit: part !== undefined, part };
  }
  if (part !== undefined) return { kind: 'daypart', value: DAYPART_SLOT[part], last: i };
  return undefined;
}

function lengthOfTime(c: Cursor, at: number): Found {
  if (c.is(at, 'HALF') && c.is(at + 1, 'TIMEWORD')) return { kind: 'duration', value: '30', last: at + 2 };
  const number = c.number(at);
  if (number?.value === undefined) return undefined;
  if (c.unit(at + 1, 'HOURS')) {
    let minutes = number.value * 60;
    let last = at + 2;
    const rest = c.number(last);
    if (c.is(last, 'HALF')) {
      minutes += 30;
      last++;
    } else if (rest?.value !== undefined && c.unit(last + 1, 'MINUTES')) {
      minutes += rest.value;
      last += 2;
    }
    return { kind: 'duration', value: String(minutes), last };
  }
  if (c.unit(at + 1, 'MINUTES') && (number.sense === 'sino' || number.sense === 'arabic')) {
    return { kind: 'duration', value: String(number.value), last: at + 2 };
  }
  return undefined;
}

const monthDay = (month: number, day: number): string =>
  `--${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;

function date(c: Cursor, at: number): Found {
  const sense = c.sense(at);
  if (sense.startsWith('DATE:')) return { kind: 'date', value: sense.slice(5), last: at + 1 };
  if (sense.startsWith('DAY:')) return { kind: 'date', value: sense.slice(4), last: at + 1 };
  if (sense.startsWith('WEEK:')) {
    const next = c.particle(at + 1, 'AT', 'OF') ? at + 2 : at + 1;
    if (c.sense(next).startsWith('DAY:')) {
      return { kind: 'date', value: `${sense.slice(5)}_${c.sense(next).slice(4)}`, last: next + 1 };
    }
    return undefined;
  }
  const month = c.number(at);
  const day = c.number(at + 2);
  // 시월 십일: the last syllable of eleven is the unit of ten; nobody says a month with a number that has no unit.
  const swallowed = day?.sense === 'sino' && day.value !== undefined && [11, 21, 31].includes(day.value);
  if (
    month?.value !== undefined &&
    c.unit(at + 1, 'MONTH') &&
    swallowed &&
    !c.unit(at + 3, 'DAY', 'NO', 'NTH')
  )
    return month.value < 1 || month.value > 12
      ? undefined
      : { kind: 'date', value: monthDay(month.value, day.value - 1), last: at + 3 };
  if (
    month?.value !== undefined &&
    c.unit(at + 1, 'MONTH') &&
    day?.value !== undefined &&
    c.unit(at + 3, 'DAY')
  ) {
    if (month.value < 1 || month.value > 12 || day.value < 1 || day.value > 31) return undefined;
    return {
      kind: 'date',
      value: monthDay(month.value, day.value),
      last: at + 4,
    };
  }
  return undefined;
}

/** A date, a time of day, a part of the day or a length of time at one token. */
export function readTime(c: Cursor, at: number): Found {
  return date(c, at) ?? timeOfDay(c, at) ?? lengthOfTime(c, at);
}
