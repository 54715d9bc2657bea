import { describe, expect, it } from 'vitest';
import { parseIntent } from '../src/intents/index.js';
import { applyIntent, holdingOf, newWorld, seatKey } from '../src/web/seats.js';
import type { World } from '../src/web/seats.js';
import { AIRPLANE, LIBRARY, schemeOf, seatIds } from '../src/web/venues.js';
import { clock, describeSlots, minutes, position, seatList } from '../src/web/wording.js';

const NOON = new Date(2026, 0, 5, 12, 0).getTime();
const HOUR = 3_600_000;

/** What the page does with sentences, one after the other, through the real parser. */
function say(world: World, ...sentences: string[]): World {
  return sentences.reduce(
    (now, sentence) => applyIntent(now, parseIntent(sentence, { venue: now.venue }), NOON),
    world,
  );
}

const empty = (venue = AIRPLANE): World => ({ ...newWorld(venue), taken: new Set() });
const seats = (world: World): string[] => world.mine.map((one) => one.seat);

describe('places', () => {
  it('have the seats of their scheme', () => {
    expect(seatIds(AIRPLANE.seats)).toHaveLength(60);
    expect(seatIds(AIRPLANE.seats).slice(0, 7)).toEqual(['A1', 'B1', 'C1', 'D1', 'E1', 'F1', 'A2']);
    expect(LIBRARY.rooms!.map((room) => seatIds(schemeOf(LIBRARY, room.id)).length)).toEqual([72, 100, 100]);
  });

  it('are partly taken from the start, the same way each time', () => {
    const { taken } = newWorld(AIRPLANE);
    expect(taken.size).toBeGreaterThan(5);
    expect(taken.size).toBeLessThan(30);
    expect(newWorld(AIRPLANE).taken).toEqual(taken);
    // The example that the page suggests works.
    expect(taken.has(seatKey(undefined, 'A4'))).toBe(false);
    expect(taken.has(seatKey(undefined, 'A3'))).toBe(false);
  });
});

describe('seats on a plane', () => {
  it('are reserved, moved, and given up after a yes', () => {
    let world = say(empty(), 'A3 좌석 예약해 줘');
    expect(seats(world)).toEqual(['A3']);
    expect(world.marked).toEqual(['A3']);
    world = say(world, 'B7로 옮겨 줘');
    expect(seats(world)).toEqual(['B7']);
    world = say(world, '예약 취소해 줘');
    expect(seats(world)).toEqual(['B7']);
    expect(world.pending).toMatchObject({ intent: 'cancel' });
    expect(seats(applyIntent(world, { intent: 'confirm', slots: {} }, NOON))).toEqual([]);
    const kept = applyIntent(world, { intent: 'deny', slots: {} }, NOON);
    expect(seats(kept)).toEqual(['B7']);
    expect(kept.pending).toBeUndefined();
  });

  it('that others have are not given away', () => {
    const world = { ...empty(), taken: new Set([seatKey(undefined, 'A3')]) };
    const after = say(world, 'A3 좌석 예약해 줘');
    expect(after.mine).toEqual([]);
    expect(after.answer).toContain('다른 사람');
    expect(say(after, 'B1 예약해 줘', 'A3로 옮겨 줘').mine.map((one) => one.seat)).toEqual(['B1']);
  });

  it('are chosen by wish when none is named', () => {
    const world = applyIntent(
      empty(),
      { intent: 'reserve', slots: { preference: ['window'], party_size: 2 } },
      NOON,
    );
    expect(seats(world)).toEqual(['A1', 'F1']);
    const aisle = applyIntent(empty(), { intent: 'reserve', slots: { preference: ['aisle'] } }, NOON);
    expect(seats(aisle)).toEqual(['C1']);
    const open = applyIntent(empty(), { intent: 'reserve', slots: {} }, NOON);
    expect(open.mine).toEqual([]);
    expect(open.marked).toHaveLength(60);
  });

  it('are bought after a yes', () => {
    const asked = applyIntent(say(empty(), 'A3 예약해 줘'), { intent: 'purchase', slots: {} }, NOON);
    expect(asked.mine[0].bought).toBe(false);
    expect(applyIntent(asked, { intent: 'confirm', slots: {} }, NOON).mine[0].bought).toBe(true);
  });
});

describe('seats in a library', () => {
  it('last three hours, are extended by an hour, and keep their end when moved', () => {
    let world = say(empty(LIBRARY), '이십칠 번 자리 예약해 줘');
    expect(holdingOf(world, '27')?.until).toBe(NOON + 3 * HOUR);
    world = say(world, '한 시간 연장해 줘');
    expect(holdingOf(world, '27')?.until).toBe(NOON + 4 * HOUR);
    world = say(world, '삼십 번으로 옮겨 줘');
    expect(holdingOf(world, '30')?.until).toBe(NOON + 4 * HOUR);
    expect(say(world, '사십 번 예약해 줘').mine).toHaveLength(1);
    const asked = say(world, '자리 반납할게요');
    expect(asked.pending).toMatchObject({ intent: 'return' });
    // Another command takes the question back.
    expect(say(asked, '몇 분 남았어').pending).toBeUndefined();
  });

  it('belong to their room', () => {
    const reserve = { intent: 'reserve', slots: { seat: '5', room: '2' } } as const;
    const world = applyIntent(empty(LIBRARY), reserve, NOON);
    expect(world.room).toBe('2');
    expect(holdingOf(world, '5', '2')).toBeDefined();
    expect(holdingOf(world, '5', '1')).toBeUndefined();
    const none = applyIntent(empty(LIBRARY), { intent: 'reserve', slots: { seat: '99' } }, NOON);
    expect(none.mine).toEqual([]);
  });

  it('leave everything as it is when nothing was asked for', () => {
    const world = say(empty(LIBRARY), '이십칠 번 자리 예약해 줘');
    expect(applyIntent(world, { intent: 'none', slots: {} }, NOON)).toBe(world);
    expect(applyIntent(world, { intent: 'login', slots: {} }, NOON).mine).toEqual(world.mine);
  });
});

describe('wording', () => {
  it('names times and seats', () => {
    expect([minutes(30), minutes(60), minutes(150)]).toEqual(['30분', '1시간', '2시간 30분']);
    expect([position(0), position(67.9)]).toEqual(['0:00', '1:07']);
    expect(clock(NOON + 5 * 60_000)).toBe('12:05');
    expect(seatList(['3', '4'])).toBe('3, 4번 좌석');
    expect(describeSlots({ seat: 'A3', duration_min: 90, preference: ['window'], any_seat: true })).toEqual([
      ['좌석', 'A3'],
      ['시간', '1시간 30분'],
      ['원함', '창가'],
      ['아무 자리', '예'],
    ]);
  });
});
