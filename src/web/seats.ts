/**
 * Who sits where, on this page only: a pure model that resolved intents change. It is a demonstration of what an app
 * does with an intent; the service itself keeps no seats.
 */
import type { IntentName, Slots, Venue } from '../intents/contract.js';
import { schemeOf, seatIds } from './venues.js';
import { clock, minutes, seatList, seatName } from './wording.js';

export interface Holding {
  readonly seat: string;
  readonly room: string | undefined;
  /** Milliseconds of the wall clock; seats of a plane have no end. */
  readonly until: number | undefined;
  readonly bought: boolean;
}

/** What waits for a yes. */
export interface Pending {
  readonly intent: 'return' | 'cancel' | 'purchase';
  readonly holdings: readonly Holding[];
  readonly question: string;
  readonly yes: string;
}

export interface World {
  readonly venue: Venue;
  /** The room that is shown. */
  readonly room: string | undefined;
  /** `seatKey`s of seats that others have. */
  readonly taken: ReadonlySet<string>;
  readonly mine: readonly Holding[];
  readonly pending: Pending | undefined;
  /** Seats that the last answer speaks of. */
  readonly marked: readonly string[];
  /** The answer to the last intent. */
  readonly answer: string;
}

export interface Command {
  readonly intent: IntentName;
  readonly slots: Slots;
}

const DEFAULT_RESERVE_MINUTES = 180;
const DEFAULT_EXTEND_MINUTES = 60;

export const seatKey = (room: string | undefined, seat: string): string => `${room ?? ''}/${seat}`;

/** Some seats are taken from the start, always the same ones: a full and an empty place both show little. */
export function newWorld(venue: Venue): World {
  const taken = new Set<string>();
  for (const id of venue.rooms?.map((one) => one.id) ?? [undefined]) {
    seatIds(schemeOf(venue, id)).forEach((seat, index) => {
      if ((index * 7 + (index >> 2) * 3 + Number(id ?? 0)) % 11 < 3) taken.add(seatKey(id, seat));
    });
  }
  const room = venue.rooms?.[0]?.id;
  return { venue, room, taken, mine: [], pending: undefined, marked: [], answer: '' };
}

export const holdingOf = (world: World, seat: string, room = world.room): Holding | undefined =>
  world.mine.find((one) => one.seat === seat && one.room === room);

const isFree = (world: World, seat: string): boolean =>
  !world.taken.has(seatKey(world.room, seat)) && holdingOf(world, seat) === undefined;

const freeSeats = (world: World): string[] =>
  seatIds(schemeOf(world.venue, world.room)).filter((seat) => isFree(world, seat));

const answer = (world: World, text: string, marked: readonly string[] = []): World => ({
  ...world,
  answer: text,
  marked,
});

/** The next state. @param now milliseconds of the wall clock */
export function applyIntent(before: World, command: Command, now: number): World {
  const { intent, slots } = command;
  if (intent === 'none') return before;
  const known = slots.room !== undefined && before.venue.rooms?.some((one) => one.id === slots.room);
  const kept = intent === 'confirm' || intent === 'deny' ? before.pending : undefined;
  const world: World = { ...before, pending: kept, room: known ? slots.room : before.room };
  const handler = HANDLERS[intent];
  return handler === undefined
    ? answer(world, '이 페이지에서는 하지 않는 일입니다.')
    : handler(world, slots, now);
}

type Handler = (world: World, slots: Slots, now: number) => World;

