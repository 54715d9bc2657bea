/** Decoders: per-frame log-probabilities to text with times. Pure code, no I/O. */
import { MalgwiError } from '../errors.js';
import type { CtcDecoder, TokenTable } from './contract.js';
import { GreedyCtcDecoder } from './ctc-greedy.js';
import type { GreedyConfig } from './ctc-greedy.js';

export type * from './contract.js';
export type { GreedyConfig } from './ctc-greedy.js';
export { composeJamo } from './jamo.js';
export type { StrayJamo } from './jamo.js';
export { parseTokens } from './tokens.js';
export type { TokenDescription } from './tokens.js';

/** The decoder part of a manifest, as far as CTC goes. */
export interface CtcDecoderConfig extends Omit<GreedyConfig, 'method'> {
  readonly method: string;
}

/**
 * Creates the decoder a model package asks for.
 * @throws MalgwiError manifest_invalid for a method that is not known
 */
export function createCtcDecoder(table: TokenTable, config: CtcDecoderConfig): CtcDecoder {
  if (config.method === 'greedy') return new GreedyCtcDecoder(table, { ...config, method: 'greedy' });
  throw new MalgwiError('manifest_invalid', {
    param: 'decoder.method',
    detail: 'decoder.method: only greedy is known',
  });
}
