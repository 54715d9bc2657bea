import { DEFAULT_HOT_WORD_WEIGHT, MAX_HOT_WORD_LENGTH, MAX_HOT_WORDS } from '../../decoding/index.js';
import { MalgwiError, toPlainError } from '../../errors.js';
import type { LiveCommand, ProtocolAdapter, Reply, SessionEvent, SessionOptions } from '../contract.js';
import { sniffWav, startsLikeWav } from './containers.js';
import { milli, parseObject } from './json.js';

type Wanted = LiveCommand | Reply;
type Final = Extract<SessionEvent, { type: 'final' }>;

const DEFAULT_RATE = 8000;
const MAX_ALTERNATIVES = 10;
/** Frames that may wait for their answers: a client that does not wait at all gets no further. */
const MAX_WAITING_FRAMES = 4096;
/** A stream that never gets to the end of its WAV header is no WAV. */
const MAX_HEADER = 64 * 1024;

const reply = (message: unknown): Reply => ({ type: 'reply', message: JSON.stringify(message) });
const invalid = (detail: string, param: string): MalgwiError =>
  new MalgwiError('invalid_field', { detail, param });

/**
 * The protocol of vosk-server (alphacep/vosk-server, websocket/asr_server.py): each binary frame gets exactly one answer,
 * in order, once it has been recognised. A frame of no bytes gets one too.
 */
export class VoskProtocol implements ProtocolAdapter {
  readonly protocol = 'vosk';
  /** Nothing has to be said before the first audio. */
  readonly patient = true;
  #rate = DEFAULT_RATE;
  #words = true;
  #alternatives = 0;
  #phrases: string[] = [];
  #opened = false;
  /** Bytes of a WAV header that is not complete yet, when the first frame began like one. */
  #header: Uint8Array | undefined = new Uint8Array(0);
  /** Bytes handed to the session so far, and how many of them are recognised. */
  #sent = 0;
  #recognized = 0;
  /** For each frame that waits for its answer, how many bytes must be recognised first. */
  #waiting: number[] = [];
  #finals: Final[] = [];
  #partial = '';
  #resets = 0;

  /** @param model of the address */
  constructor(
    private readonly defaults: { readonly partialIntervalMs: number },
    private readonly model?: string,
  ) {}

  text(message: string): readonly Wanted[] {
    try {
      return this.#command(parseObject(message));
    } catch (error) {
      return [{ type: 'invalid', error: toPlainError(error) }];
    }
  }