const HANDLERS: Partial<Record<IntentName, Handler>> = {
  reserve(world, slots, now) {
    const wanted = wantedSeats(world, slots);
    if (wanted.length === 0)
      return answer(world, '어느 자리를 잡을까요? 빈 자리를 표시했습니다.', freeSeats(world));
    const unknown = wanted.filter((seat) => !exists(world, seat));
    if (unknown.length > 0) return answer(world, `${seatList(unknown)}은 여기에 없습니다.`);
    const gone = wanted.filter((seat) => !isFree(world, seat));
    if (gone.length > 0) {
      const own = gone.every((seat) => holdingOf(world, seat) !== undefined);
      return answer(
        world,
        `${seatList(gone)}은 이미 ${own ? '내 자리입니다' : '다른 사람이 쓰고 있습니다'}.`,
        gone,
      );
    }
    const [current] = world.mine;
    if (world.venue.rooms !== undefined && current !== undefined) {
      return answer(
        world,
        `이미 ${place(world, current)}을 쓰고 있습니다. 옮기려면 “옮겨 줘”라고 말하세요.`,
        [current.seat],
      );
    }
    const until = endOf(world, slots, now);
    const added = wanted.map((seat) => ({ seat, room: world.room, until, bought: false }));
    const end = until === undefined ? '' : ` ${clock(until)}까지 쓸 수 있습니다.`;
    return answer(
      { ...world, mine: [...world.mine, ...added] },
      `${seatList(wanted)}을 잡았습니다.${end}`,
      wanted,
    );
  },

  move(world, slots) {
    const from = slots.from_seat === undefined ? world.mine.at(-1) : findMine(world, slots.from_seat);
    if (from === undefined) return answer(world, '옮길 자리가 없습니다. 먼저 자리를 잡아 주세요.');
    const [to] = wantedSeats(world, slots);
    if (to === undefined) return answer(world, '어디로 옮길까요? 빈 자리를 표시했습니다.', freeSeats(world));
    if (!exists(world, to)) return answer(world, `${seatName(to)}은 여기에 없습니다.`);
    if (!isFree(world, to)) return answer(world, `${seatName(to)}은 비어 있지 않습니다.`, [to]);
    // Moving keeps the end time.
    const mine = world.mine.map((one) => (one === from ? { ...one, seat: to, room: world.room } : one));
    return answer({ ...world, mine }, `${place(world, from)}에서 ${seatName(to)}으로 옮겼습니다.`, [to]);
  },

  return: (world, slots) => ask(world, slots, 'return'),
  cancel: (world, slots) => ask(world, slots, 'cancel'),
  purchase: (world, slots) => ask(world, slots, 'purchase'),

  extend(world, slots, now) {
    const holding = slots.seat === undefined ? world.mine.at(-1) : findMine(world, slots.seat);
    if (holding?.until === undefined) return answer(world, '연장할 자리가 없습니다.');
    const added = slots.duration_min ?? world.venue.rules?.extendMinutes ?? DEFAULT_EXTEND_MINUTES;
    const until = slots.until === undefined ? holding.until + added * 60_000 : untilClock(slots.until, now);
    const mine = world.mine.map((one) => (one === holding ? { ...one, until } : one));
    return answer({ ...world, mine }, `${place(world, holding)}을 ${clock(until)}까지 연장했습니다.`, [
      holding.seat,
    ]);
  },

  status(world, _slots, now) {
    if (world.mine.length === 0) return answer(world, '지금 잡은 자리가 없습니다.');
    const lines = world.mine.map(({ until, ...one }) => {
      const left =
        until === undefined ? '' : ` ${minutes(Math.max(0, Math.round((until - now) / 60_000)))} 남았습니다.`;
      return `${place(world, { ...one, until })}입니다.${left}`;
    });
    return answer(
      world,
      lines.join(' '),
      world.mine.map((one) => one.seat),
    );
  },

  check_seat(world, slots) {
    const seats = wantedSeats(world, slots);
    if (seats.length === 0)
      return answer(world, `빈 자리는 ${String(freeSeats(world).length)}개입니다.`, freeSeats(world));
    const [seat] = seats;
    if (!exists(world, seat)) return answer(world, `${seatName(seat)}은 여기에 없습니다.`);
    const state = isFree(world, seat) ? '비어 있습니다' : '비어 있지 않습니다';
    return answer(world, `${seatName(seat)}은 ${state}.`, [seat]);
  },

  list_available(world, slots) {
    const free = freeSeats(world).filter((seat) => slots.row === undefined || seat.startsWith(slots.row));
    return answer(world, `빈 자리는 ${String(free.length)}개입니다.`, free);
  },

  confirm(world) {
    const { pending } = world;
    if (pending === undefined) return answer(world, '확인할 것이 없습니다.');
    const after = { ...world, pending: undefined };
    if (pending.intent === 'purchase') {
      const mine = world.mine.map((one) => (pending.holdings.includes(one) ? { ...one, bought: true } : one));
      return answer(
        { ...after, mine },
        '구매했습니다.',
        pending.holdings.map((one) => one.seat),
      );
    }
    const mine = world.mine.filter((one) => !pending.holdings.includes(one));
    return answer({ ...after, mine }, pending.intent === 'return' ? '반납했습니다.' : '취소했습니다.');
  },

  deny: (world) => answer({ ...world, pending: undefined }, '그대로 두었습니다.'),
};

