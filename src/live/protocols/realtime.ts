import { randomUUID } from 'node:crypto';
import { ERRORS, MalgwiError, toPlainError } from '../../errors.js';
import type { PlainError } from '../../errors.js';
import type { LiveCommand, ProtocolAdapter, Reply, SessionEvent } from '../contract.js';
import { parseObject } from './json.js';
import { RealtimeSession } from './realtime-session.js';

type Wanted = LiveCommand | Reply;

/** Base64 of 15 MiB, and what stands around it; the socket's own limit is often lower. */
const MAX_TEXT = 22 * 1024 * 1024;
/** Below it a commit has nothing to transcribe (OpenAI's own limit). */
const MIN_COMMIT_SECONDS = 0.1;

interface Item {
  readonly id: string;
  readonly previous: string | null;
  /** Text that was told in deltas. */
  told: string;
}

/** OpenAI's Realtime protocol for transcription sessions. Deltas only ever add to what was said before. */
export class RealtimeProtocol implements ProtocolAdapter {
  readonly protocol = 'realtime';
  /** Its clients connect before anyone speaks. */
  readonly patient = true;
  readonly #session: RealtimeSession;
  readonly #id = `sess_${randomUUID()}`;
  #opened = false;
  /** Bytes since the last commit or clear. */
  #uncommitted = 0;
  #item: Item | undefined;
  #lastItem: string | null = null;
  /** What has been asked of the session with a flush, oldest first. */
  readonly #flushes: ('commit' | 'clear')[] = [];
  /** Finals of an item that the client commits itself. */
  #texts: string[] = [];
  #seconds = 0;
  /** The message that is being answered, for errors. */
  #eventId: string | null = null;

  constructor(
    private readonly defaults: { readonly partialIntervalMs: number },
    model?: string,
  ) {
    this.#session = new RealtimeSession(model);
  }