  binary(bytes: Uint8Array): readonly Wanted[] {
    if (this.#waiting.length >= MAX_WAITING_FRAMES) {
      return [{ type: 'invalid', error: toPlainError(new MalgwiError('audio_backlog_full')) }];
    }
    const audio = this.#withoutHeader(bytes);
    this.#sent += audio.length;
    this.#waiting.push(this.#sent);
    const wanted: Wanted[] = this.#opened ? [] : [this.#open()];
    if (audio.length > 0) wanted.push({ type: 'audio', bytes: audio });
    // Nothing has to be recognised for a frame without audio, unless others wait before it.
    return [...wanted, ...this.#answers().map((text): Reply => ({ type: 'reply', message: text }))];
  }

  encode(event: SessionEvent): readonly string[] {
    switch (event.type) {
      case 'partial':
        this.#partial = event.text;
        return [];
      case 'final':
        this.#partial = '';
        this.#finals.push(event);
        return [];
      case 'acknowledged':
        this.#recognized = event.bytes;
        return this.#answers();
      case 'flushed':
        if (this.#resets === 0) return [];
        this.#resets -= 1;
        return [JSON.stringify(this.#last())];
      case 'error':
        return [JSON.stringify({ error: event.error.message, code: event.error.code })];
      case 'closed':
        return event.reason === 'finished' ? [JSON.stringify(this.#last())] : [];
      default:
        return [];
    }
  }

  #command(message: Record<string, unknown>): readonly Wanted[] {
    if ('config' in message) return this.#configure(message.config);
    if (message.eof === 1 || message.eof === true) {
      // Without audio there is nothing to open a session for, but the client waits for its last result.
      return [...(this.#opened ? [] : [this.#open()]), { type: 'finish' }];
    }
    if (message.reset === 1 || message.reset === true) {
      if (!this.#opened) return [reply(this.#last())];
      this.#resets += 1;
      return [{ type: 'flush' }];
    }
    throw new MalgwiError('invalid_message', { detail: 'A message is one of config, eof and reset.' });
  }

  #configure(config: unknown): readonly Wanted[] {
    if (typeof config !== 'object' || config === null) throw invalid('config must be an object.', 'config');
    const { sample_rate, words, max_alternatives, phrase_list, model } = config as Record<string, unknown>;
    if (model !== undefined) {
      throw invalid('The model is chosen by the address: /v1/vosk?model=NAME.', 'config.model');
    }
    const rate = typeof sample_rate === 'string' ? Number(sample_rate) : sample_rate;
    if (rate !== undefined) {
      if (typeof rate !== 'number' || !(rate >= 8000 && rate <= 96_000))
        throw invalid('sample_rate must be from 8000 to 96000.', 'config.sample_rate');
      if (this.#opened && Math.round(rate) !== this.#rate)
        throw invalid('sample_rate cannot change once there was audio.', 'config.sample_rate');
      this.#rate = Math.round(rate);
    }
    if (words !== undefined) this.#words = Boolean(words);
    if (max_alternatives !== undefined) {
      const count = Number(max_alternatives);
      if (!Number.isInteger(count) || count < 0 || count > MAX_ALTERNATIVES)
        throw invalid(`max_alternatives must be from 0 to ${MAX_ALTERNATIVES}.`, 'config.max_alternatives');
      this.#alternatives = count;
    }
    if (phrase_list !== undefined) this.#phrases = phrases(phrase_list);
    return [];
  }

  #open(): LiveCommand {
    this.#opened = true;
    const hotWords = this.#phrases.map((phrase) => ({ phrase, weight: DEFAULT_HOT_WORD_WEIGHT }));
    const options: SessionOptions = {
      ...(this.model === undefined ? {} : { model: this.model }),
      encoding: 'pcm_s16le',
      sampleRate: this.#rate,
      channels: 1,
      partialIntervalMs: this.defaults.partialIntervalMs,
      intents: false,
      decoding: {
        ...(hotWords.length === 0 ? {} : { hotWords }),
        ...(this.#alternatives > 1 ? { alternatives: this.#alternatives } : {}),
      },
    };
    return { type: 'open', options };
  }

  /** Some clients send a whole WAV file: its header is no sound. */
  #withoutHeader(bytes: Uint8Array): Uint8Array {
    if (this.#header === undefined) return bytes;
    const joined = new Uint8Array(this.#header.length + bytes.length);
    joined.set(this.#header);
    joined.set(bytes, this.#header.length);
    if (joined.length === 0) return joined;
    const ended = (audio: Uint8Array): Uint8Array => {
      this.#header = undefined;
      return audio;
    };
    if (!startsLikeWav(joined)) return ended(joined);
    try {
      const found = joined.length < 4 ? undefined : sniffWav(joined);
      if (found !== undefined) return ended(joined.subarray(found.skip));
    } catch {
      // A header that is not understood: sound of some other kind, as far as anyone can tell.
      return ended(joined);
    }
    if (joined.length > MAX_HEADER) return ended(joined);
    this.#header = joined;
    return new Uint8Array(0);
  }

  /** One answer for each frame that is recognised: a result that waits, or what is heard so far. */
  #answers(): string[] {
    const answers: string[] = [];
    while (this.#waiting.length > 0 && this.#waiting[0]! <= this.#recognized) {
      this.#waiting.shift();
      const final = this.#finals.shift();
      answers.push(JSON.stringify(final === undefined ? { partial: this.#partial } : this.#result([final])));
    }
    return answers;
  }

  /** Everything that is final and was not told yet, as one result. */
  #last(): unknown {
    // The frames before the end were never answered one by one if the client did not wait for it.
    const finals = this.#finals;
    this.#finals = [];
    this.#partial = '';
    return this.#result(finals);
  }

  #result(finals: readonly Final[]): unknown {
    const text = finals
      .map(({ segment }) => segment.text)
      .filter(Boolean)
      .join(' ');
    const words = finals.flatMap(({ segment }) =>
      segment.words.map(({ word, start, end, confidence }) => ({
        conf: milli(confidence),
        end: milli(end),
        start: milli(start),
        word,
      })),
    );
    if (this.#alternatives === 0) return { ...(this.#words && text !== '' ? { result: words } : {}), text };
    const [only] = finals;
    const further = finals.length === 1 ? only!.segment.alternatives : [];
    const best = {
      confidence: milli(finals.length === 0 ? 0 : Math.min(...finals.map((f) => f.segment.confidence))),
      ...(this.#words && text !== '' ? { result: words } : {}),
      text,
    };
    return {
      alternatives: [
        best,
        ...further.map((other) => ({ confidence: milli(other.confidence), text: other.text })),
      ],
    };
  }
}

function phrases(value: unknown): string[] {
  const list = typeof value === 'string' ? parseList(value) : value;
  if (
    !Array.isArray(list) ||
    list.length > MAX_HOT_WORDS ||
    !list.every((one) => typeof one === 'string' && one.length <= MAX_HOT_WORD_LENGTH)
  ) {
    throw invalid(
      `phrase_list must be a list of at most ${MAX_HOT_WORDS} phrases of at most ${MAX_HOT_WORD_LENGTH} characters.`,
      'config.phrase_list',
    );
  }
  // `[unk]` is Vosk's word for everything else; an open vocabulary needs none.
  return (list as string[]).map((one) => one.trim()).filter((one) => one !== '' && one !== '[unk]');
}

/** vosk-server's own clients send the list as JSON text. */
function parseList(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
