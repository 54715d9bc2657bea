/** Form fields that say how audio is recognised, as OpenAI's clients write them; shared by transcriptions and jobs. */
import {
  DEFAULT_HOT_WORD_WEIGHT,
  MAX_REQUEST_ALTERNATIVES,
  MAX_REQUEST_BEAM_WIDTH,
  MAX_WEIGHT,
} from '../../decoding/index.js';
import { MalgwiError } from '../../errors.js';
import type { TranscribeOptions } from '../../recognition/contract.js';
import { invalid, number } from './values.js';
import type { Fields } from './values.js';

export interface RecognitionFields {
  readonly model: string | undefined;
  readonly endpoint: TranscribeOptions['endpoint'];
  readonly hotWords: NonNullable<TranscribeOptions['hotWords']>;
  readonly search: Pick<TranscribeOptions, 'beamWidth' | 'alternatives' | 'lmAlpha' | 'lmBeta'>;
}

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
const KOREAN = /^(ko|kor|korean|ko[-_]kr)$/i;
export const MAX_KEYWORDS = 100;
export const MAX_KEYWORD = 100;

export const MAX_PROMPT = 4000;
/** Fields that may be given several times. */
export const RECOGNITION_LISTS: readonly string[] = ['languages', 'keywords'];
export const RECOGNITION_FIELDS: readonly string[] = [
  'model',
  'language',
  'prompt',
  'temperature',
  'chunking_strategy',
  'chunking_strategy[type]',
  ...Object.keys(CHUNKING).map((name) => `chunking_strategy[${name}]`),
  ...Object.keys(SEARCH),
  ...RECOGNITION_LISTS,
];

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

function keywords(fields: Fields): RecognitionFields['hotWords'] {
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

function search(fields: Fields): RecognitionFields['search'] {
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
 * Reads and checks these fields.
 * @throws MalgwiError invalid_field | text_too_long, naming the field
 */
export function readRecognition(fields: Fields): RecognitionFields {
  const prompt = fields.get('prompt')?.[0] ?? '';
  if (prompt.length > MAX_PROMPT) {
    throw new MalgwiError('text_too_long', {
      param: 'prompt',
      detail: `prompt is longer than ${MAX_PROMPT} characters.`,
    });
  }
  languages(fields);
  return {
    model: fields.get('model')?.[0]?.trim() || undefined,
    endpoint: chunkingStrategy(fields),
    hotWords: keywords(fields),
    search: search(fields),
  };
}

/** Accepted for the sake of OpenAI's clients: greedy and beam decoding have no temperature. */
export function readTemperature(fields: Fields): number {
  const temperature = fields.get('temperature')?.[0];
  return temperature === undefined || temperature === '' ? 0 : number('temperature', temperature, [0, 1]);
}
