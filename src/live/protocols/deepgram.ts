import { createHash, randomUUID } from 'node:crypto';
import { toPlainError } from '../../errors.js';
import type { InstalledModel } from '../../recognition/contract.js';
import type { LiveCommand, ProtocolAdapter, SessionEvent } from '../contract.js';
import { sniff, type Sniffed } from './containers.js';
import { readQuery, type DeepgramRequest, type Query } from './deepgram-query.js';
import { milli, parseObject } from './json.js';
import { showSegment, showText, type ShownWord } from './wording.js';

/** A client that sends neither audio nor KeepAlive for so long is gone (Deepgram's NET-0001). */
const IDLE_MS = 10_000;
const MAX_TEXT = 16 * 1024;
const CHANNEL_INDEX = [0, 1] as const;

type Final = Extract<SessionEvent, { type: 'final' }>;

/** Deepgram's live protocol, as its JavaScript SDK and LiveKit's plug-in speak it. One channel: several are mixed. */
export class DeepgramProtocol implements ProtocolAdapter {
  readonly protocol = 'deepgram';
  readonly idleTimeoutMs = IDLE_MS;
  readonly #request: DeepgramRequest | Error;
  readonly #id: string = randomUUID();
  readonly #created = new Date();
  readonly #sha = createHash('sha256');
  #opened = false;
  /** The first bytes, while they do not say yet what the audio is. */
  #first = new Uint8Array(0);
  #model = '';
  #speaking = false;
  #lastWordEnd: number | undefined;
  #finalizing = 0;
  /** The last final before a `Finalize` is done: whether it came from it is known only then. */
  #held: Final | undefined;

  constructor(
    query: Query,
    defaults: { readonly partialIntervalMs: number },
    private readonly models: () => readonly InstalledModel[],
  ) {
    let request: DeepgramRequest | Error;
    try {
      request = readQuery(query, defaults.partialIntervalMs);
    } catch (error) {
      request = error as Error;
    }
    this.#request = request;
  }

