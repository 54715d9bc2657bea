/** Finds what is mentioned: seats, rooms, dates, times, amounts, wishes. One pass from left to right, longest first. */
import { Class } from '../grammar/lexicon.js';
import type { Token } from '../grammar/lattice.js';
import { Cursor } from './cursor.js';
import { readTime } from './times.js';
import { PREFERENCE_OF, type Mention, type MentionKind, type Role } from './phrase.js';

/** How a venue names its seats decides what a letter may be. */
export interface MentionOptions {
  readonly letters: boolean;
  /** All seats here are named by letters: 이열 is row E, not row 2. */
  readonly onlyLetters: boolean;
  /** All seats here have plain numbers: 이번 자리 is seat 2. */
  readonly onlyNumbers: boolean;
}

type Found = Omit<Mention, 'role' | 'first'> | undefined;

const found = (kind: MentionKind, value: string, last: number, more: Partial<Mention> = {}): Found => ({
  kind,
  value,
  last,
  ...more,
});

/** 번, 번째, 번째 자리 after a seat's number, and 자리 after those: where the seat's words end. */
function seatEnd(c: Cursor, at: number): number {
  let end = at;
  if (c.unit(end, 'NO', 'NTH', 'NTHSEAT')) end++;
  if (c.is(end, 'SEAT') && c.tokens[end].cls === Class.noun) end++;
  return end;
}

function skipLink(c: Cursor, at: number): number {
  return c.particle(at, 'AT', 'OF', 'FROM', 'TOPIC') ? at + 1 : at;
}

function rowEnd(c: Cursor, at: number): number | undefined {
  if (c.unit(at, 'ROW')) return at + 1;
  if (c.is(at, 'ROWWORD')) return at + 1;
  if (c.unit(at, 'NTH', 'NO') && c.is(at + 1, 'ROWWORD')) return at + 2;
  return undefined;
}

/** 이번, which is also 이 번; not 이번 주. */
function isThisTime(c: Cursor, at: number): boolean {
  return c.is(at, 'WEEK:this') && c.tokens[at].end - c.tokens[at].start <= 4;
}

/** 사 번, 네 번째 자리, 넷째 자리 behind a row; 네 자리 are four seats. */
function placeInRow(c: Cursor, at: number): { value: number; last: number } | undefined {
  // 칠행 이번 자리: place two of a row.
  if (isThisTime(c, at)) return { value: 2, last: seatEnd(c, at + 1) };
  const number = c.number(at);
  if (number?.value === undefined) return undefined;
  const named = c.unit(at + 1, 'NO', 'NTH', 'NTHSEAT') || c.is(at + 1, 'SEAT');
  if (number.sense === 'ordinal') {
    return { value: number.value, last: c.unit(at + 1, 'PIECES') ? at + 2 : seatEnd(c, at + 1) };
  }
  if (!named || (number.sense === 'attributive' && c.tokens[at + 1].cls !== Class.unit)) return undefined;
  return { value: number.value, last: seatEnd(c, at + 1) };
}

/** 에이열 두 번째 sounds like 에이 열두 번째, which nobody says. */
function rowHeardAsTen(c: Cursor, at: number): { value: number; last: number } | undefined {
  const number = c.number(at);
  if (number?.value === undefined || number.value <= 10 || number.value >= 20) return undefined;
  if (number.sense !== 'attributive' && number.sense !== 'native' && number.sense !== 'ordinal')
    return undefined;
  const seat = number.sense === 'ordinal' || c.unit(at + 1, 'NTH', 'NTHSEAT');
  if (!seat) return undefined;
  return { value: number.value - 10, last: c.unit(at + 1, 'PIECES') ? at + 2 : seatEnd(c, at + 1) };
}

/** 이 육 번: the letter E is said like the number 2, and nobody says two and six that way. */
function spokenE(c: Cursor, at: number): Found {
  const two = c.number(at);
  const next = c.number(at + 1);
  if (two?.value === 2 && two.sense === 'sino' && c.is(at + 1, 'WEEK:this'))
    return found('seat', 'E2', seatEnd(c, at + 2));
  if (two?.value !== 2 || two.sense !== 'sino' || two.end - two.start !== 1 || c.number(at - 1) !== undefined)
    return undefined;
  if (next?.value === undefined || next.sense !== 'sino' || next.value < 1 || next.value > 99)
    return undefined;
  if (
    c.number(at + 2) !== undefined ||
    c.unit(at + 2, 'OCLOCK', 'HOURS', 'MINUTES', 'PEOPLE', 'ROOM', 'FLOOR', 'ROW')
  )
    return undefined;
  return found('seat', `E${next.value}`, seatEnd(c, at + 2));
}

