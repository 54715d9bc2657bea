/** Slots of the chosen intent from what was mentioned. */
import type { IntentName, Preference, Slots } from '../contract.js';
import { Class } from '../grammar/lexicon.js';
import { hourOf } from './times.js';
import type { Situation } from './decide.js';
import type { Mention, Phrase } from './phrase.js';

type SlotName = keyof Slots;

/** Which slots an intent has (the contract's table). */
export const SLOTS_OF: Readonly<Record<IntentName, readonly SlotName[]>> = {
  reserve: ['seat', 'seats', 'row', 'room', 'floor', 'date', 'time', 'daypart', 'duration_min', 'until', 'party_size', 'adjacent', 'preference', 'exclude', 'any_seat', 'rejected_seat', 'rejected_room', 'relative'],
  move: ['seat', 'from_seat', 'row', 'room', 'preference', 'exclude', 'relative', 'rejected_seat', 'rejected_room'],
  return: ['seat', 'room'],
  extend: ['seat', 'room', 'duration_min', 'until', 'max'],
  cancel: ['seat', 'seats', 'date', 'all'],
  purchase: ['seat', 'seats'],
  status: ['field', 'date'],
  check_seat: ['seat', 'room', 'date', 'time', 'preference'],
  list_available: ['row', 'room', 'floor', 'date', 'time', 'daypart', 'party_size', 'adjacent', 'preference'],
  correct: ['seat', 'seats', 'from_seat', 'row', 'room', 'floor', 'date', 'time', 'daypart', 'duration_min', 'until', 'party_size', 'adjacent', 'preference', 'exclude', 'any_seat', 'relative', 'max', 'rejected_seat', 'rejected_row', 'rejected_room'],
  deny: ['seat'],
  confirm: [], show_barcode: [], my_info: [], login: [], logout: [], refresh: [], help: [], none: [],
}; // prettier-ignore

/** A slot with the mention it came from. */
export interface Filled {
  readonly slots: Slots;
  readonly sources: readonly { readonly slot: SlotName; readonly mention: Mention }[];
}

const MAX_RANGE = 300;

/** A3..A6 or 10..13; undefined where the ends make no range. */
function expand(from: string, to: string): string[] | undefined {
  const start = /^([A-Z]?)(\d+)$/.exec(from);
  const end = /^([A-Z]?)(\d+)$/.exec(to);
  if (start === null || end === null) return undefined;
  const letter = start[1];
  if (end[1] !== '' && end[1] !== letter) {
    // A3에서 C3까지: across the row.
    if (start[2] !== end[2] || letter === '' || letter > end[1]) return undefined;
    const seats: string[] = [];
    for (let code = letter.charCodeAt(0); code <= end[1].charCodeAt(0); code++)
      seats.push(String.fromCharCode(code) + start[2]);
    return seats;
  }
  const first = Number(start[2]);
  const last = Number(end[2]);
  if (last <= first || last - first > MAX_RANGE) return undefined;
  return Array.from({ length: last - first + 1 }, (_, index) => `${letter}${first + index}`);
}

/** Marks what the speaker took back: X 아니 Y, X 말고 Y. */
export function markRepairs(phrase: Phrase): void {
  const { mentions, tokens } = phrase;
  for (let i = 0; i < mentions.length; i++) {
    const mention = mentions[i];
    const later = mentions.slice(i + 1).find((other) => other.kind === mention.kind);
    if (later === undefined || mention.role === 'rejected') continue;
    for (let at = mention.last; at < later.first; at++) {
      if (
        tokens[at].sense === 'NO' ||
        tokens[at].sense === 'WRONG' ||
        tokens[at].sense === 'SORRY' ||
        tokens[at].sense === 'NEGATE'
      )
        mention.role = 'rejected';
    }
  }
}

class Assembler {
  private readonly slots: Record<string, unknown> = {};
  private readonly sources: { slot: SlotName; mention: Mention }[] = [];
  private readonly allowed: readonly SlotName[];

