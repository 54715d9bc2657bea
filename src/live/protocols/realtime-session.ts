/** The session of OpenAI's Realtime transcription (platform.openai.com, "Realtime transcription"), as its clients set it. */
import Type from 'typebox';
import type { Static } from 'typebox';
import { Value } from 'typebox/value';
import type { LiveEncoding } from '../../audio/contract.js';
import { MalgwiError } from '../../errors.js';
import type { SessionOptions } from '../contract.js';
import { NO_ENDPOINT_MS } from './turns.js';

const Format = Type.Union([
  Type.Object({ type: Type.Literal('audio/pcm'), rate: Type.Optional(Type.Literal(24_000)) }),
  Type.Object({ type: Type.Union([Type.Literal('audio/pcmu'), Type.Literal('audio/pcma')]) }),
  Type.Union([Type.Literal('pcm16'), Type.Literal('g711_ulaw'), Type.Literal('g711_alaw')]),
]);
const TurnDetection = Type.Union([
  Type.Null(),
  Type.Object({
    type: Type.Literal('server_vad'),
    threshold: Type.Optional(Type.Number({ minimum: 0.01, maximum: 0.99 })),
    prefix_padding_ms: Type.Optional(Type.Number({ minimum: 0, maximum: 2000 })),
    silence_duration_ms: Type.Optional(Type.Number({ minimum: 64, maximum: 10_000 })),
  }),
]);
const Transcription = Type.Object({
  model: Type.Optional(Type.String({ maxLength: 128 })),
  language: Type.Optional(Type.String({ maxLength: 16 })),
  prompt: Type.Optional(Type.String({ maxLength: 4000 })),
});
const Include = Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 8 }));
/** `session` of `session.update`. */
const Session = Type.Object({
  type: Type.Optional(Type.Literal('transcription')),
  audio: Type.Optional(
    Type.Object({
      input: Type.Optional(
        Type.Object({
          format: Type.Optional(Format),
          transcription: Type.Optional(Transcription),
          turn_detection: Type.Optional(TurnDetection),
        }),
      ),
    }),
  ),
  include: Include,
});
/** `session` of the older `transcription_session.update`. */
const OlderSession = Type.Object({
  input_audio_format: Type.Optional(Format),
  input_audio_transcription: Type.Optional(Transcription),
  turn_detection: Type.Optional(TurnDetection),
  include: Include,
});

type Turn = Static<typeof TurnDetection>;

interface Settings {
  format: 'audio/pcm' | 'audio/pcmu' | 'audio/pcma';
  model: string | undefined;
  turn: Turn;
}

const FORMATS = { pcm16: 'audio/pcm', g711_ulaw: 'audio/pcmu', g711_alaw: 'audio/pcma' } as const;
const AUDIO: Record<Settings['format'], { encoding: LiveEncoding; sampleRate: number; width: number }> = {
  'audio/pcm': { encoding: 'pcm_s16le', sampleRate: 24_000, width: 2 },
  'audio/pcmu': { encoding: 'mulaw', sampleRate: 8000, width: 1 },
  'audio/pcma': { encoding: 'alaw', sampleRate: 8000, width: 1 },
};
const KOREAN = /^(ko|kor|korean|ko[-_]kr)$/i;

export class RealtimeSession {
  #settings: Settings;

  /** @param model of the address */
  constructor(model: string | undefined) {
    this.#settings = { format: 'audio/pcm', model, turn: { type: 'server_vad' } };
  }

  /** Whether the client says itself where an utterance ends. */
  get manual(): boolean {
    return this.#settings.turn === null;
  }

  get bytesPerSecond(): number {
    const { sampleRate, width } = AUDIO[this.#settings.format];
    return sampleRate * width;
  }

  /**
   * Takes `session.update` and the older `transcription_session.update`; what they leave out stays as it is.
   * @throws MalgwiError invalid_field
   */
  update(value: unknown, older: boolean, opened: boolean): void {
    const schema = older ? OlderSession : Session;
    if (!Value.Check(schema, value)) {
      const [first] = Value.Errors(schema, value);
      const path = (first?.instancePath ?? '').split('/').filter(Boolean).join('.');
      const param = `session${path === '' ? '' : `.${path}`}`.slice(0, 128);
      throw new MalgwiError('invalid_field', {
        detail: `${param} ${first?.message ?? 'is not valid'}.`,
        param,
      });
    }
    const given = older ? (value as Static<typeof OlderSession>) : undefined;
    const input = older ? undefined : (value as Static<typeof Session>).audio?.input;
    const format = given?.input_audio_format ?? input?.format;
    const transcription = given?.input_audio_transcription ?? input?.transcription;
    const turn = older ? given?.turn_detection : input?.turn_detection;
    if (transcription?.language !== undefined && !KOREAN.test(transcription.language)) {
      throw new MalgwiError('invalid_field', {
        detail: 'This service recognises Korean only: language must be ko, or absent.',
        param: 'session.audio.input.transcription.language',
      });
    }
    const next: Settings = {
      format: format === undefined ? this.#settings.format : nameOf(format),
      model: transcription?.model ?? this.#settings.model,
      turn: turn === undefined ? this.#settings.turn : turn,
    };
    if (opened && JSON.stringify(next) !== JSON.stringify(this.#settings)) {
      throw new MalgwiError('invalid_field', {
        detail: 'Format, model and turn detection cannot change once there was audio.',
        param: 'session',
      });
    }
    this.#settings = next;
  }

  options(partialIntervalMs: number): SessionOptions {
    const { format, model, turn } = this.#settings;
    const { encoding, sampleRate } = AUDIO[format];
    return {
      ...(model === undefined ? {} : { model }),
      encoding,
      sampleRate,
      channels: 1,
      partialIntervalMs,
      intents: false,
      endpoint:
        turn === null
          ? { silenceDurationMs: NO_ENDPOINT_MS }
          : {
              ...(turn.threshold === undefined ? {} : { threshold: turn.threshold }),
              ...(turn.prefix_padding_ms === undefined ? {} : { prefixPaddingMs: turn.prefix_padding_ms }),
              ...(turn.silence_duration_ms === undefined
                ? {}
                : { silenceDurationMs: turn.silence_duration_ms }),
            },
    };
  }

  /** As the server tells it back. */
  toJSON(): object {
    const { format, model, turn } = this.#settings;
    return {
      type: 'transcription',
      object: 'realtime.transcription_session',
      audio: {
        input: {
          format: format === 'audio/pcm' ? { type: format, rate: 24_000 } : { type: format },
          transcription: { ...(model === undefined ? {} : { model }), language: 'ko' },
          turn_detection: turn,
        },
      },
    };
  }
}

function nameOf(format: Static<typeof Format>): Settings['format'] {
  return typeof format === 'string' ? FORMATS[format] : format.type;
}