function letterSeat(c: Cursor, at: number): Found {
  const letter = c.letter(at);
  if (letter !== undefined) {
    const next = c.particle(at + 1, 'DASH') ? at + 2 : at + 1;
    if (c.is(next, 'JOB')) return found('seat', `${letter.sense}1`, next + 1); // 에이 일 자리
    // 에이 이 번, 에이 이 자리: after a letter these are no 이번 and no 이 자리.
    if (c.is(next, 'WEEK:this')) return found('seat', `${letter.sense}2`, seatEnd(c, next + 1));
    if (c.is(next, 'THAT') && c.tokens[next].end - c.tokens[next].start >= 5)
      return found('seat', `${letter.sense}2`, next + 1);
    const number = c.number(next);
    // 비상구: no B heard with a number that was heard wrong, unless a unit vouches for it.
    if (number !== undefined && number.edits > 0 && seatEnd(c, next + 1) === next + 1) return undefined;
    const inRow = rowHeardAsTen(c, next);
    if (inRow !== undefined) return found('seat', `${letter.sense}${inRow.value}`, inRow.last);
    if (number !== undefined && !c.unit(next + 1, 'OCLOCK', 'HOURS', 'MINUTES', 'PEOPLE', 'ROOM', 'FLOOR')) {
      return found('seat', `${letter.sense}${number.value}`, seatEnd(c, next + 1));
    }
    const row = rowEnd(c, at + 1);
    if (row !== undefined) {
      const inner = skipLink(c, row);
      if (c.is(inner, 'WEEK:this')) return found('seat', `${letter.sense}2`, seatEnd(c, inner + 1));
      const position = placeInRow(c, inner);
      if (position !== undefined) return found('seat', `${letter.sense}${position.value}`, position.last);
      return found('row', letter.sense, row);
    }
    if (c.unit(at + 1, 'PIECES')) return undefined;
    return undefined;
  }
  const spoken = spokenE(c, at);
  if (spoken !== undefined) return spoken;
  const number = c.number(at);
  if (number === undefined) return undefined;
  const row = rowEnd(c, at + 1) ?? (c.unit(at + 1, 'NO', 'NTH') ? at + 2 : at + 1);
  const inner = skipLink(c, row);
  const after = c.letter(inner);
  if (after === undefined || c.number(inner + 1) !== undefined) return undefined;
  // 삼 번 이 ... : the letter E is also a particle and a demonstrative; it needs 자리 or 열 after it.
  const named = c.is(inner + 1, 'SEAT', 'ROW', 'ROWWORD') || c.unit(inner + 1, 'PIECES');
  if (after.sense === 'E' && !named && after.end - after.start === 1 && inner !== at + 1) return undefined;
  return found('seat', `${after.sense}${number.value}`, named ? inner + 2 : inner + 1);
}

function rowSeat(c: Cursor, at: number): Found {
  const number = c.number(at);
  if (number === undefined) return undefined;
  if (c.particle(at + 1, 'DASH') && c.number(at + 2) !== undefined) {
    return found('seat', `${number.value}-${c.number(at + 2)?.value}`, seatEnd(c, at + 3));
  }
  const inRow = number.sense === 'sino' || number.sense === 'arabic' ? rowHeardAsTen(c, at + 1) : undefined;
  if (inRow !== undefined) return found('seat', `${number.value}-${inRow.value}`, inRow.last);
  const row = rowEnd(c, at + 1);
  if (row === undefined) return undefined;
  const inner = skipLink(c, row);
  const position = placeInRow(c, inner);
  if (position !== undefined) return found('seat', `${number.value}-${position.value}`, position.last);
  return found('row', String(number.value), row);
}