  open(): readonly Wanted[] {
    return [this.#reply({ type: 'session.created', session: this.#describe() })];
  }

  text(message: string): readonly Wanted[] {
    this.#eventId = null;
    try {
      const value = parseObject(message, MAX_TEXT);
      if (typeof value.event_id === 'string') this.#eventId = value.event_id.slice(0, 128);
      return this.#command(value);
    } catch (error) {
      return [this.#refusal(toPlainError(error))];
    }
  }

  binary(): readonly Wanted[] {
    const detail = 'Audio comes as base64 in input_audio_buffer.append, not as binary messages.';
    return [this.#refusal(toPlainError(new MalgwiError('invalid_message', { detail })))];
  }

  encode(event: SessionEvent): readonly string[] {
    return this.#events(event).map((message) => this.#tell(message));
  }

  #command(value: Record<string, unknown>): readonly Wanted[] {
    switch (value.type) {
      case 'session.update':
      case 'transcription_session.update': {
        const older = value.type === 'transcription_session.update';
        this.#session.update(value.session, older, this.#opened);
        const type = older ? 'transcription_session.updated' : 'session.updated';
        return [this.#reply({ type, session: this.#describe() })];
      }
      case 'input_audio_buffer.append':
        return this.#append(value.audio);
      case 'input_audio_buffer.commit':
        return this.#commit();
      case 'input_audio_buffer.clear':
        this.#uncommitted = 0;
        if (this.#opened) this.#flushes.push('clear');
        return [
          ...(this.#opened ? [{ type: 'flush' } as const] : []),
          this.#reply({ type: 'input_audio_buffer.cleared' }),
        ];
      default:
        throw new MalgwiError('invalid_message', {
          detail:
            'A transcription session knows session.update and input_audio_buffer.append, commit and clear.',
          param: 'type',
        });
    }
  }

  #append(audio: unknown): readonly Wanted[] {
    if (typeof audio !== 'string' || !/^[A-Za-z0-9+/_-]*={0,2}$/.test(audio)) {
      throw new MalgwiError('invalid_field', { detail: 'audio must be base64.', param: 'audio' });
    }
    const bytes = Buffer.from(audio, 'base64');
    if (bytes.length === 0) return [];
    this.#uncommitted += bytes.length;
    const opening: Wanted[] = this.#opened
      ? []
      : [{ type: 'open', options: this.#session.options(this.defaults.partialIntervalMs) }];
    this.#opened = true;
    return [...opening, { type: 'audio', bytes }];
  }

  #commit(): readonly Wanted[] {
    const seconds = this.#uncommitted / this.#session.bytesPerSecond;
    if (seconds < MIN_COMMIT_SECONDS) {
      throw new MalgwiError('audio_empty', {
        detail: `A commit needs at least ${MIN_COMMIT_SECONDS * 1000} ms of audio that is not committed yet.`,
      });
    }
    this.#uncommitted = 0;
    this.#flushes.push('commit');
    return [{ type: 'flush' }];
  }

  #events(event: SessionEvent): readonly object[] {
    // What a clear throws away is recognised all the same; it is only not told.
    const cleared = this.#flushes[0] === 'clear';
    switch (event.type) {
      case 'speech_start': {
        if (this.#session.manual || cleared) return [];
        const item = this.#current();
        return [
          {
            type: 'input_audio_buffer.speech_started',
            item_id: item.id,
            audio_start_ms: Math.round(event.time * 1000),
          },
        ];
      }
      case 'partial':
        return cleared ? [] : this.#delta(joined([...this.#texts, event.text.slice(0, event.stable)]));
      case 'speech_end': {
        if (this.#session.manual || cleared) return [];
        const item = this.#current();
        return [
          {
            type: 'input_audio_buffer.speech_stopped',
            item_id: item.id,
            audio_end_ms: Math.round(event.time * 1000),
          },
          this.#committed(item),
        ];
      }
      case 'final': {
        const { text, start, end } = event.segment;
        if (cleared) return [];
        this.#seconds += end - start;
        if (!this.#session.manual) {
          this.#uncommitted = 0;
          return this.#complete(text);
        }
        if (text !== '') this.#texts.push(text);
        return this.#delta(joined(this.#texts));
      }
      case 'flushed':
        return this.#flushed();
      case 'error':
        return [this.#error(event.error)];
      case 'closed':
        return this.#texts.length > 0 && this.#session.manual ? this.#completeManual() : [];
      default:
        return [];
    }
  }

  #flushed(): readonly object[] {
    if (this.#flushes.shift() === 'clear') {
      this.#texts = [];
      this.#item = undefined;
      this.#seconds = 0;
      return [];
    }
    return this.#session.manual ? this.#completeManual() : [];
  }

  #completeManual(): readonly object[] {
    const text = joined(this.#texts);
    this.#texts = [];
    return [this.#committed(this.#current()), ...this.#complete(text)];
  }

  #current(): Item {
    this.#item ??= { id: `item_${randomUUID()}`, previous: this.#lastItem, told: '' };
    return this.#item;
  }

  #committed(item: Item): object {
    return { type: 'input_audio_buffer.committed', item_id: item.id, previous_item_id: item.previous };
  }

  /** What was not told yet of a text that begins with what was. */
  #delta(text: string): readonly object[] {
    const item = this.#current();
    if (text.length <= item.told.length || !text.startsWith(item.told)) return [];
    const delta = text.slice(item.told.length);
    item.told = text;
    return [
      {
        type: 'conversation.item.input_audio_transcription.delta',
        item_id: item.id,
        content_index: 0,
        delta,
      },
    ];
  }

  #complete(transcript: string): readonly object[] {
    const item = this.#current();
    const deltas = this.#delta(transcript);
    const seconds = Math.round(this.#seconds * 1000) / 1000;
    this.#item = undefined;
    this.#lastItem = item.id;
    this.#seconds = 0;
    return [
      ...deltas,
      {
        type: 'conversation.item.input_audio_transcription.completed',
        item_id: item.id,
        content_index: 0,
        transcript,
        usage: { type: 'duration', seconds },
      },
    ];
  }

  #describe(): object {
    return { id: this.#id, ...this.#session.toJSON() };
  }

  #error({ code, message, param }: PlainError): object {
    return {
      type: 'error',
      error: { type: ERRORS[code].type, code, message, param: param ?? null, event_id: this.#eventId },
    };
  }

  /** A mistake of a message before there was audio: the core has no session yet that could count it. */
  #refusal(error: PlainError): Wanted {
    return this.#opened ? { type: 'invalid', error } : this.#reply(this.#error(error));
  }

  #reply(message: object): Reply {
    return { type: 'reply', message: this.#tell(message) };
  }

  #tell(message: object): string {
    return JSON.stringify({ event_id: `event_${randomUUID()}`, ...message });
  }
}

const joined = (texts: readonly string[]): string => texts.filter(Boolean).join(' ');
