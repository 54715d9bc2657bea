/** Seat intents: the contract of the API (docs/reference/intents.md). Pure types. */

export const INTENTS = [
  'reserve',
  'move',
  'return',
  'extend',
  'cancel',
  'purchase',
  'status',
  'check_seat',
  'list_available',
  'correct',
  'deny',
  'confirm',
  'show_barcode',
  'my_info',
  'login',
  'logout',
  'refresh',
  'help',
  'none',
] as const;
export type IntentName = (typeof INTENTS)[number];

export type Preference =
  | 'window'
  | 'aisle'
  | 'outlet'
  | 'partition'
  | 'normal'
  | 'corner'
  | 'quiet'
  | 'front'
  | 'back'
  | 'middle'
  | 'away_from_door';

export interface Slots {
  /** `A3`, `27`, or `3-5` (row-position). */
  seat?: string;
  seats?: string[];
  from_seat?: string;
  row?: string;
  room?: string;
  floor?: number;
  /** today, tomorrow, day_after_tomorrow, mon..sun, this_DAY, next_DAY, --MM-DD */
  date?: string;
  /** HH:MM (24 h) or `now` */
  time?: string;
  until?: string;
  daypart?: 'morning' | 'afternoon' | 'evening' | 'night';
  duration_min?: number;
  party_size?: number;
  adjacent?: boolean;
  preference?: Preference[];
  exclude?: Preference[];
  any_seat?: boolean;
  rejected_seat?: string;
  rejected_row?: string;
  rejected_room?: string;
  relative?: 'next' | 'front' | 'behind';
  max?: boolean;
  all?: boolean;
  field?: 'remaining_time' | 'end_time' | 'my_seat' | 'reservation';
}

/** Which words gave which slot. Offsets are UTF-16 code units of the text as given. */
export interface SlotEvidence {
  readonly slot: keyof Slots | 'intent';
  readonly start: number;
  readonly end: number;
  readonly text: string;
  /** Seconds, when the recogniser's words were given. */
  readonly startTime?: number;
  readonly endTime?: number;
}

export interface IntentCandidate {
  readonly intent: IntentName;
  readonly slots: Slots;
  /** 0..1, calibrated. */
  readonly confidence: number;
}

export interface IntentResult extends IntentCandidate {
  readonly text: string;
  readonly evidence: readonly SlotEvidence[];
  /** Other readings close to the first, best first. */
  readonly alternatives: readonly IntentCandidate[];
  /** Slots that the venue does not know (an impossible seat), with near misses. */
  readonly problems: readonly {
    readonly slot: keyof Slots;
    readonly value: string;
    readonly code: 'unknown_seat' | 'unknown_row' | 'unknown_room' | 'out_of_range';
    readonly suggestions: readonly string[];
  }[];
}

/** A place with seats, as data: which seats, rows, rooms and features exist, and its rules. */
export interface Venue {
  readonly id: string;
  readonly name: string;
  readonly seats: SeatScheme;
  readonly rooms?: readonly { readonly id: string; readonly name: string; readonly seats?: SeatScheme }[];
  readonly floors?: readonly number[];
  readonly features?: Readonly<Record<string, readonly Preference[]>>;
  readonly rules?: {
    readonly reserveMinutes?: number;
    readonly extendMinutes?: number;
    readonly sessionTimeoutSeconds?: number;
  };
}
export type SeatScheme =
  | {
      readonly kind: 'letter';
      readonly rows: readonly string[];
      readonly perRow: number;
      readonly aisleAfter?: readonly number[];
    }
  | {
      readonly kind: 'number';
      readonly count: number;
      readonly columns?: number;
      readonly partitionEvery?: number;
    }
  | { readonly kind: 'row-position'; readonly rows: number; readonly perRow: number };

export interface ParseOptions {
  readonly venue?: Venue;
  /** A command waiting for confirm, deny or correct. */
  readonly pending?: { readonly intent: IntentName; readonly slots: Slots };
  /** Further hypotheses of the recogniser, best first, without `text`. */
  readonly alternatives?: readonly { readonly text: string; readonly confidence?: number }[];
  /** Word times of the recogniser, for evidence. */
  readonly words?: readonly { readonly word: string; readonly start: number; readonly end: number }[];
  /** Below this confidence the answer is `none`. */
  readonly rejectBelow?: number;
}

/** `src/intents/index.ts` exports `parseIntent: ParseIntent`. Pure, synchronous, bounded time for any input. */
export type ParseIntent = (text: string, options?: ParseOptions) => IntentResult;
