/** The messages of `/v1/stream`, as docs/reference/live.md describes them. Unknown fields are ignored. */
import Type from 'typebox';
import type { Static } from 'typebox';
import type { LiveEncoding } from '../../audio/contract.js';
import {
  MAX_HOT_WORD_LENGTH,
  MAX_HOT_WORDS,
  MAX_REQUEST_ALTERNATIVES,
  MAX_REQUEST_BEAM_WIDTH,
  MAX_WEIGHT,
} from '../../decoding/index.js';
import { ActionSchema, PendingSchema, OUTCOMES, SlotsSchema } from '../../http/schemas/intents.js';
import { VenueSchema } from '../../http/schemas/venue.js';

/** Names of encodings, and what other programs call them. */
export const ENCODINGS: Readonly<Record<string, LiveEncoding>> = {
  pcm_s16le: 'pcm_s16le',
  s16le: 'pcm_s16le',
  pcm_f32le: 'pcm_f32le',
  f32le: 'pcm_f32le',
  mulaw: 'mulaw',
  alaw: 'alaw',
  webm_opus: 'webm_opus',
  'opus-in-webm': 'webm_opus',
  ogg_opus: 'ogg_opus',
  'opus-in-ogg': 'ogg_opus',
};

const milliseconds = (minimum: number, maximum: number) => Type.Optional(Type.Number({ minimum, maximum }));

export const HelloSchema = Type.Object({
  type: Type.Literal('hello'),
  /** Needed by encodings without a header. */
  sample_rate: Type.Optional(Type.Integer({ minimum: 8000, maximum: 96_000 })),
  encoding: Type.String({ maxLength: 32 }),
  channels: Type.Optional(Type.Integer({ minimum: 1, maximum: 8 })),
  model: Type.Optional(Type.String({ maxLength: 128 })),
  venue: Type.Optional(Type.Union([Type.String({ minLength: 1, maxLength: 64 }), VenueSchema])),
  resumable: Type.Optional(Type.Boolean()),
  /** The audio goes on where another session ended: times and utterances are counted on. */
  continue: Type.Optional(
    Type.Object({
      time: Type.Number({ minimum: 0, maximum: 1e7 }),
      utterance: Type.Integer({ minimum: 0, maximum: 1e9 }),
    }),
  ),
  options: Type.Optional(
    Type.Object({
      silence_ms: milliseconds(64, 10_000),
      eager_silence_ms: milliseconds(64, 10_000),
      decoder_silence_ms: milliseconds(500, 30_000),
      threshold: milliseconds(0.01, 0.99),
      prefix_padding_ms: milliseconds(0, 2000),
      max_utterance_ms: milliseconds(1000, 28_000),
      partial_interval_ms: milliseconds(50, 10_000),
      intents: Type.Optional(Type.Boolean()),
      words: Type.Optional(Type.Boolean()),
      format_numbers: Type.Optional(Type.Boolean()),
      second_pass: Type.Optional(Type.Boolean()),
      dialogue: Type.Optional(Type.Boolean()),
      venue_hot_words: Type.Optional(Type.Boolean()),
      hot_words: Type.Optional(
        Type.Array(
          Type.Object({
            phrase: Type.String({ minLength: 1, maxLength: MAX_HOT_WORD_LENGTH, pattern: '\\S' }),
            weight: Type.Optional(Type.Number({ minimum: -MAX_WEIGHT, maximum: MAX_WEIGHT })),
          }),
          { maxItems: MAX_HOT_WORDS },
        ),
      ),
      alternatives: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REQUEST_ALTERNATIVES })),
      beam_width: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_REQUEST_BEAM_WIDTH })),
    }),
  ),
});
export type Hello = Static<typeof HelloSchema>;

export const FlushSchema = Type.Object({ type: Type.Literal('flush') });
export const FinishSchema = Type.Object({ type: Type.Literal('finish') });
export const PingSchema = Type.Object({ type: Type.Literal('ping') });
/** Without `pending`, or with null: nothing waits for an answer any more. */
export const DialogueSchema = Type.Object({
  type: Type.Literal('dialogue'),
  pending: Type.Optional(Type.Union([PendingSchema, Type.Null()])),
});

export const ResumeSchema = Type.Object({
  type: Type.Literal('resume'),
  session: Type.String({ minLength: 1, maxLength: 64 }),
  token: Type.String({ minLength: 1, maxLength: 64 }),
  seq: Type.Integer({ minimum: 0 }),
});
export const SeenSchema = Type.Object({ type: Type.Literal('seen'), seq: Type.Integer({ minimum: 0 }) });

const Seconds = Type.Number({ minimum: 0, description: 'Seconds from the start of the audio.' });
const Utterance = Type.Integer({ minimum: 0 });
const Confidence = Type.Number({ minimum: 0, maximum: 1 });

