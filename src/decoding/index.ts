/** Decoders: per-frame log-probabilities to text with times. Pure code, no I/O. */
import { MalgwiError } from '../errors.js';
import type { CtcDecoder, TokenTable } from './contract.js';
import { BeamCtcDecoder, type BeamConfig } from './ctc/beam.js';
import type { CtcLanguageModel } from './ctc/language-model.js';
import { GreedyCtcDecoder } from './ctc-greedy.js';

export type * from './contract.js';
export { BeamCtcDecoder } from './ctc/beam.js';
export type { BeamConfig, BeamUtterance } from './ctc/beam.js';
export type { CtcLanguageModel } from './ctc/language-model.js';
export type { GreedyConfig } from './ctc-greedy.js';
export { readArpa } from './lm/arpa.js';
export * from './options.js';
export { composeJamo } from './jamo.js';
export type { StrayJamo } from './jamo.js';
export { rawText } from './text.js';
export { parseTokens } from './tokens.js';
export type { TokenDescription } from './tokens.js';

/** The decoder part of a manifest, as far as CTC goes. */
export interface CtcDecoderConfig extends Omit<BeamConfig, 'method'> {
  readonly method: string;
}

/**
 * Creates the decoder a model package asks for.
 * @param languageModel the package's, for the beam search
 * @throws MalgwiError manifest_invalid for a method that is not known
 */
export function createCtcDecoder(
  table: TokenTable,
  config: CtcDecoderConfig,
  languageModel?: CtcLanguageModel,
): CtcDecoder {
  if (config.method === 'greedy') return new GreedyCtcDecoder(table, { ...config, method: 'greedy' });
  if (config.method === 'beam')
    return new BeamCtcDecoder(table, { ...config, method: 'beam' }, languageModel);
  throw new MalgwiError('manifest_invalid', {
    param: 'decoder.method',
    detail: 'decoder.method: only greedy and beam are known',
  });
}
