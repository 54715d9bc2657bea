import { randomBytes } from 'node:crypto';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { DEFAULT_HOT_WORD_WEIGHT } from '../../decoding/index.js';
import { ERRORS, MalgwiError, toPlainError } from '../../errors.js';
import type { ErrorCode, ErrorOptions, PlainError } from '../../errors.js';
import type { Venue } from '../../intents/contract.js';
import type { DialogueTurn, PendingCommand } from '../../intents/index.js';
import type { Segment } from '../../recognition/contract.js';
import type { EndpointConfig } from '../../vad/contract.js';
import { DEFAULT_LIVE_ENDPOINT } from '../../vad/endpointer.js';
import type {
  AdapterOutput,
  LiveCommand,
  ProtocolAdapter,
  Resume,
  SessionEvent,
  SessionOptions,
} from '../contract.js';
import { isContainer } from '../encodings.js';
import { counted, type Base } from './continued.js';
import { SeenSchema, DialogueSchema, ENCODINGS, HelloSchema, ResumeSchema } from './native-messages.js';
import type { Hello, ServerMessage } from './native-messages.js';
import { milli, parseObject } from './json.js';
import { Outbox } from './outbox.js';
import { showSegment } from './wording.js';

/** What ready says of containers before their header has come: the rate of Opus. */
const CONTAINER_RATE = 48_000;

/** Told again only if nothing came after them. */
const PASSING = new Set<SessionEvent['type']>(['partial', 'pong', 'acknowledged']);

/** What of a final its session is told. */
interface Shows {
  readonly words: boolean;
  readonly written: boolean;
}

/** The project's own protocol: docs/reference/live.md. */
export class NativeProtocol implements ProtocolAdapter {
  readonly protocol = 'stream';
  /** Of a resumable session. */
  #outbox: Outbox | undefined;
  #token: string | undefined;
  #session = '';
  #acknowledged = 0;
  #shows: Shows = { words: true, written: false };
  /** Where the audio of a session that continues another one begins. */
  #base: Base = { time: 0, utterance: 0 };

  constructor(
    private readonly defaults: { readonly partialIntervalMs: number; readonly resumeMs?: number },
  ) {}

  get resumeToken(): string | undefined {
    return this.#token;
  }

  binary(bytes: Uint8Array): readonly LiveCommand[] {
    return [{ type: 'audio', bytes }];
  }

  text(message: string): readonly AdapterOutput[] {
    try {
      const command = this.#decode(message);
      return command === undefined ? [] : [command];
    } catch (error) {
      return [{ type: 'invalid', error: toPlainError(error) }];
    }
  }

