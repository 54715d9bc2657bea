import type { SeatScheme } from '../intents/contract.js';
import { holdingOf, seatKey, type World } from './seats.js';
import { clock, seatName } from './wording.js';
import { schemeOf, seatIds } from './venues.js';

type State = 'free' | 'mine' | 'taken';
const STATES: Record<State, string> = { free: '빈 자리', mine: '내 자리', taken: '사용 중' };

/** Draws the seats of a place; the grid is built once for each scheme and then only recoloured. */
export class SeatMap {
  private readonly seats = new Map<string, HTMLElement>();
  private scheme: SeatScheme | undefined;

  constructor(
    private readonly root: HTMLElement,
    private readonly totals: HTMLElement,
  ) {}

  /** @param tentative seats of a command that is still being said */
  draw(world: World, tentative: readonly string[] = []): void {
    const scheme = schemeOf(world.venue, world.room);
    if (scheme !== this.scheme) this.build(scheme);
    const counts: Record<State, number> = { free: 0, mine: 0, taken: 0 };
    for (const [id, element] of this.seats) {
      const holding = holdingOf(world, id);
      const state: State = holding ? 'mine' : world.taken.has(seatKey(world.room, id)) ? 'taken' : 'free';
      counts[state] += 1;
      element.dataset.state = state;
      element.toggleAttribute('data-marked', world.marked.includes(id));
      element.toggleAttribute('data-tentative', tentative.includes(id));
      element.toggleAttribute('data-bought', holding?.bought === true);
      const until = holding?.until === undefined ? '' : `, ${clock(holding.until)}까지`;
      element.setAttribute('aria-label', `${seatName(id)}, ${STATES[state]}${until}`);
      element.title = element.getAttribute('aria-label') ?? '';
    }
    this.totals.textContent = `빈 자리 ${String(counts.free)} / ${String(this.seats.size)}`;
  }

  private build(scheme: SeatScheme): void {
    this.scheme = scheme;
    this.seats.clear();
    this.root.replaceChildren();
    this.root.dataset.kind = scheme.kind;
    if (scheme.kind === 'letter') this.buildCabin(scheme);
    else this.buildRoom(scheme);
  }

  private buildCabin(scheme: Extract<SeatScheme, { kind: 'letter' }>): void {
    const cabin = box('div', 'cabin');
    const aisles = new Set(scheme.aisleAfter ?? []);
    const line = (label: string, cells: readonly HTMLElement[]): HTMLElement => {
      const row = box('div', 'cabin-row');
      const number = box('span', 'cabin-label', label);
      number.setAttribute('aria-hidden', 'true');
      cells.forEach((cell, index) => {
        row.append(cell);
        if (aisles.has(index + 1)) row.append(number);
      });
      if (!number.isConnected && number.parentElement === null) row.prepend(number);
      return row;
    };
    cabin.append(
      line(
        '',
        scheme.rows.map((letter) => box('span', 'cabin-letter', letter)),
      ),
    );
    for (let row = 1; row <= scheme.perRow; row += 1) {
      cabin.append(
        line(
          String(row),
          scheme.rows.map((letter) => this.seat(`${letter}${String(row)}`, '')),
        ),
      );
    }
    this.root.append(cabin);
  }

  private buildRoom(scheme: SeatScheme): void {
    const columns =
      scheme.kind === 'number' ? (scheme.columns ?? 10) : scheme.kind === 'row-position' ? scheme.perRow : 1;
    const partition = scheme.kind === 'number' ? scheme.partitionEvery : undefined;
    const hall = box('div', 'hall');
    const ids = seatIds(scheme);
    for (let from = 0; from < ids.length; from += columns) {
      const table = box('div', 'table');
      for (const id of ids.slice(from, from + columns)) {
        const seat = this.seat(id, id);
        if (partition !== undefined && Number(id) % partition === 0) seat.dataset.partition = '';
        table.append(seat);
      }
      hall.append(table);
    }
    this.root.append(hall);
  }

  private seat(id: string, label: string): HTMLElement {
    const element = box('span', 'seat', label);
    element.setAttribute('role', 'img');
    element.dataset.seat = id;
    this.seats.set(id, element);
    return element;
  }
}

function box(tag: 'div' | 'span', name: string, text = ''): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  return element;
}
