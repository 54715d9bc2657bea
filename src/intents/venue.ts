/** What a venue has: its seats, rows and rooms, and what to offer where one does not exist. Also its words for the recogniser. */
import type { IntentCandidate, IntentResult, Preference, SeatScheme, Slots, Venue } from './contract.js';
import { readNative, readSino } from '../korean/numerals.js';
import { LETTER_NAMES } from '../korean/latin.js';

const MAX_SEATS = 20_000;

/** Names of all seats of a scheme, in order. At most 20,000: the rest is left out. */
export function seatNames(scheme: SeatScheme): string[] {
  const names: string[] = [];
  switch (scheme.kind) {
    case 'letter':
      for (const row of scheme.rows)
        for (let n = 1; n <= scheme.perRow && names.length < MAX_SEATS; n++) names.push(`${row}${n}`);
      return names;
    case 'number':
      return Array.from({ length: Math.min(scheme.count, MAX_SEATS) }, (_, index) => String(index + 1));
    case 'row-position':
      for (let r = 1; r <= scheme.rows; r++)
        for (let p = 1; p <= scheme.perRow && names.length < MAX_SEATS; p++) names.push(`${r}-${p}`);
      return names;
  }
}

const CODE = { letter: /^([A-Z])(\d+)$/, number: /^(\d+)$/, 'row-position': /^(\d+)-(\d+)$/ } as const;

/** Whether a scheme has this seat. */
export function hasSeat(scheme: SeatScheme, seat: string): boolean {
  const parts = CODE[scheme.kind].exec(seat);
  if (parts === null) return false;
  if (scheme.kind === 'letter')
    return scheme.rows.includes(parts[1]) && Number(parts[2]) >= 1 && Number(parts[2]) <= scheme.perRow;
  if (scheme.kind === 'number') return Number(seat) >= 1 && Number(seat) <= scheme.count;
  return (
    Number(parts[1]) >= 1 &&
    Number(parts[1]) <= scheme.rows &&
    Number(parts[2]) >= 1 &&
    Number(parts[2]) <= scheme.perRow
  );
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 1), max);
}

/** Letters whose names are confused by ear. */
const ALIKE: Readonly<Record<string, string>> = {
  B: 'DE',
  C: 'GD',
  D: 'BE',
  E: 'BA',
  A: 'EK',
  F: 'S',
  K: 'AJ',
  J: 'KA',
  G: 'JC',
};

/** At most three seats that exist and may have been meant. */
export function nearSeats(scheme: SeatScheme, seat: string): string[] {
  const out = new Set<string>();
  const offer = (name: string): void => {
    if (out.size < 3 && hasSeat(scheme, name)) out.add(name);
  };
  const numbers = (seat.match(/\d+/g) ?? []).map(Number);
  const letter = /^[A-Z]/.exec(seat)?.[0];
  if (scheme.kind === 'letter') {
    const n = numbers.at(-1) ?? 1;
    if (letter !== undefined) {
      if (scheme.rows.includes(letter)) offer(`${letter}${clamp(n, scheme.perRow)}`);
      for (const alike of ALIKE[letter] ?? '') offer(`${alike}${n}`);
      if (n > 10) offer(`${letter}${n % 10}`);
      offer(`${scheme.rows.at(-1) ?? ''}${clamp(n, scheme.perRow)}`);
    } else if (numbers.length === 2) {
      offer(`${scheme.rows[numbers[1] - 1] ?? ''}${numbers[0]}`);
      offer(`${scheme.rows[numbers[0] - 1] ?? ''}${numbers[1]}`);
    } else {
      for (const row of scheme.rows) offer(`${row}${n}`);
    }
  } else if (scheme.kind === 'number') {
    const n = numbers.at(-1) ?? 1;
    if (n > scheme.count) {
      offer(String(n % 100));
      offer(String(Math.floor(n / 10)));
    }
    offer(String(clamp(n, scheme.count)));
  } else {
    const [row, position] = [numbers[0] ?? 1, numbers[1] ?? 1];
    offer(`${clamp(row, scheme.rows)}-${clamp(position, scheme.perRow)}`);
    offer(`${clamp(position, scheme.rows)}-${clamp(row, scheme.perRow)}`);
  }
  return [...out];
}

/** The scheme of the room a command names, or the venue's own. */
export function schemeFor(venue: Venue, slots: Slots): SeatScheme {
  return venue.rooms?.find((room) => room.id === slots.room)?.seats ?? venue.seats;
}

