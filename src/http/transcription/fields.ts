/** The form fields of `POST /v1/audio/transcriptions`, read as OpenAI's clients write them. */
import { MalgwiError } from '../../errors.js';
import {
  DEFAULT_HOT_WORD_WEIGHT,
  MAX_REQUEST_ALTERNATIVES,
  MAX_REQUEST_BEAM_WIDTH,
  MAX_WEIGHT,
} from '../../decoding/index.js';
import type { TranscribeOptions } from '../../recognition/contract.js';

export const RESPONSE_FORMATS = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const;
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];
export type Granularity = 'word' | 'segment';

export interface TranscriptionRequest {
  readonly model: string | undefined;
  readonly format: ResponseFormat;
  readonly stream: boolean;
  readonly logprobs: boolean;
  readonly granularities: ReadonlySet<Granularity>;
  /** Echoed in verbose_json; greedy and beam decoding have no temperature. */
  readonly temperature: number;
  readonly endpoint: TranscribeOptions['endpoint'];
  readonly hotWords: NonNullable<TranscribeOptions['hotWords']>;
  readonly search: Pick<TranscribeOptions, 'beamWidth' | 'alternatives' | 'lmAlpha' | 'lmBeta'>;
}

/** Names of fields, `[]` cut off, with their values in order. */
export type Fields = ReadonlyMap<string, readonly string[]>;

const LISTS = new Set(['languages', 'keywords', 'include', 'timestamp_granularities']);
/** OpenAI's `chunking_strategy`, in its own names, with the ranges of the endpoint detector. */
export const CHUNKING = {
  threshold: { to: 'threshold', range: [0.01, 0.99] },
  silence_duration_ms: { to: 'silenceDurationMs', range: [64, 10_000] },
  prefix_padding_ms: { to: 'prefixPaddingMs', range: [0, 2000] },
} as const;
/** Settings of the search, with their ranges. */
export const SEARCH = {
  beam_width: { to: 'beamWidth', range: [1, MAX_REQUEST_BEAM_WIDTH], whole: true },
  alternatives: { to: 'alternatives', range: [1, MAX_REQUEST_ALTERNATIVES], whole: true },
  lm_alpha: { to: 'lmAlpha', range: [-MAX_WEIGHT, MAX_WEIGHT], whole: false },
  lm_beta: { to: 'lmBeta', range: [-MAX_WEIGHT, MAX_WEIGHT], whole: false },
} as const;
/** Fields of the form beside the file. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'language',
  'prompt',
  'temperature',
  'stream',
  'response_format',
  'chunking_strategy',
  'chunking_strategy[type]',
  ...Object.keys(CHUNKING).map((name) => `chunking_strategy[${name}]`),
  ...Object.keys(SEARCH),
  ...LISTS,
]);
const KOREAN = /^(ko|kor|korean|ko[-_]kr)$/i;
export const MAX_PROMPT = 4000;
export const MAX_KEYWORDS = 100;
export const MAX_KEYWORD = 100;

const invalid = (param: string, detail: string): MalgwiError =>
  new MalgwiError('invalid_field', { param, detail });

/** `languages[]` and `languages[0]` are the list `languages`; `chunking_strategy[type]` stays as it is. */
export function fieldName(raw: string): string {
  return raw.replace(/\[\d{0,3}\]$/, '');
}

/** @throws MalgwiError invalid_field: a field that is not known, or given twice */
export function checkName(name: string, fields: Fields): void {
  if (!KNOWN_FIELDS.has(name)) {
    throw invalid(
      name.slice(0, 64),
      `This field is not known. Known are file, ${[...KNOWN_FIELDS].filter((known) => !known.includes('[')).join(', ')}.`,
    );
  }
  if (!LISTS.has(name) && fields.has(name)) throw invalid(name, `${name} is given more than once.`);
}

function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  allowed: readonly T[],
  fallback: T,
): T {
  if (value === undefined || value === '') return fallback;
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw invalid(name, `${name} must be one of ${allowed.join(', ')}.`);
}

function number(name: string, value: unknown, [minimum, maximum]: readonly [number, number]): number {
  const parsed = typeof value === 'string' && /^-?\d{1,12}(\.\d{1,12})?$/.test(value) ? Number(value) : value;
  if (typeof parsed !== 'number' || !(parsed >= minimum && parsed <= maximum)) {
    throw invalid(name, `${name} must be a number from ${minimum} to ${maximum}.`);
  }
  return parsed;
}

/** `auto`, JSON text, or bracketed fields (how the official clients send an object). */
function chunkingStrategy(fields: Fields): TranscribeOptions['endpoint'] {
  const text = fields.get('chunking_strategy')?.[0]?.trim();
  const bracketed = [...fields].filter(([name]) => name.startsWith('chunking_strategy['));
  let given: Record<string, unknown> = Object.fromEntries(
    bracketed.map(([name, values]) => [name.slice(18, -1), values[0]]),
  );
  if (text !== undefined && text !== '' && text !== 'auto') {
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new TypeError('no object');
      given = { ...value, ...given };
    } catch {
      throw invalid('chunking_strategy', 'chunking_strategy must be "auto" or a server_vad object.');
    }
  }
  if (Object.keys(given).length === 0) return undefined;
  if (given.type !== 'server_vad')
    throw invalid('chunking_strategy.type', 'chunking_strategy.type must be server_vad.');
  const endpoint: Record<string, number> = {};
  for (const [name, value] of Object.entries(given)) {
    if (name === 'type') continue;
    const param = `chunking_strategy.${name.slice(0, 64)}`;
    if (!Object.hasOwn(CHUNKING, name)) throw invalid(param, `${param} is not known.`);
    const { to, range } = CHUNKING[name as keyof typeof CHUNKING];
    endpoint[to] = number(param, value, range);
  }
  return endpoint;
}