  open(): readonly LiveCommand[] {
    if (this.#request instanceof Error) return [{ type: 'invalid', error: toPlainError(this.#request) }];
    const { encoding, sampleRate, channels } = this.#request;
    return encoding === undefined ? [] : [this.#open({ encoding, sampleRate, channels, skip: 0 })];
  }

  text(message: string): readonly LiveCommand[] {
    try {
      const { type } = parseObject(message, MAX_TEXT);
      switch (type) {
        case 'KeepAlive':
          return this.#opened ? [{ type: 'ping' }] : [];
        case 'Finalize':
          if (!this.#opened) return [];
          this.#finalizing += 1;
          return [{ type: 'flush' }];
        case 'CloseStream':
          return this.#opened ? [{ type: 'finish' }] : [this.#open(SILENCE), { type: 'finish' }];
        default:
          // Settings that a running session does not have: later clients send them, and go on without an answer.
          return this.#opened ? [{ type: 'ping' }] : [];
      }
    } catch (error) {
      return [{ type: 'invalid', error: toPlainError(error) }];
    }
  }

  binary(bytes: Uint8Array): readonly LiveCommand[] {
    // A message of no bytes was the end of the stream before there was CloseStream, and clients still send it.
    if (bytes.length === 0) return this.#opened ? [{ type: 'finish' }] : [];
    this.#sha.update(bytes);
    if (this.#opened) return [{ type: 'audio', bytes }];
    const joined = new Uint8Array(this.#first.length + bytes.length);
    joined.set(this.#first);
    joined.set(bytes, this.#first.length);
    try {
      const found = sniff(joined);
      if (found === undefined) {
        this.#first = joined;
        return [];
      }
      this.#first = new Uint8Array(0);
      return [this.#open(found), { type: 'audio', bytes: joined.subarray(found.skip) }];
    } catch (error) {
      return [{ type: 'invalid', error: toPlainError(error) }];
    }
  }

  encode(event: SessionEvent): readonly string[] {
    const held = event.type === 'flushed' || this.#held === undefined ? [] : [this.#final(false)];
    return [...held, ...this.#encode(event)].map((message) => JSON.stringify(message));
  }

  #encode(event: SessionEvent): readonly object[] {
    switch (event.type) {
      case 'ready':
        this.#model = event.model;
        return [];
      case 'speech_start':
        this.#speaking = true;
        return this.#wanted.vadEvents
          ? [{ type: 'SpeechStarted', channel: [...CHANNEL_INDEX], timestamp: milli(event.time) }]
          : [];
      case 'partial':
        return this.#wanted.interim ? [this.#interim(event)] : [];
      case 'speech_end':
        this.#speaking = false;
        return [];
      case 'final':
        this.#held = event;
        return this.#finalizing > 0 ? [] : [this.#final(false)];
      case 'flushed':
        this.#finalizing = Math.max(0, this.#finalizing - 1);
        return [this.#held === undefined ? this.#results({ finalize: true }) : this.#final(true)];
      case 'acknowledged':
        return this.#utteranceEnd(event.audioSeconds);
      case 'error': {
        const { code, message } = event.error;
        return [{ type: 'Error', variant: code, description: message, message, request_id: this.#id }];
      }
      case 'closed':
        return [
          {
            type: 'Metadata',
            transaction_key: 'deprecated',
            request_id: this.#id,
            sha256: this.#sha.copy().digest('hex'),
            created: this.#created.toISOString(),
            duration: milli(event.audioSeconds),
            channels: 1,
          },
        ];
      default:
        return [];
    }
  }

  get #wanted(): DeepgramRequest {
    if (this.#request instanceof Error) throw this.#request;
    return this.#request;
  }

  #open({ encoding, sampleRate, channels }: Sniffed): LiveCommand {
    this.#opened = true;
    return { type: 'open', options: { ...this.#wanted.session, encoding, sampleRate, channels } };
  }

  #interim({ start, end, text }: Extract<SessionEvent, { type: 'partial' }>): object {
    const transcript = showText(text, this.#wanted.session.formatNumbers);
    return this.#results({ start, end, alternatives: [{ transcript, confidence: 0, words: [] }] });
  }

  #final(finalize: boolean): object {
    const { segment } = this.#held!;
    this.#held = undefined;
    const formatted = this.#wanted.session.formatNumbers === true;
    const best = showSegment(segment, formatted);
    this.#lastWordEnd = best.words.at(-1)?.end ?? this.#lastWordEnd;
    return this.#results({
      start: segment.start,
      end: segment.end,
      final: true,
      finalize,
      alternatives: [
        { transcript: best.text, confidence: milli(segment.confidence), words: best.words.map(toWord) },
        ...segment.alternatives.map(({ text, confidence }) => ({
          transcript: showText(text, formatted),
          confidence: milli(confidence),
          words: [],
        })),
      ],
    });
  }

  #results(result: {
    readonly start?: number;
    readonly end?: number;
    readonly final?: boolean;
    readonly finalize?: boolean;
    readonly alternatives?: readonly object[];
  }): object {
    const { start = 0, end = start, final = false, finalize = false, alternatives } = result;
    const installed = this.models().find(({ name }) => name === this.#model);
    return {
      type: 'Results',
      channel_index: [...CHANNEL_INDEX],
      duration: milli(end - start),
      start: milli(start),
      is_final: final || finalize,
      speech_final: final,
      from_finalize: finalize,
      channel: { alternatives: alternatives ?? [{ transcript: '', confidence: 0, words: [] }] },
      metadata: {
        request_id: this.#id,
        model_info: {
          name: this.#model,
          version: installed?.version ?? '',
          arch: installed?.family ?? '',
        },
        model_uuid: this.#model,
      },
    };
  }

  #utteranceEnd(audioSeconds: number): readonly object[] {
    const { utteranceEndMs } = this.#wanted;
    const end = this.#lastWordEnd;
    if (utteranceEndMs === undefined || end === undefined || this.#speaking) return [];
    if (audioSeconds - end < utteranceEndMs / 1000) return [];
    this.#lastWordEnd = undefined;
    return [{ type: 'UtteranceEnd', channel: [...CHANNEL_INDEX], last_word_end: milli(end) }];
  }
}

/** A stream that is closed before it said anything. */
const SILENCE: Sniffed = { encoding: 'pcm_s16le', sampleRate: 16_000, channels: 1, skip: 0 };

function toWord({ raw, shown, start, end, confidence }: ShownWord): object {
  return {
    word: raw,
    start: milli(start),
    end: milli(end),
    confidence: milli(confidence),
    punctuated_word: shown,
  };
}