const QUESTIONS = {
  return: { verb: '반납', none: '반납할 자리가 없습니다.' },
  cancel: { verb: '취소', none: '취소할 예약이 없습니다.' },
  purchase: { verb: '구매', none: '구매할 자리가 없습니다. 먼저 자리를 잡아 주세요.' },
} as const;

/** Returning, cancelling and buying wait for a yes. */
function ask(world: World, slots: Slots, intent: keyof typeof QUESTIONS): World {
  const named = [...(slots.seats ?? []), ...(slots.seat === undefined ? [] : [slots.seat])];
  const missing = named.filter((seat) => findMine(world, seat) === undefined);
  const { verb, none } = QUESTIONS[intent];
  if (missing.length > 0) return answer(world, `${seatList(missing)}은 내 자리가 아닙니다.`, missing);
  const holdings = named.length > 0 ? named.map((seat) => findMine(world, seat)!) : world.mine;
  if (holdings.length === 0) return answer(world, none);
  const seats = holdings.map((one) => one.seat);
  const question = `${seatList(seats)}을 ${verb}할까요?`;
  return {
    ...world,
    pending: { intent, holdings, question, yes: `네, ${verb}합니다` },
    marked: seats,
    answer: question,
  };
}

const exists = (world: World, seat: string): boolean =>
  seatIds(schemeOf(world.venue, world.room)).includes(seat);

const findMine = (world: World, seat: string): Holding | undefined =>
  holdingOf(world, seat) ?? world.mine.find((one) => one.seat === seat);

/** The seats a command names, or the first free ones that fit when it leaves the choice open. */
function wantedSeats(world: World, slots: Slots): string[] {
  if (slots.seats !== undefined && slots.seats.length > 0) return slots.seats;
  if (slots.seat !== undefined) return [slots.seat];
  const open = slots.any_seat === true || slots.preference !== undefined || slots.row !== undefined;
  if (!open && slots.party_size === undefined) return [];
  const fits = freeSeats(world).filter(
    (seat) =>
      (slots.row === undefined || seat.startsWith(slots.row)) &&
      (slots.preference ?? []).every((wish) => hasFeature(world, seat, wish)),
  );
  return fits.slice(0, Math.max(1, slots.party_size ?? 1));
}

function hasFeature(world: World, seat: string, wish: string): boolean {
  const scheme = schemeOf(world.venue, world.room);
  if (scheme.kind === 'letter') {
    const column = scheme.rows.findIndex((letter) => seat.startsWith(letter));
    const aisles = scheme.aisleAfter ?? [];
    if (wish === 'window') return column === 0 || column === scheme.rows.length - 1;
    if (wish === 'aisle') return aisles.some((after) => column === after - 1 || column === after);
    const row = Number(seat.replace(/^\D+/, ''));
    if (wish === 'front') return row <= scheme.perRow / 3;
    if (wish === 'back') return row > (scheme.perRow * 2) / 3;
  } else if (scheme.kind === 'number' && scheme.partitionEvery !== undefined) {
    const partition = Number(seat) % scheme.partitionEvery === 0;
    if (wish === 'partition') return partition;
    if (wish === 'normal') return !partition;
  }
  return true;
}

function endOf(world: World, slots: Slots, now: number): number | undefined {
  if (world.venue.rooms === undefined) return undefined;
  if (slots.until !== undefined) return untilClock(slots.until, now);
  return now + (slots.duration_min ?? world.venue.rules?.reserveMinutes ?? DEFAULT_RESERVE_MINUTES) * 60_000;
}

/** The next moment at which the clock shows HH:MM. */
function untilClock(text: string, now: number): number {
  const match = /^(\d{1,2}):(\d{2})$/.exec(text);
  if (match === null) return now;
  const at = new Date(now);
  at.setHours(Number(match[1]), Number(match[2]), 0, 0);
  return at.getTime() > now ? at.getTime() : at.getTime() + 24 * 3_600_000;
}

function place(world: World, holding: Holding): string {
  const room = world.venue.rooms?.find((one) => one.id === holding.room);
  return room === undefined ? seatName(holding.seat) : `${room.name} ${seatName(holding.seat)}`;
}