function languages(fields: Fields): void {
  const language = fields.get('language')?.[0]?.trim();
  if (language !== undefined && language !== '' && !KOREAN.test(language)) {
    throw invalid('language', 'This service recognises Korean only: language must be ko, or absent.');
  }
  const hints = fields.get('languages') ?? [];
  if (hints.length > 0 && !hints.some((hint) => KOREAN.test(hint.trim()))) {
    throw invalid('languages', 'This service recognises Korean only: languages must hold ko, or be absent.');
  }
}

function keywords(fields: Fields): TranscriptionRequest['hotWords'] {
  const given = (fields.get('keywords') ?? []).map((word) => word.trim()).filter((word) => word !== '');
  if (given.length > MAX_KEYWORDS)
    throw invalid('keywords', `keywords holds more than ${MAX_KEYWORDS} entries.`);
  const weights = new Map<string, number>();
  for (const keyword of given) {
    const { phrase, weight } = weighed(keyword);
    if (phrase.length > MAX_KEYWORD) {
      throw new MalgwiError('text_too_long', {
        param: 'keywords',
        detail: `A keyword is longer than ${MAX_KEYWORD} characters.`,
      });
    }
    weights.set(phrase, weight);
  }
  return [...weights].map(([phrase, weight]) => ({ phrase, weight }));
}

/** `word`, or `word:weight`; a colon that no number follows belongs to the word. */
function weighed(keyword: string): { phrase: string; weight: number } {
  const colon = keyword.lastIndexOf(':');
  const phrase = keyword.slice(0, Math.max(0, colon)).trim();
  const text = keyword.slice(colon + 1).trim();
  if (phrase === '' || !/^[+-]?\d{1,6}(\.\d{1,6})?$/.test(text)) {
    return { phrase: keyword, weight: DEFAULT_HOT_WORD_WEIGHT };
  }
  const weight = Number(text);
  if (Math.abs(weight) > MAX_WEIGHT) {
    throw invalid('keywords', `The weight of a keyword must be from ${-MAX_WEIGHT} to ${MAX_WEIGHT}.`);
  }
  return { phrase, weight };
}

function search(fields: Fields): TranscriptionRequest['search'] {
  const given: Record<string, number> = {};
  for (const [name, { to, range, whole }] of Object.entries(SEARCH)) {
    const text = fields.get(name)?.[0];
    if (text === undefined || text === '') continue;
    const value = number(name, text, range);
    if (whole && !Number.isInteger(value)) throw invalid(name, `${name} must be a whole number.`);
    given[to] = value;
  }
  return given;
}

/**
 * Reads and checks the fields, whatever their order was.
 * @throws MalgwiError invalid_field | unsupported_response_format | text_too_long, naming the field
 */
export function readFields(fields: Fields): TranscriptionRequest {
  const one = (name: string): string | undefined => fields.get(name)?.[0];
  const requested = one('response_format');
  if (
    requested !== undefined &&
    requested !== '' &&
    !(RESPONSE_FORMATS as readonly string[]).includes(requested)
  ) {
    const detail =
      requested === 'diarized_json'
        ? 'diarized_json is not offered: the installed models do not tell speakers apart.'
        : `response_format must be one of ${RESPONSE_FORMATS.join(', ')}.`;
    throw new MalgwiError('unsupported_response_format', { param: 'response_format', detail });
  }
  const format = oneOf('response_format', requested, RESPONSE_FORMATS, 'json');
  const stream = oneOf('stream', one('stream')?.toLowerCase(), ['true', 'false', '1', '0'], 'false');
  const streaming = stream === 'true' || stream === '1';
  if (streaming && (format === 'srt' || format === 'vtt')) {
    throw new MalgwiError('unsupported_response_format', {
      param: 'response_format',
      detail: `stream=true answers with events; response_format ${format} cannot be streamed.`,
    });
  }
  const include = fields.get('include') ?? [];
  for (const item of include) oneOf('include', item, ['logprobs'], 'logprobs');
  if (include.length > 0 && format !== 'json')
    throw invalid('include', 'include[]=logprobs needs response_format json.');
  const wanted = (fields.get('timestamp_granularities') ?? []).map((item) =>
    oneOf<Granularity>('timestamp_granularities', item, ['word', 'segment'], 'segment'),
  );
  if (wanted.length > 0 && format !== 'verbose_json' && !streaming) {
    throw invalid('timestamp_granularities', 'timestamp_granularities[] needs response_format verbose_json.');
  }
  if ((one('prompt')?.length ?? 0) > MAX_PROMPT) {
    throw new MalgwiError('text_too_long', {
      param: 'prompt',
      detail: `prompt is longer than ${MAX_PROMPT} characters.`,
    });
  }
  languages(fields);
  const settings = search(fields);
  if ((settings.alternatives ?? 1) > 1 && format !== 'verbose_json') {
    throw invalid('alternatives', 'alternatives needs response_format verbose_json.');
  }
  const temperature = one('temperature');
  return {
    model: one('model')?.trim() || undefined,
    format,
    stream: streaming,
    logprobs: include.length > 0,
    granularities: new Set(wanted.length === 0 ? ['segment'] : wanted),
    temperature:
      temperature === undefined || temperature === '' ? 0 : number('temperature', temperature, [0, 1]),
    endpoint: chunkingStrategy(fields),
    hotWords: keywords(fields),
    search: settings,
  };
}
