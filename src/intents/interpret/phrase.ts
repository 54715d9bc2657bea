/** What one utterance mentions: the parts the interpreter works with, before any intent is chosen. */
import type { Preference } from '../contract.js';
import type { Mood } from '../lexicon/conjugation.js';
import type { Token } from '../grammar/lattice.js';

export type MentionKind =
  | 'seat' | 'row' | 'room' | 'floor' | 'date' | 'clock' | 'duration' | 'daypart' | 'party' | 'preference' | 'relative'
  | 'any' | 'adjacent' | 'together' | 'all' | 'max' | 'now' | 'that' | 'other'; // prettier-ignore

/** What the words after a mention make of it. */
export type Role = 'plain' | 'to' | 'from' | 'since' | 'until' | 'rejected' | 'asserted';

export interface Mention {
  readonly kind: MentionKind;
  readonly value: string;
  /** Token indices, end exclusive. */
  readonly first: number;
  readonly last: number;
  role: Role;
  /** The seat was said by a bare number, without 번 or 자리. */
  readonly bare?: boolean;
  /** Minutes after midnight; whether a word for the part of the day was said with it. */
  readonly explicit?: boolean;
  readonly part?: string;
}

export interface Predicate {
  readonly sense: string;
  readonly mood: Mood;
  readonly negated: boolean;
  readonly first: number;
  readonly last: number;
  /** To whom the ending speaks (ADDRESS), where that is known. */
  readonly address?: number;
  /** A verbal noun without a verb of its own. */
  readonly bare: boolean;
}

export interface Phrase {
  readonly tokens: readonly Token[];
  readonly mentions: Mention[];
  readonly predicates: Predicate[];
  readonly senses: ReadonlySet<string>;
}

export const PREFERENCE_OF: Readonly<Record<string, Preference>> = {
  WINDOW: 'window', AISLE: 'aisle', OUTLET: 'outlet', PARTITION: 'partition', NORMAL: 'normal', CORNER: 'corner', QUIET: 'quiet',
  FRONT: 'front', BACK: 'back', MIDDLE: 'middle',
}; // prettier-ignore