function room(c: Cursor, at: number): Found {
  const sense = c.sense(at);
  if (sense.startsWith('ROOM:')) return found('room', sense.slice(5), at + 1);
  if (sense === 'ROOMWORD') {
    const number = c.number(at + 1);
    // 열람실 이십칠 번: the number is a seat's; 열람실 2: the room's.
    if (
      number !== undefined &&
      number.sense === 'arabic' &&
      !c.unit(at + 2, 'NO', 'NTH', 'NTHSEAT', 'PEOPLE', 'PIECES', 'HOURS')
    ) {
      return found('room', String(number.value), at + 2);
    }
    return undefined;
  }
  const start = sense === 'ORDINALROOM' ? at + 1 : at;
  const number = c.number(start);
  if (number === undefined) return undefined;
  if (c.unit(start + 1, 'ROOM')) return found('room', String(number.value), start + 2);
  if (c.is(start + 1, 'ROOMWORD')) return found('room', String(number.value), start + 2);
  if (c.unit(start + 1, 'NTH', 'NO') && c.is(start + 2, 'ROOMWORD'))
    return found('room', String(number.value), start + 3);
  return undefined;
}

function party(c: Cursor, at: number): Found {
  if (c.is(at, 'ALONE')) return found('party', '1', at + 1);
  if (c.sense(at).startsWith('PARTY:')) return found('party', c.sense(at).slice(6), at + 1);
  const number = c.number(at);
  if (number?.value === undefined || number.value < 1 || number.value > 99) return undefined;
  const native = number.sense === 'native' || number.sense === 'attributive';
  if (c.unit(at + 1, 'PEOPLE')) return found('party', String(number.value), at + 2);
  if (c.unit(at + 1, 'MINUTES') && native) return found('party', String(number.value), at + 2);
  if (number.sense === 'ordinal') return undefined;
  if (c.unit(at + 1, 'PIECES') && (native || number.value <= 10))
    return found('party', String(number.value), at + 2);
  if (number.sense === 'attributive' && c.is(at + 1, 'SEAT'))
    return found('party', String(number.value), at + 2);
  if (
    number.sense === 'native' &&
    !c.particle(at + 1, 'ALSO') &&
    !c.unit(at + 1, 'NO', 'NTH', 'NTHSEAT', 'OCLOCK', 'HOURS', 'ROW', 'FLOOR', 'FOREIGN')
  ) {
    return number.value <= 20 ? found('party', String(number.value), at + 1) : undefined;
  }
  return undefined;
}

function numberSeat(c: Cursor, at: number): Found {
  const number = c.number(at);
  if (number?.value === undefined || number.value < 1 || number.sense === 'month') return undefined;
  const value = String(number.value);
  if (number.sense === 'ordinal' && c.unit(at + 1, 'PIECES')) return found('seat', value, at + 2);
  if (c.unit(at + 1, 'NO', 'NTH', 'NTHSEAT')) {
    const end = seatEnd(c, at + 1);
    // 한 번, 두 번 count times, not seats, unless a seat is spoken of.
    const counts =
      number.sense === 'attributive' && number.value <= 10 && c.unit(at + 1, 'NO') && end === at + 2;
    if (counts && !c.particle(end, 'TO') && c.tokens[at + 1].end - c.tokens[at + 1].start <= 3)
      return undefined;
    return found('seat', value, end);
  }
  if (c.is(at + 1, 'SEAT') && number.sense !== 'attributive') return found('seat', value, at + 2);
  if (c.tokens[at + 1]?.cls === Class.unit) return undefined;
  if (number.sense !== 'sino' && number.sense !== 'arabic') return undefined;
  return found('seat', value, at + 1, { bare: true });
}

const SIMPLE: Readonly<Record<string, MentionKind>> = {
  ANY: 'any', ADJACENT: 'adjacent', ALL: 'all', BOTH: 'all', MAX: 'max', MAXEXTEND: 'max', RIGHTNOW: 'now', THAT: 'that', OTHER: 'other', TOGETHER: 'together',
}; // prettier-ignore

