import Type from 'typebox';
import { INTENTS } from '../../intents/contract.js';
import type { DialogueTurn } from '../../intents/index.js';
import { PREFERENCES, VenueSchema } from './venue.js';

const Text = Type.String({ maxLength: 64 });
const Seconds = Type.Number({ minimum: 0, maximum: 1e7 });
const Confidence = Type.Number({ minimum: 0, maximum: 1 });
const Preferences = Type.Array(Type.Union(PREFERENCES.map((name) => Type.Literal(name))), { maxItems: 16 });
const IntentNameSchema = Type.Union(INTENTS.map((name) => Type.Literal(name)));

/** The contract's `Slots`. */
export const SlotsSchema = Type.Object(
  {
    seat: Type.Optional(Text),
    seats: Type.Optional(Type.Array(Text, { maxItems: 100 })),
    from_seat: Type.Optional(Text),
    row: Type.Optional(Text),
    room: Type.Optional(Text),
    floor: Type.Optional(Type.Integer({ minimum: -100, maximum: 1000 })),
    date: Type.Optional(Text),
    time: Type.Optional(Text),
    until: Type.Optional(Text),
    daypart: Type.Optional(
      Type.Union(['morning', 'afternoon', 'evening', 'night'].map((part) => Type.Literal(part))),
    ),
    duration_min: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
    party_size: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
    adjacent: Type.Optional(Type.Boolean()),
    preference: Type.Optional(Preferences),
    exclude: Type.Optional(Preferences),
    any_seat: Type.Optional(Type.Boolean()),
    rejected_seat: Type.Optional(Text),
    rejected_row: Type.Optional(Text),
    rejected_room: Type.Optional(Text),
    relative: Type.Optional(Type.Union(['next', 'front', 'behind'].map((side) => Type.Literal(side)))),
    max: Type.Optional(Type.Boolean()),
    all: Type.Optional(Type.Boolean()),
    field: Type.Optional(
      Type.Union(
        ['remaining_time', 'end_time', 'my_seat', 'reservation'].map((field) => Type.Literal(field)),
      ),
    ),
  },
  { additionalProperties: false },
);

/** A command that waits for an answer. */
export const PendingSchema = Type.Object(
  {
    intent: IntentNameSchema,
    slots: SlotsSchema,
    awaiting: Type.Union(['confirmation', 'seat', 'room'].map((name) => Type.Literal(name))),
  },
  { additionalProperties: false },
);
export const ActionSchema = Type.Object({ intent: IntentNameSchema, slots: SlotsSchema });
export const OUTCOMES = [
  'action',
  'asked',
  'confirming',
  'dismissed',
  'not_understood',
  'problem',
  'expired',
  'idle',
] as const satisfies readonly DialogueTurn['outcome'][];

const DialogueStateSchema = Type.Object(
  {
    pending: Type.Optional(PendingSchema),
    at: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1e15, description: 'Milliseconds since 1970, of the service.' }),
    ),
  },
  { additionalProperties: false },
);

/** What is said about seats is short; more is not a command. */
const MAX_TEXT = 2000;

export const IntentRequestSchema = Type.Object(
  {
    text: Type.String({ maxLength: MAX_TEXT, description: 'What was said.' }),
    venue: Type.Optional(VenueSchema),
    context: Type.Optional(
      Type.Object(
        {
          pending: Type.Optional(
            Type.Object({ intent: IntentNameSchema, slots: SlotsSchema }, { additionalProperties: false }),
          ),
          dialogue: Type.Optional(DialogueStateSchema),
        },
        {
          additionalProperties: false,
          description:
            'pending: a command that waits for confirm, deny or correct. dialogue: the state of a conversation, ' +
            'as the last answer gave it; {} begins one.',
        },
      ),
    ),
    alternatives: Type.Optional(
      Type.Array(
        Type.Object(
          { text: Type.String({ maxLength: MAX_TEXT }), confidence: Type.Optional(Confidence) },
          { additionalProperties: false },
        ),
        { maxItems: 16, description: 'Further hypotheses of the recogniser, best first.' },
      ),
    ),
    words: Type.Optional(
      Type.Array(
        Type.Object(
          { word: Text, start: Seconds, end: Seconds },
          { description: 'As verbose_json gives them.' },
        ),
        { maxItems: 1000 },
      ),
    ),
    reject_below: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, description: 'Below this confidence the answer is `none`.' }),
    ),
  },
  { additionalProperties: false },
);

const Candidate = { intent: IntentNameSchema, slots: SlotsSchema, confidence: Confidence };

export const IntentResultSchema = Type.Object({
  ...Candidate,
  text: Type.String(),
  evidence: Type.Array(
    Type.Object({
      slot: Type.String(),
      start: Type.Integer({ description: 'UTF-16 code units of text.' }),
      end: Type.Integer(),
      text: Type.String(),
      startTime: Type.Optional(Seconds),
      endTime: Type.Optional(Seconds),
    }),
  ),
  alternatives: Type.Array(Type.Object(Candidate)),
  problems: Type.Array(
    Type.Object({
      slot: Type.String(),
      value: Type.String(),
      code: Type.String(),
      suggestions: Type.Array(Type.String()),
    }),
  ),
  dialogue: Type.Optional(
    Type.Object(
      {
        outcome: Type.Union(OUTCOMES.map((name) => Type.Literal(name))),
        reply: Type.String({ description: 'What to say or show.' }),
        action: Type.Optional(ActionSchema),
        state: DialogueStateSchema,
      },
      { description: 'Where the request carried the state of a conversation.' },
    ),
  ),
});
