/** Bounds of what a request may ask of a search. */
import { MalgwiError } from '../errors.js';
import type { DecodeOptions } from './contract.js';

export const MAX_BEAM_WIDTH = 4096;
export const MAX_ALTERNATIVES = 100;
/** What a request over the network may ask for: a wide beam takes a worker for long. */
export const MAX_REQUEST_BEAM_WIDTH = 256;
export const MAX_REQUEST_ALTERNATIVES = 20;
export const MAX_HOT_WORDS = 1000;
export const MAX_HOT_WORD_LENGTH = 100;
/** Of hot words and of a language model, in either direction. */
export const MAX_WEIGHT = 1000;
/** What a hot word without a weight is worth (docs/reference/decoding.md: how it was chosen). */
export const DEFAULT_HOT_WORD_WEIGHT = 4;

const invalid = (param: string, detail: string): MalgwiError =>
  new MalgwiError('invalid_field', { param, detail });

/** @throws MalgwiError invalid_field, naming the option */
export function checkDecodeOptions(options: DecodeOptions): void {
  const { beamWidth, alternatives, hotWords = [], lmAlpha, lmBeta } = options;
  whole('beamWidth', beamWidth, MAX_BEAM_WIDTH);
  whole('alternatives', alternatives, MAX_ALTERNATIVES);
  real('lmAlpha', lmAlpha);
  real('lmBeta', lmBeta);
  if (hotWords.length > MAX_HOT_WORDS) {
    throw invalid('hotWords', `There are more than ${String(MAX_HOT_WORDS)} hot words.`);
  }
  for (const { phrase, weight } of hotWords) {
    if (phrase.trim() === '') throw invalid('hotWords', 'A hot word is empty.');
    if (phrase.length > MAX_HOT_WORD_LENGTH) {
      throw invalid('hotWords', `A hot word is longer than ${String(MAX_HOT_WORD_LENGTH)} characters.`);
    }
    real('hotWords', weight);
  }
}

function whole(param: string, value: number | undefined, most: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= most)) return;
  throw invalid(param, `${param} must be a whole number from 1 to ${String(most)}.`);
}

function real(param: string, value: number | undefined): void {
  if (value === undefined || Math.abs(value) <= MAX_WEIGHT) return;
  const name = param === 'hotWords' ? 'The weight of a hot word' : param;
  throw invalid(param, `${name} must be a number from ${String(-MAX_WEIGHT)} to ${String(MAX_WEIGHT)}.`);
}

/** Whether a request asks for what best-path decoding cannot give. */
export function asksForBeam({
  beamWidth = 1,
  alternatives = 1,
  hotWords,
  lmAlpha,
  lmBeta,
}: DecodeOptions): boolean {
  const weighed = lmAlpha !== undefined || lmBeta !== undefined;
  return beamWidth > 1 || alternatives > 1 || (hotWords?.length ?? 0) > 0 || weighed;
}