function simple(c: Cursor, at: number): Found {
  const sense = c.sense(at);
  // 두 자리 붙어, 둘이 붙어 앉게: sounds like 부터, which no number of people takes.
  if (c.particle(at, 'SINCE') && (c.sense(at - 1).startsWith('PARTY:') || c.unit(at - 1, 'PIECES', 'PEOPLE')))
    return found('adjacent', 'true', at + 1);
  if (c.tokens[at].cls !== Class.noun) {
    // 붙어 앉다, 이어지다
    return sense === 'STICK'
      ? found('adjacent', 'true', at + (c.tokens[at + 1]?.cls === Class.ending ? 2 : 1))
      : undefined;
  }
  if (sense in SIMPLE) return found(SIMPLE[sense], sense === 'BOTH' ? 'both' : 'true', at + 1);
  if (sense === 'DOOR') {
    // 문에서 먼, 출입구랑 떨어진
    for (let i = at + 1; i <= at + 4; i++) {
      if (c.is(i, 'FAR'))
        return found('preference', 'away_from_door', c.tokens[i + 1]?.cls === Class.ending ? i + 2 : i + 1);
    }
    return undefined;
  }
  // 조용해: a state, no wish for a quiet seat.
  if (sense === 'QUIET' && c.is(at + 1, 'DO')) return undefined;
  const preference = PREFERENCE_OF[sense];
  if (preference !== undefined) {
    const end = c.is(at + 1, 'PLACE', 'SEAT', 'NEXT') ? at + 2 : at + 1;
    return found('preference', preference, c.is(end, 'SEAT') ? end + 1 : end);
  }
  if (sense === 'NEXT') return found('relative', 'next', c.is(at + 1, 'SEAT', 'PLACE') ? at + 2 : at + 1);
  return undefined;
}

/** Particles and words after a mention, behind 자리, 쪽 and the like. */
function roleAt(c: Cursor, at: number): Role {
  let i = at;
  while (c.is(i, 'SEAT', 'PLACE', 'ROWWORD', 'ROOMWORD') || c.particle(i, 'ABOUT', 'AT', 'OF')) i++;
  if (c.particle(i, 'ONLY', 'SUBJECT', 'TOPIC', 'OBJECT') && c.is(i + 1, 'NEGATE')) return 'rejected';
  if (c.particle(i, 'ONLY', 'SUBJECT', 'TOPIC') && c.is(i + 1, 'WRONG', 'NO') && i + 2 < c.tokens.length)
    return 'rejected';
  const none = c.particle(i, 'SUBJECT', 'TOPIC', 'ALSO') ? i + 1 : i;
  // 없는, 없고 exclude; 없을까, 없나 ask for it.
  if (c.is(none, 'NOTEXIST') && !c.is(none + 1, 'question', 'plain', 'condition', 'past-question', 'cause'))
    return 'rejected';
  if (c.particle(i, 'TOPIC', 'SUBJECT') && c.is(i + 1, 'HATE')) return 'rejected';
  // 십오 번은 됐고
  if (c.particle(i, 'TOPIC') && c.is(i + 1, 'BECOME') && c.is(i + 2, 'past') && i + 3 < c.tokens.length)
    return 'rejected';
  if (c.is(i, 'NEGATE') || c.particle(i, 'BE:not-connect')) return 'rejected';
  if (c.particle(i, 'FROM')) return 'from';
  if (c.particle(i, 'SINCE')) return 'since';
  if (c.particle(i, 'UNTIL')) return 'until';
  if (c.particle(i, 'TO')) return c.is(i + 1, 'NEGATE') ? 'rejected' : 'to';
  if (c.particle(i, 'BE:correct')) return 'asserted';
  return 'plain';
}

/** 이열, 이열 삼 번 where rows have letters. */
function rowE(c: Cursor, at: number): Found {
  const two = c.number(at);
  const row = rowEnd(c, at + 1);
  if (two?.value !== 2 || two.sense !== 'sino' || row === undefined || !c.unit(at + 1, 'ROW'))
    return undefined;
  const inner = skipLink(c, row);
  const position = c.is(inner, 'WEEK:this') ? 2 : c.number(inner)?.value;
  return position === undefined
    ? found('row', 'E', row)
    : found('seat', `E${position}`, seatEnd(c, inner + 1));
}

/** 이 십 번 where seats have letters: nobody says a row and a seat as twenty. */
function seatOfE(c: Cursor, at: number): Found {
  const number = c.number(at);
  if (number?.sense !== 'sino' || number.value === undefined || number.value < 20 || number.value > 29)
    return undefined;
  const seat = numberSeat(c, at);
  return seat === undefined ? undefined : { ...seat, value: `E${number.value - 10}` };
}