  constructor(
    private readonly intent: IntentName,
    private readonly situation: Situation,
  ) {
    this.allowed = SLOTS_OF[intent];
  }

  private set(slot: SlotName, value: unknown, ...from: (Mention | undefined)[]): void {
    if (!this.allowed.includes(slot) || value === undefined) return;
    this.slots[slot] = value;
    for (const mention of from) if (mention !== undefined) this.sources.push({ slot, mention });
  }

  private all(kind: Mention['kind']): Mention[] {
    return this.situation.phrase.mentions.filter((mention) => mention.kind === kind);
  }

  run(): Filled {
    this.seats();
    this.places();
    this.times();
    this.people();
    this.wishes();
    if (this.intent === 'status') this.set('field', this.field());
    return { slots: this.slots as Slots, sources: this.sources };
  }

  private seats(): void {
    const mentioned = this.seatMentions();
    const rejected = mentioned.filter((mention) => mention.role === 'rejected');
    let kept = mentioned.filter((mention) => mention.role !== 'rejected');
    if (rejected.length > 0) this.set('rejected_seat', rejected[0].value, rejected[0]);
    if (this.intent === 'deny') {
      const only = kept[0] ?? rejected[0];
      this.set('seat', only?.value, only);
      return;
    }
    const { tokens } = this.situation.phrase;
    const from = kept.find((mention) => mention.role === 'from' || mention.role === 'since');
    const rangeEnd =
      from === undefined ? undefined : kept.find((mention) => mention !== from && mention.first > from.first);
    const dash = kept.length === 2 && tokens[kept[0].last]?.sense === 'DASH';
    if (from !== undefined && rangeEnd !== undefined) {
      if (this.intent === 'move' || (this.intent === 'correct' && rangeEnd.role === 'to')) {
        this.set('from_seat', from.value, from);
        kept = kept.filter((mention) => mention !== from);
      } else {
        const seats = expand(from.value, rangeEnd.value);
        if (seats !== undefined) {
          this.set('seats', seats, from, rangeEnd);
          return;
        }
      }
    } else if (dash) {
      const seats = expand(kept[0].value, kept[1].value);
      if (seats !== undefined) {
        this.set('seats', seats, kept[0], kept[1]);
        return;
      }
    } else if (
      this.intent === 'move' &&
      from !== undefined &&
      kept.length === 1 &&
      this.situation.phrase.mentions.length > 1
    ) {
      this.set('from_seat', from.value, from);
      return;
    }
    // 오 번인데 구 번으로 바꿔 줘
    if (
      this.intent === 'move' &&
      kept.length === 2 &&
      ['BE:connect', 'OBJECT', 'AT', 'OF'].includes(tokens[kept[0].last]?.sense) &&
      kept[1].role === 'to'
    ) {
      this.set('from_seat', kept[0].value, kept[0]);
      kept = kept.slice(1);
    }
    const unique = [...new Set(kept.map((mention) => mention.value))];
    if (unique.length > 1 && this.allowed.includes('seats')) this.set('seats', unique, ...kept);
    else if (unique.length > 0) {
      // One seat only: where two were said, the last word counts.
      const last = kept[kept.length - 1];
      this.set('seat', last.value, last);
    }
  }

  /** Seat mentions that are meant: letters carried over (A3하고 4번), rows joined (A열에 있는 3번), stray numbers left out. */
  private seatMentions(): Mention[] {
    const { mentions, tokens } = this.situation.phrase;
    const row = mentions.find((mention) => mention.kind === 'row' && mention.role !== 'rejected');
    const solid = mentions.some((mention) => mention.kind === 'seat' && mention.bare !== true);
    let letter = row !== undefined && /^[A-Z]$/.test(row.value) ? row.value : undefined;
    const out: Mention[] = [];
    for (const mention of mentions) {
      if (mention.kind !== 'seat') continue;
      if (mention.bare === true && !this.bareMeant(mention, solid)) continue;
      const own = /^[A-Z](?=\d)/.exec(mention.value)?.[0];
      if (own !== undefined) letter = own;
      const numbered = /^\d+$/.test(mention.value);
      const linked = out.length > 0 || (row !== undefined && row.first < mention.first);
      const said = tokens[mention.last - 1].sense;
      const value =
        numbered && letter !== undefined && linked && said !== 'HOURS'
          ? `${letter}${mention.value}`
          : mention.value;
      out.push({ ...mention, value });
    }
    if (row !== undefined && out.length > 0 && letter === row.value) this.usedRow = true;
    return out;
  }
  private usedRow = false;

