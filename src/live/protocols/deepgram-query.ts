/** The address of Deepgram's live endpoint (developers.deepgram.com, "Live audio" reference), read as its clients write it. */
import type { LiveEncoding } from '../../audio/contract.js';
import {
  DEFAULT_HOT_WORD_WEIGHT,
  MAX_HOT_WORD_LENGTH,
  MAX_HOT_WORDS,
  MAX_WEIGHT,
} from '../../decoding/index.js';
import { MalgwiError } from '../../errors.js';
import type { SessionOptions } from '../contract.js';
import { NO_ENDPOINT_MS } from './turns.js';

/** Values of one name, in order. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface DeepgramRequest {
  /** Undefined: the audio says itself what it is. */
  readonly encoding?: LiveEncoding;
  readonly sampleRate: number;
  readonly channels: number;
  readonly interim: boolean;
  readonly vadEvents: boolean;
  readonly utteranceEndMs?: number;
  readonly session: Omit<SessionOptions, 'encoding' | 'sampleRate' | 'channels'>;
}

const ENCODINGS: Readonly<Record<string, LiveEncoding>> = {
  linear16: 'pcm_s16le',
  linear32: 'pcm_f32le',
  mulaw: 'mulaw',
  alaw: 'alaw',
  opus: 'ogg_opus',
  'ogg-opus': 'ogg_opus',
};
/** Silence between two words is shorter than this: below it an utterance would be cut within. */
const MIN_SILENCE_MS = 64;
const MAX_SILENCE_MS = 10_000;
const OPUS_RATE = 48_000;
const MAX_ALTERNATIVES = 20;

/** @throws MalgwiError invalid_field | unsupported_encoding | missing_field; names that are not known are ignored */
export function readQuery(query: Query, partialIntervalMs: number): DeepgramRequest {
  const one = (name: string): string | undefined => {
    const value = query[name];
    return typeof value === 'string' ? value : value?.at(-1);
  };
  const invalid = (param: string, detail: string): MalgwiError =>
    new MalgwiError('invalid_field', { detail: `${param} ${detail}.`, param });
  const flag = (name: string): boolean => /^(true|1)$/i.test(one(name) ?? '');
  const integer = (name: string, minimum: number, maximum: number): number | undefined => {
    const text = one(name);
    if (text === undefined || text === '') return undefined;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (!(value >= minimum && value <= maximum))
      throw invalid(name, `must be a whole number from ${minimum} to ${maximum}`);
    return value;
  };

  const language = one('language') ?? 'ko';
  if (!/^(ko([-_]kr)?|multi)$/i.test(language))
    throw invalid('language', 'must be ko: nothing else is recognised');
  const named = one('encoding');
  const encoding = named === undefined || named === '' ? undefined : ENCODINGS[named.toLowerCase()];
  if (named !== undefined && named !== '' && encoding === undefined) {
    throw new MalgwiError('unsupported_encoding', {
      detail: `encoding is one of ${Object.keys(ENCODINGS).join(', ')}, or absent for WebM, Ogg and WAV.`,
      param: 'encoding',
    });
  }
  const sampleRate = integer('sample_rate', 8000, 96_000);
  if (encoding !== undefined && encoding !== 'ogg_opus' && sampleRate === undefined) {
    throw new MalgwiError('missing_field', {
      detail: 'This encoding needs sample_rate.',
      param: 'sample_rate',
    });
  }
  const alternatives = integer('alternatives', 1, MAX_ALTERNATIVES) ?? 1;
  const hotWords = keyterms(query);
  const utteranceEndMs = integer('utterance_end_ms', 100, 60_000);
  const model = one('model');
  return {
    ...(encoding === undefined ? {} : { encoding }),
    sampleRate: sampleRate ?? OPUS_RATE,
    channels: integer('channels', 1, 8) ?? 1,
    interim: flag('interim_results'),
    vadEvents: flag('vad_events'),
    ...(utteranceEndMs === undefined ? {} : { utteranceEndMs }),
    session: {
      ...(model === undefined || model === '' ? {} : { model }),
      ...endpointing(one('endpointing'), invalid),
      partialIntervalMs,
      intents: false,
      formatNumbers: flag('numerals') || flag('smart_format'),
      ...(hotWords.length === 0 && alternatives === 1
        ? {}
        : {
            decoding: {
              ...(hotWords.length === 0 ? {} : { hotWords }),
              ...(alternatives === 1 ? {} : { alternatives }),
            },
          }),
    },
  };
}

function endpointing(
  text: string | undefined,
  invalid: (param: string, detail: string) => MalgwiError,
): Pick<SessionOptions, 'endpoint'> {
  if (text === undefined || text === '' || /^true$/i.test(text)) return {};
  if (/^false$/i.test(text)) return { endpoint: { silenceDurationMs: NO_ENDPOINT_MS } };
  const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
  if (!(value <= MAX_SILENCE_MS)) {
    throw invalid('endpointing', `must be milliseconds up to ${MAX_SILENCE_MS}, or false`);
  }
  return { endpoint: { silenceDurationMs: Math.max(MIN_SILENCE_MS, value) } };
}

/** `keyterm=phrase` and `keywords=word:boost`. */
function keyterms(query: Query): { phrase: string; weight: number }[] {
  const values = (name: string): readonly string[] => [query[name] ?? []].flat();
  const found = [
    ...values('keyterm').map((phrase) => ({ phrase: phrase.trim(), weight: DEFAULT_HOT_WORD_WEIGHT })),
    ...values('keywords').map((text) => {
      const match = /^(.*):([+-]?\d{1,3}(?:\.\d{1,6})?)$/s.exec(text.trim());
      const boost = match === null ? DEFAULT_HOT_WORD_WEIGHT : Number(match[2]);
      return {
        phrase: (match?.[1] ?? text).trim(),
        weight: Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, boost)),
      };
    }),
  ].filter(({ phrase }) => phrase !== '');
  if (found.length > MAX_HOT_WORDS || found.some(({ phrase }) => phrase.length > MAX_HOT_WORD_LENGTH)) {
    throw new MalgwiError('invalid_field', {
      detail: `At most ${MAX_HOT_WORDS} key terms of at most ${MAX_HOT_WORD_LENGTH} characters.`,
      param: 'keyterm',
    });
  }
  return found;
}