/** 이번 자리 where seats have numbers. */
function seatTwo(c: Cursor, at: number): Found {
  if (!isThisTime(c, at) || !c.is(at + 1, 'SEAT') || c.tokens[at + 1].cls !== Class.noun) return undefined;
  return found('seat', '2', at + 2);
}

/** Everything mentioned, in order. */
export function findMentions(tokens: readonly Token[], options: MentionOptions): Mention[] {
  const c = new Cursor(tokens);
  const mentions: Mention[] = [];
  let at = 0;
  while (at < tokens.length) {
    const hit: Found =
      (options.onlyNumbers ? seatTwo(c, at) : undefined) ??
      readTime(c, at) ??
      room(c, at) ??
      (options.onlyLetters ? rowE(c, at) : undefined) ??
      (options.letters ? letterSeat(c, at) : undefined) ??
      floor(c, at) ??
      rowSeat(c, at) ??
      party(c, at) ??
      (options.onlyLetters ? seatOfE(c, at) : undefined) ??
      numberSeat(c, at) ??
      simple(c, at);
    if (hit === undefined) {
      at++;
      continue;
    }
    mentions.push({ ...hit, first: at, role: roleAt(c, hit.last) });
    at = hit.last;
  }
  relate(c, mentions);
  return mentions;
}

function floor(c: Cursor, at: number): Found {
  const below = c.is(at, 'ONEFLOORDOWN');
  const start = below ? at + 1 : at;
  const number = c.number(start);
  if (number?.value === undefined || !c.unit(start + 1, 'FLOOR')) return undefined;
  return found('floor', String(below ? -number.value : number.value), start + 2);
}

/** 앞 and 뒤 are wishes (front, back) unless something is named that they are in front of or behind. */
function relate(c: Cursor, mentions: Mention[]): void {
  for (let i = 0; i < mentions.length; i++) {
    const mention = mentions[i];
    if (mention.kind !== 'preference' || (mention.value !== 'front' && mention.value !== 'back')) continue;
    const before = mentions[i - 1];
    const near =
      c.is(mention.first - 1, 'AT_ONCE', 'MINE') ||
      (c.particle(mention.first - 1, 'OF') && c.is(mention.first - 2, 'MINE', 'THAT'));
    const step =
      before !== undefined &&
      before.last >= mention.first - 1 &&
      before.kind === 'party' &&
      before.value === '1' &&
      c.is(before.last - 1, 'PIECES');
    const seat =
      before !== undefined &&
      before.last >= mention.first - 1 &&
      (before.kind === 'seat' || before.kind === 'that') &&
      before.role === 'plain';
    // 뒤로 한 칸
    const to = c.particle(mention.last, 'TO') ? mention.last + 1 : mention.last;
    const next =
      c.unit(mention.last, 'PIECES') ||
      (c.number(to)?.value === 1 &&
        c.unit(to + 1, 'PIECES') &&
        to > mention.last &&
        c.tokens.some((token) => ['MOVE', 'CHANGE', 'GO'].includes(token.sense)) &&
        c.tokens[to + 1].end - c.tokens[to + 1].start === 4 &&
        mentions[i + 1]?.first === to);
    if (near || step || seat || next) {
      mentions[i] = { ...mention, kind: 'relative', value: mention.value === 'front' ? 'front' : 'behind' };
      if (step) mentions.splice(--i, 1);
    }
  }
  // 옆으로 붙은, 옆에 나란히: side by side, not the seat beside something.
  for (let i = mentions.length - 1; i > 0; i--) {
    const beside = mentions[i - 1];
    if (mentions[i].kind !== 'adjacent' || beside.value !== 'next' || beside.kind !== 'relative') continue;
    if (c.tokens.slice(beside.last, mentions[i].first).every((token) => token.cls === Class.particle))
      mentions.splice(i - 1, 1);
  }
  // 한 칸 옆으로: the step is no amount of seats.
  for (let i = mentions.length - 1; i > 0; i--) {
    if (
      mentions[i].kind === 'relative' &&
      mentions[i - 1].kind === 'party' &&
      mentions[i - 1].last === mentions[i].first
    ) {
      mentions.splice(i - 1, 1);
      i--;
    }
  }
}