  encode(event: SessionEvent): readonly string[] {
    const message = toMessage(counted(event, this.#base), this, this.#shows);
    if (message === undefined) return [];
    if (this.#outbox === undefined) return [JSON.stringify(message)];
    const passing =
      PASSING.has(event.type) || (event.type === 'intent' && event.tentative && event.eager !== true);
    return [this.#outbox.add(message, passing)];
  }

  resumed(seq: number, receivedBytes: number): readonly string[] | undefined {
    const missed = this.#outbox?.after(seq);
    if (missed === undefined) return undefined;
    return [JSON.stringify({ type: 'resumed', session: this.#session, bytes: receivedBytes }), ...missed];
  }

  /** What a ready message says of taking the session up again. */
  ready(session: string): { readonly resume?: { readonly token: string; readonly seconds: number } } {
    this.#session = session;
    if (this.#token === undefined) return {};
    return { resume: { token: this.#token, seconds: (this.defaults.resumeMs ?? 0) / 1000 } };
  }

  /** The audio that may be forgotten, when that has become more. */
  acknowledged(settledBytes: number): ServerMessage | undefined {
    if (this.#outbox === undefined || settledBytes <= this.#acknowledged) return undefined;
    this.#acknowledged = settledBytes;
    return { type: 'ack', bytes: settledBytes };
  }

  #decode(message: string): LiveCommand | Resume | undefined {
    const value = parseObject(message);
    const { type } = value;
    switch (type) {
      case 'hello':
        return { type: 'open', options: this.#options(value) };
      case 'flush':
      case 'finish':
      case 'ping':
        return { type };
      case 'dialogue': {
        if (!Value.Check(DialogueSchema, value)) throw complaint(DialogueSchema, value);
        return { type, pending: (value.pending ?? undefined) as PendingCommand | undefined };
      }
      case 'resume': {
        if (!Value.Check(ResumeSchema, value)) throw complaint(ResumeSchema, value);
        return value;
      }
      case 'seen': {
        if (!Value.Check(SeenSchema, value)) throw complaint(SeenSchema, value);
        this.#outbox?.seen(value.seq);
        return undefined;
      }
      default:
        throw new MalgwiError('invalid_message', {
          detail: 'The type of a message is one of hello, resume, flush, finish, dialogue, seen and ping.',
          param: 'type',
        });
    }
  }

  #options(value: unknown): SessionOptions {
    if (!Value.Check(HelloSchema, value)) throw complaint(HelloSchema, value);
    const encoding = Object.hasOwn(ENCODINGS, value.encoding) ? ENCODINGS[value.encoding] : undefined;
    if (encoding === undefined) {
      throw new MalgwiError('unsupported_encoding', {
        detail: 'encoding is one of pcm_s16le, pcm_f32le, mulaw, alaw, webm_opus and ogg_opus.',
        param: 'encoding',
      });
    }
    if (value.sample_rate === undefined && !isContainer(encoding)) {
      throw new MalgwiError('missing_field', {
        detail: 'This encoding needs sample_rate, in samples a second.',
        param: 'sample_rate',
      });
    }
    const { options = {}, resumable = false } = value;
    this.#base = value.continue ?? this.#base;
    this.#shows = { words: options.words ?? true, written: options.format_numbers ?? false };
    if (resumable && this.#outbox === undefined) {
      this.#outbox = new Outbox();
      this.#token = randomBytes(24).toString('base64url');
    }
    return {
      resumable,
      ...(value.model === undefined ? {} : { model: value.model }),
      encoding,
      sampleRate: value.sample_rate ?? CONTAINER_RATE,
      channels: value.channels ?? 1,
      endpoint: endpoint(options),
      partialIntervalMs: options.partial_interval_ms ?? this.defaults.partialIntervalMs,
      ...decoding(options),
      ...(value.venue === undefined ? {} : { venue: value.venue as Venue | string }),
      intents: options.intents ?? true,
      venueHotWords: options.venue_hot_words ?? true,
      dialogue: options.dialogue ?? false,
      words: this.#shows.words,
      formatNumbers: this.#shows.written,
      ...(options.second_pass === undefined ? {} : { secondPass: options.second_pass }),
    };
  }
}

function decoding(options: NonNullable<Hello['options']>): Pick<SessionOptions, 'decoding'> {
  const { hot_words: given, alternatives, beam_width: beamWidth } = options;
  const hotWords = given?.map(({ phrase, weight = DEFAULT_HOT_WORD_WEIGHT }) => ({ phrase, weight }));
  if (given === undefined && alternatives === undefined && beamWidth === undefined) return {};
  return {
    decoding: {
      ...(hotWords === undefined ? {} : { hotWords }),
      ...(alternatives === undefined ? {} : { alternatives }),
      ...(beamWidth === undefined ? {} : { beamWidth }),
    },
  };
}

function endpoint(options: NonNullable<Hello['options']>): Partial<EndpointConfig> {
  const { silence_ms, threshold, prefix_padding_ms, max_utterance_ms } = options;
  const { eager_silence_ms, decoder_silence_ms } = options;
  const silence = silence_ms ?? DEFAULT_LIVE_ENDPOINT.silenceDurationMs;
  if (eager_silence_ms !== undefined && eager_silence_ms >= silence) {
    throw new MalgwiError('invalid_field', {
      detail: `options.eager_silence_ms must be smaller than silence_ms, which is ${String(silence)}.`,
      param: 'options.eager_silence_ms',
    });
  }
  return {
    ...(silence_ms === undefined ? {} : { silenceDurationMs: silence_ms }),
    ...(threshold === undefined ? {} : { threshold }),
    ...(prefix_padding_ms === undefined ? {} : { prefixPaddingMs: prefix_padding_ms }),
    ...(max_utterance_ms === undefined ? {} : { maxUtteranceMs: max_utterance_ms }),
    ...(eager_silence_ms === undefined ? {} : { eagerSilenceMs: eager_silence_ms }),
    ...(decoder_silence_ms === undefined ? {} : { decoderSilenceMs: decoder_silence_ms }),
  };
}

/** The first thing wrong with a message. */
function complaint(schema: TSchema, value: unknown): MalgwiError {
  const [first] = Value.Errors(schema, value);
  const path = (first?.instancePath ?? '').split('/').filter(Boolean);
  const missing = (first?.params as { requiredProperties?: readonly string[] } | undefined)
    ?.requiredProperties;
  const param = [...path, ...(missing?.slice(0, 1) ?? [])].join('.').slice(0, 128);
  const options: ErrorOptions = {
    detail: `${param || 'The message'} ${first?.message ?? 'is not valid'}.`,
    param,
  };
  const code: ErrorCode = missing === undefined ? 'invalid_field' : 'missing_field';
  return new MalgwiError(code, options);
}

function errorBody(error: PlainError): Extract<ServerMessage, { type: 'error' }>['error'] {
  const { code, message, param = null, retryAfter } = error;
  return {
    code,
    message,
    type: ERRORS[code].type,
    param,
    ...(retryAfter === undefined ? {} : { retry_after: retryAfter }),
  };
}

function writtenBody(segment: Segment, withWords: boolean) {
  const { text, words } = showSegment(segment, true);
  const shown = words.map(({ shown, raw, ...rest }) => ({ word: shown, spoken: raw, ...rest }));
  return { text, words: withWords ? shown : [] };
}

function resultBody(segment: Segment, shows: Shows) {
  const { start, end, text, confidence, words, alternatives } = segment;
  return {
    start,
    end,
    text,
    confidence,
    words: shows.words ? [...words] : [],
    ...(shows.written ? { written: writtenBody(segment, shows.words) } : {}),
    ...(alternatives.length === 0 ? {} : { alternatives: [...alternatives] }),
  };
}

function dialogueBody({ outcome, reply, action, state }: DialogueTurn) {
  return {
    outcome,
    reply,
    ...(action === undefined ? {} : { action }),
    ...(state.pending === undefined ? {} : { pending: state.pending }),
  };
}

function toMessage(event: SessionEvent, protocol: NativeProtocol, shows: Shows): ServerMessage | undefined {
  switch (event.type) {
    case 'ready':
      return {
        type: 'ready',
        session: event.session,
        model: event.model,
        sample_rate: event.sampleRate,
        ...protocol.ready(event.session),
      };
    case 'speech_start':
    case 'speech_end':
    case 'eager_retracted':
      return { type: event.type, utterance: event.utterance, time: milli(event.time) };
    case 'partial': {
      const { utterance, start, end, text, stable } = event;
      return { type: 'partial', utterance, start: milli(start), end: milli(end), text, stable };
    }
    case 'eager_end':
      return { type: 'eager_end', utterance: event.utterance, ...resultBody(event.segment, shows) };
    case 'final': {
      const { utterance, segment, eager } = event;
      return {
        type: 'final',
        utterance,
        ...resultBody(segment, shows),
        ...(eager === undefined ? {} : { eager }),
      };
    }
    case 'intent': {
      const { utterance, result, tentative, eager, turn } = event;
      const { intent, slots, confidence, evidence, problems } = result;
      return {
        type: 'intent',
        utterance,
        intent,
        slots,
        confidence,
        evidence,
        problems,
        tentative,
        ...(eager === undefined ? {} : { eager }),
        ...(turn === undefined ? {} : { dialogue: dialogueBody(turn) }),
      } as ServerMessage;
    }
    case 'acknowledged':
      return protocol.acknowledged(event.settledBytes);
    case 'flushed':
      return undefined;
    case 'pong':
      return { type: 'pong' };
    case 'error':
      return { type: 'error', error: errorBody(event.error) };
    case 'closed':
      return {
        type: 'closed',
        reason: event.reason,
        audio_seconds: milli(event.audioSeconds),
        dropped_seconds: milli(event.droppedSeconds),
      };
  }
}
