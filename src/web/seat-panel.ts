import type { Slots, Venue } from '../intents/contract.js';
import { drawChoices } from './choices.js';
import type { IntentMessage } from './protocol.js';
import { SeatMap } from './seat-map.js';
import { applyIntent, newWorld, type World } from './seats.js';
import { VENUES } from './venues.js';
import { describeSlots, INTENT_NAMES, seatName } from './wording.js';

type Heard = Pick<IntentMessage, 'intent' | 'slots' | 'problems' | 'confidence'>;

export interface SeatPanelElements {
  readonly venues: HTMLElement;
  readonly rooms: HTMLElement;
  readonly title: HTMLElement;
  readonly slots: HTMLElement;
  readonly text: HTMLElement;
  readonly confirm: HTMLElement;
  readonly yes: HTMLButtonElement;
  readonly no: HTMLButtonElement;
  readonly map: HTMLElement;
  readonly totals: HTMLElement;
}

/** The seats beside the transcript: what was understood, and what came of it. */
export class SeatPanel {
  private readonly worlds = new Map<string, World>(VENUES.map((venue) => [venue.id, newWorld(venue)]));
  private current: string = VENUES[0].id;
  private readonly map: SeatMap;

  /** @param onVenue called when another place was chosen */
  constructor(
    private readonly on: SeatPanelElements,
    onVenue: (venue: Venue) => void,
  ) {
    this.map = new SeatMap(on.map, on.totals);
    const choices = VENUES.map(({ id, name }) => ({ id, label: name }));
    drawChoices(on.venues, 'venue', choices, this.current, (id) => {
      this.current = id;
      this.describe(undefined);
      this.draw();
      onVenue(this.venue);
    });
    on.yes.addEventListener('click', () => this.answer('confirm'));
    on.no.addEventListener('click', () => this.answer('deny'));
    this.draw();
  }

  get venue(): Venue {
    return this.world.venue;
  }

  /** A command that may still change: shown, not done. */
  hint(heard: Heard): void {
    this.describe(heard, true);
    this.on.text.textContent = '';
    this.map.draw(this.world, named(heard.slots));
  }

  apply(heard: Heard): void {
    if (heard.intent === 'none') {
      this.draw();
      return;
    }
    this.describe(heard);
    const [problem] = heard.problems;
    const next = applyIntent(this.world, heard, Date.now());
    if (problem === undefined) {
      this.world = next;
    } else {
      const near = problem.suggestions.slice(0, 3).map(seatName).join(', ');
      const hint = near === '' ? '' : ` 혹시 ${near}인가요?`;
      const answer = `“${problem.value}”은(는) 여기에 없습니다.${hint}`;
      this.world = { ...this.world, answer, marked: problem.suggestions };
    }
    this.draw();
  }

  private get world(): World {
    return this.worlds.get(this.current)!;
  }

  private set world(world: World) {
    this.worlds.set(this.current, world);
  }

  private answer(intent: 'confirm' | 'deny'): void {
    this.world = applyIntent(this.world, { intent, slots: {} }, Date.now());
    this.draw();
  }

  private draw(): void {
    const { world, on } = this;
    this.map.draw(world);
    on.text.textContent = world.answer;
    on.confirm.hidden = world.pending === undefined;
    if (world.pending !== undefined) on.yes.textContent = world.pending.yes;
    const { rooms = [] } = world.venue;
    on.rooms.hidden = rooms.length === 0;
    const choices = rooms.map(({ id, name }) => ({ id, label: name }));
    drawChoices(on.rooms, 'room', choices, world.room, (id) => {
      this.world = { ...this.world, room: id, marked: [] };
      this.map.draw(this.world);
    });
  }

  private describe(heard: Heard | undefined, tentative = false): void {
    const { title, slots } = this.on;
    title.toggleAttribute('data-tentative', tentative);
    if (heard === undefined || heard.intent === 'none') {
      title.textContent = '아직 명령이 없습니다';
      slots.replaceChildren();
      return;
    }
    title.textContent = INTENT_NAMES[heard.intent];
    title.dataset.intent = heard.intent;
    const pairs = [
      ...describeSlots(heard.slots),
      ['확신', `${String(Math.round(heard.confidence * 100))}%`] as const,
    ];
    slots.replaceChildren(
      ...pairs.map(([name, value]) => {
        const pair = document.createElement('div');
        const term = document.createElement('dt');
        const detail = document.createElement('dd');
        term.textContent = name;
        detail.textContent = value;
        pair.append(term, detail);
        return pair;
      }),
    );
  }
}

const named = (slots: Slots): string[] => [
  ...(slots.seats ?? []),
  ...(slots.seat === undefined ? [] : [slots.seat]),
];
