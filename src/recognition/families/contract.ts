/** A decoding family: an acoustic model together with its search. Features in, hypotheses out. */
import type { DecodedHypothesis, DecodeOptions, PartialText } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';

export interface DecodedUtterance {
  /** Best first, at least one (possibly of empty text) even for zero frames. */
  readonly hypotheses: readonly DecodedHypothesis[];
  /** Milliseconds in the encoder, and in the search, which runs the decoder's graphs where a model has them. */
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

/**
 * One utterance while it is being spoken. The cuts between the pieces that are fed make no difference to any result.
 * Calls are worked on one after the other, in the order in which they are made.
 */
export interface DecodingStream {
  /**
   * @param samples 16 kHz mono, [-1, 1]; any number of them, none included
   * @throws MalgwiError inference_failed, here and below; invalid_request after `finish` or `close`
   */
  feed(samples: Float32Array): Promise<void>;
  /** The text of what the model has seen so far, a look ahead included, for the least cost. */
  partial(): Promise<PartialText>;
  /** What the model has seen so far. Audio that does not fill its next batch or context yet is not part of it. */
  intermediate(alternatives?: number): Promise<readonly DecodedHypothesis[]>;
  /** What `finish` would give now. The stream itself stays as it is and can be fed on. */
  flush(alternatives?: number): Promise<readonly DecodedHypothesis[]>;
  /** The end of the audio: the result for all of it. The stream is closed. */
  finish(alternatives?: number): Promise<readonly DecodedHypothesis[]>;
  /** Gives the state up without a result. */
  close(): void;
}

/** A family whose models need no more than a little of what follows: each sample is computed on once. */
export interface StreamingFamily extends Family {
  /** Streams of one family share nothing that changes. */
  openStream(options?: DecodeOptions): DecodingStream;
  /**
   * Takes the memory that many streams at a time will need, where that grows with how many they are.
   * @throws MalgwiError inference_failed
   */
  warmUp?(): Promise<void>;
  /** How probable a text is in the package's language, where the package rejects by that: mean natural logarithm. */
  languageLogProb?(text: string): number | undefined;
}

export function isStreaming(family: Family): family is StreamingFamily {
  return 'openStream' in family;
}
