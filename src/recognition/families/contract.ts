/** A decoding family: an acoustic model together with its search. Features in, hypotheses out. */
import type { DecodedHypothesis, DecodeOptions } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';

export interface DecodedUtterance {
  /** Best first, at least one (possibly of empty text) even for zero frames. */
  readonly hypotheses: readonly DecodedHypothesis[];
  /** Milliseconds in the graphs, and in everything else. */
  readonly encoderMs: number;
  readonly decodingMs: number;
}

/**
 * One adapter for each `family` of the manifest. Every adapter passes families/conformance.test.ts: calls may overlap,
 * an aborted signal ends the search with `cancelled`, utterances too short for the model give empty text.
 */
export interface Family {
  /** @throws MalgwiError inference_failed | cancelled */
  decode(features: FeatureMatrix, options?: DecodeOptions, signal?: AbortSignal): Promise<DecodedUtterance>;
  /**
   * The greedy token ids, as the model gives them: repeats collapsed and blanks dropped for CTC, nothing cut, no guard.
   * Proof that the model computes what the original computes.
   * @param maxTokens attention models go on to exactly this many tokens, past an eos; without it they stop before one
   */
  greedyIds(features: FeatureMatrix, maxTokens?: number): Promise<number[]>;
  close(): Promise<void>;
}