  private bareMeant(mention: Mention, solid: boolean): boolean {
    const { tokens } = this.situation.phrase;
    if (tokens[mention.first].edits > 0) return false;
    if (mention.role !== 'plain') return true;
    const next = tokens[mention.last];
    if (next === undefined) return this.situation.pending !== undefined || solid || mention.value.length > 1;
    if (
      next.sense === 'AND' ||
      next.sense === 'POLITE' ||
      next.sense === 'DASH' ||
      next.sense.startsWith('BE:') ||
      next.sense === 'RESERVE'
    )
      return true;
    if (next.sense === 'NO' || tokens[mention.first - 1]?.sense === 'SEAT') return true;
    return solid || mention.value.length > 1;
  }

  private places(): void {
    for (const kind of ['row', 'room', 'floor'] as const) {
      const mentions = this.all(kind);
      const rejected = mentions.find((mention) => mention.role === 'rejected');
      const kept = mentions.filter((mention) => mention.role !== 'rejected');
      if (rejected !== undefined && kind !== 'floor') this.set(`rejected_${kind}`, rejected.value, rejected);
      if (kept.length === 0 || (kind === 'row' && this.usedRow)) continue;
      // 이열람실에서 삼열람실로: where to, not where from.
      const goal = kept.find((mention) => mention.role === 'to') ?? kept[kept.length - 1];
      this.set(kind, kind === 'floor' ? Number(goal.value) : goal.value, goal);
    }
  }

  private times(): void {
    const date = this.all('date')
      .filter((mention) => mention.role !== 'rejected')
      .at(-1);
    this.set('date', date?.value, date);
    const said = this.all('clock');
    // 오후 세 시 아니 네 시: the part of the day was not taken back.
    const part0 = said.find((mention) => mention.role === 'rejected' && mention.part !== undefined)?.part;
    const clocks = said
      .filter((mention) => mention.role !== 'rejected')
      .map((mention) => {
        if (part0 === undefined || mention.part !== undefined || mention.explicit === true) return mention;
        const hour = String(hourOf(Number(mention.value.slice(0, 2)), part0)).padStart(2, '0');
        return { ...mention, value: `${hour}${mention.value.slice(2)}` };
      });
    const end =
      clocks.find((mention) => mention.role === 'until') ??
      (this.intent === 'extend' ? clocks.at(-1) : undefined);
    const begin = clocks.filter((mention) => mention !== end).at(-1);
    this.set('time', begin?.value, begin);
    if (end !== undefined) {
      const hours = Number(end.value.slice(0, 2));
      const inherited =
        begin?.explicit === true && end.explicit !== true && hours <= 12 && end.value <= begin.value;
      const until = inherited
        ? `${String(hourOf(hours, 'pm')).padStart(2, '0')}${end.value.slice(2)}`
        : end.value;
      this.set('until', until, end);
    }
    const now = this.situation.mention('now');
    if (begin === undefined && now !== undefined) this.set('time', 'now', now);
    const part = this.all('daypart').at(-1);
    if (begin === undefined && end === undefined) this.set('daypart', part?.value, part);
    const duration = this.all('duration')
      .filter((mention) => mention.role !== 'rejected')
      .at(-1);
    this.set('duration_min', duration === undefined ? undefined : Number(duration.value), duration);
    const max = this.situation.mention('max');
    if (duration === undefined && end === undefined)
      this.set('max', max === undefined ? undefined : true, max);
  }