/** Messages of a resumable session are numbered. */
const Seq = { seq: Type.Optional(Type.Integer({ minimum: 1 })) };

/** What was recognised of an utterance. */
const Result = {
  start: Seconds,
  end: Seconds,
  text: Type.String(),
  confidence: Confidence,
  words: Type.Array(
    Type.Object({ word: Type.String(), start: Seconds, end: Seconds, confidence: Confidence }),
  ),
  /** With numbers, times and the like as figures; where the hello asked for it. */
  written: Type.Optional(
    Type.Object({
      text: Type.String(),
      words: Type.Array(
        Type.Object({
          word: Type.String(),
          spoken: Type.String(),
          start: Seconds,
          end: Seconds,
          confidence: Confidence,
        }),
      ),
    }),
  ),
  /** Further hypotheses, best first; where the hello asked for alternatives. */
  alternatives: Type.Optional(Type.Array(Type.Object({ text: Type.String(), confidence: Confidence }))),
};

export const SERVER_MESSAGES = {
  ready: Type.Object({
    type: Type.Literal('ready'),
    session: Type.String(),
    model: Type.String(),
    sample_rate: Type.Integer(),
    /** Of a resumable session. */
    resume: Type.Optional(Type.Object({ token: Type.String(), seconds: Type.Number() })),
    ...Seq,
  }),
  resumed: Type.Object({
    type: Type.Literal('resumed'),
    session: Type.String(),
    bytes: Type.Integer({ minimum: 0, description: 'Bytes of audio that are there: send on from here.' }),
  }),
  ack: Type.Object({
    type: Type.Literal('ack'),
    bytes: Type.Integer({ minimum: 0, description: 'Bytes of audio that no result to come needs.' }),
    ...Seq,
  }),
  speech_start: Type.Object({ type: Type.Literal('speech_start'), utterance: Utterance, time: Seconds }),
  partial: Type.Object({
    type: Type.Literal('partial'),
    utterance: Utterance,
    start: Seconds,
    end: Seconds,
    text: Type.String(),
    stable: Type.Integer({
      minimum: 0,
      description: 'So many leading characters of the text will not change any more.',
    }),
  }),
  speech_end: Type.Object({ type: Type.Literal('speech_end'), utterance: Utterance, time: Seconds }),
  eager_end: Type.Object({ type: Type.Literal('eager_end'), utterance: Utterance, ...Result }),
  eager_retracted: Type.Object({
    type: Type.Literal('eager_retracted'),
    utterance: Utterance,
    time: Seconds,
  }),
  final: Type.Object({
    type: Type.Literal('final'),
    utterance: Utterance,
    ...Result,
    /** What it makes of an eager end that was not retracted. */
    eager: Type.Optional(Type.Union([Type.Literal('confirmed'), Type.Literal('changed')])),
  }),
  intent: Type.Object({
    type: Type.Literal('intent'),
    utterance: Utterance,
    intent: Type.String(),
    slots: SlotsSchema,
    confidence: Confidence,
    evidence: Type.Array(
      Type.Object({ slot: Type.String(), start: Type.Integer(), end: Type.Integer(), text: Type.String() }),
    ),
    problems: Type.Array(
      Type.Object({
        slot: Type.String(),
        value: Type.String(),
        code: Type.String(),
        suggestions: Type.Array(Type.String()),
      }),
    ),
    tentative: Type.Boolean(),
    /** A tentative one that belongs to an eager end. */
    eager: Type.Optional(Type.Boolean()),
    dialogue: Type.Optional(
      Type.Object({
        outcome: Type.Union(OUTCOMES.map((name) => Type.Literal(name))),
        reply: Type.String(),
        action: Type.Optional(ActionSchema),
        pending: Type.Optional(PendingSchema),
      }),
    ),
  }),
  pong: Type.Object({ type: Type.Literal('pong') }),
  error: Type.Object({
    type: Type.Literal('error'),
    error: Type.Object({
      code: Type.String(),
      message: Type.String(),
      type: Type.String(),
      param: Type.Union([Type.String(), Type.Null()]),
      retry_after: Type.Optional(Type.Number({ description: 'Seconds after which to try again.' })),
    }),
  }),
  closed: Type.Object({
    type: Type.Literal('closed'),
    reason: Type.String(),
    audio_seconds: Seconds,
    dropped_seconds: Type.Number({ minimum: 0, description: 'Audio that came and is in no result.' }),
  }),
} as const;

type Messages = typeof SERVER_MESSAGES;
export type ServerMessage = { [Name in keyof Messages]: Static<Messages[Name]> }[keyof Messages];