/** What a seat offers, from the venue's data and the layout of its scheme. */
export function featuresOf(venue: Venue, seat: string, room?: string): Preference[] {
  const scheme = schemeFor(venue, { ...(room === undefined ? {} : { room }) });
  const known =
    venue.features?.[room === undefined ? seat : `${room}:${seat}`] ?? venue.features?.[seat] ?? [];
  const out = new Set<Preference>(known);
  if (scheme.kind === 'number' && scheme.partitionEvery !== undefined) {
    out.add(Number(seat) % scheme.partitionEvery === 0 ? 'partition' : 'normal');
  }
  if (scheme.kind === 'letter') {
    const column = scheme.rows.indexOf(seat[0]) + 1;
    if (column === 1 || column === scheme.rows.length) out.add('window');
    if (scheme.aisleAfter?.some((after) => column === after || column === after + 1) === true)
      out.add('aisle');
  }
  return [...out];
}

type Problem = IntentResult['problems'][number];

/** What a command asks for and the venue does not have. */
export function problemsOf(candidate: Pick<IntentCandidate, 'slots'>, venue: Venue | undefined): Problem[] {
  if (venue === undefined) return [];
  const { slots } = candidate;
  const problems: Problem[] = [];
  if (
    slots.room !== undefined &&
    venue.rooms?.some((room) => room.id === slots.room || room.name.startsWith(slots.room ?? '')) !== true
  ) {
    const suggestions = (venue.rooms ?? []).slice(0, 3).map((room) => room.id);
    problems.push({ slot: 'room', value: slots.room, code: 'unknown_room', suggestions });
  }
  const scheme = schemeFor(venue, slots);
  const check = (slot: 'seat' | 'seats' | 'from_seat', seat: string): void => {
    if (hasSeat(scheme, seat)) return;
    const code = CODE[scheme.kind].test(seat) ? 'out_of_range' : 'unknown_seat';
    problems.push({ slot, value: seat, code, suggestions: nearSeats(scheme, seat) });
  };
  if (slots.seat !== undefined) check('seat', slots.seat);
  if (slots.from_seat !== undefined) check('from_seat', slots.from_seat);
  for (const seat of (slots.seats ?? []).slice(0, 50)) check('seats', seat);
  if (slots.row !== undefined) {
    const known =
      scheme.kind === 'letter'
        ? scheme.rows.includes(slots.row) || Number(slots.row) <= scheme.perRow
        : scheme.kind === 'row-position'
          ? Number(slots.row) <= scheme.rows
          : Number(slots.row) <= Math.ceil(scheme.count / (scheme.columns ?? scheme.count));
    if (!known) {
      const rows =
        scheme.kind === 'letter'
          ? scheme.rows.slice(0, 3)
          : [String(scheme.kind === 'row-position' ? scheme.rows : (scheme.columns ?? 1))];
      problems.push({ slot: 'row', value: slots.row, code: 'unknown_row', suggestions: rows });
    }
  }
  if (slots.floor !== undefined && venue.floors?.includes(slots.floor) === false) {
    problems.push({
      slot: 'floor',
      value: String(slots.floor),
      code: 'out_of_range',
      suggestions: venue.floors.slice(0, 3).map(String),
    });
  }
  return problems;
}

/** Phrases people say here, for the recogniser's hot words: seats as they are read, rooms, and the commands' verbs. */
export function venueHotWords(
  venue: Venue,
  limit = 1000,
): { readonly phrase: string; readonly weight: number }[] {
  const out = new Map<string, number>();
  const add = (phrase: string, weight: number): void => {
    if (out.size < limit && !out.has(phrase)) out.set(phrase, weight);
  };
  for (const verb of [
    '예약',
    '반납',
    '연장',
    '취소',
    '이동',
    '결제',
    '예약해',
    '반납할게',
    '연장해',
    '취소해',
    '옮겨',
    '바꿔',
    '빈자리',
    '좌석',
    '자리',
  ])
    add(verb, 2);
  for (const room of venue.rooms ?? []) {
    add(room.name, 2);
    if (/^\d+$/.test(room.id)) add(`${readSino(Number(room.id))}열람실`, 2);
  }
  for (const word of ['창가', '통로', '콘센트', '칸막이', '바코드']) add(word, 1.5);
  for (const scheme of [venue.seats, ...(venue.rooms ?? []).flatMap((room) => room.seats ?? [])]) {
    for (const seat of seatNames(scheme)) {
      const [, letter, number] = /^([A-Z]?)(\d+)/.exec(seat) ?? [];
      if (number === undefined) continue;
      if (letter !== '') add(`${LETTER_NAMES[letter]} ${readSino(Number(number))}`, 1.5);
      else {
        add(`${readSino(Number(number))} 번`, 1);
        if (Number(number) >= 20 && Number(number) < 100) add(`${readNative(Number(number), true)} 번`, 0.5);
      }
    }
  }
  return [...out].map(([phrase, weight]) => ({ phrase, weight }));
}