  private people(): void {
    const all = this.all('party');
    const named = this.slots['seat'] !== undefined || this.slots['seats'] !== undefined;
    const party = all.reduce<Mention | undefined>(
      (best, mention) => (best === undefined || Number(mention.value) > Number(best.value) ? mention : best),
      undefined,
    );
    if (party !== undefined && !named) this.set('party_size', Number(party.value), party);
    const side = this.situation.mention('adjacent');
    const together = this.situation.mention('together');
    if (side !== undefined) this.set('adjacent', true, side);
    else if (together !== undefined && (this.situation.has('SIT') || party !== undefined))
      this.set('adjacent', true, together);
  }

  private wishes(): void {
    const preferences = this.all('preference').filter((mention) => !this.isReason(mention));
    const distinct = (mentions: readonly Mention[]): Preference[] => [
      ...new Set(mentions.map((mention) => mention.value as Preference)),
    ];
    const last = (mention: Mention): boolean => !preferences.some((other) => other.first > mention.first && other.value === mention.value); // prettier-ignore
    // 앞자리는 싫으니까 앞쪽 말고: what was said last of a wish counts.
    const wanted = preferences.filter((mention) => mention.role !== 'rejected' && (last(mention) || preferences.every((other) => other.value !== mention.value || other.role !== 'rejected'))); // prettier-ignore
    // 콘센트가 없는데 콘센트 있는 자리로: what is asked for is not excluded.
    const unwanted = preferences.filter(
      (mention) => mention.role === 'rejected' && !wanted.some((other) => other.value === mention.value),
    );
    if (wanted.length > 0) this.set('preference', distinct(wanted), ...wanted);
    if (unwanted.length > 0) this.set('exclude', distinct(unwanted), ...unwanted);
    const any = this.situation.mention('any');
    if (this.slots['seat'] === undefined) this.set('any_seat', any === undefined ? undefined : true, any);
    const relative = this.all('relative').find((mention) => mention.role !== 'rejected' && !this.isReason(mention)); // prettier-ignore
    this.set('relative', relative?.value, relative);
    const all = this.situation.phrase.mentions.find(
      (mention) => mention.kind === 'all' && mention.value !== 'both',
    );
    if (this.slots['seats'] === undefined && this.slots['seat'] === undefined)
      this.set('all', all === undefined ? undefined : true, all);
  }

  /** 앞에 사람이 커서, 옆에서 떠들어서: tells why, not where to; something else does. */
  private isReason(mention: Mention): boolean {
    const { tokens, mentions } = this.situation.phrase;
    if (!['AT', 'FROM', 'SUBJECT', 'TOPIC'].includes(tokens[mention.last]?.sense)) return false;
    const end = tokens.findIndex((token, at) => at > mention.last && token.cls === Class.ending);
    const goals = ['preference', 'relative', 'other', 'seat', 'room'];
    return (
      tokens[end]?.sense === 'cause' &&
      mentions.some((other) => other.first > end && goals.includes(other.kind))
    );
  }

  private field(): Slots['field'] {
    const s = this.situation;
    if (s.has('REMAINTIME', 'HOWLONG')) return 'remaining_time';
    if (
      s.has('ENDTIME', 'UNTILWHEN') ||
      (s.has('WHEN') && s.predicate('END', 'RETURN', 'TAKEOUT', 'VACATE', 'LEAVE') !== undefined)
    )
      return 'end_time';
    if (s.has('TIMEWORD') && s.predicate('REMAIN') !== undefined) return 'remaining_time';
    if (s.has('SEAT', 'STATUSWORD') && s.has('WHICHNUM', 'NUMBERWORD')) return 'my_seat';
    if (s.has('RESERVE', 'STATUSWORD')) return 'reservation';
    return 'my_seat';
  }
}

export function assemble(intent: IntentName, situation: Situation): Filled {
  return new Assembler(intent, situation).run();
}
