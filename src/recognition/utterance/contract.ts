/** How an utterance of a live stream becomes text while it is being spoken. */
import type { DecodedHypothesis, DecodeOptions } from '../../decoding/contract.js';

/** The audio of the stream by absolute positions; all of the utterance under way is there. */
export interface LiveAudio {
  /** A copy of the samples at [from, to). */
  slice(from: number, to: number): Float32Array;
}

export interface UtteranceOptions {
  /** Shortest distance between two partials, milliseconds of audio. */
  readonly partialIntervalMs: number;
  readonly decoding?: DecodeOptions;
}

export interface LivePartial {
  readonly text: string;
  /** So many leading characters of `text` begin every later partial, and the final result. */
  readonly stable: number;
  /** Sample up to which it covers the audio. */
  readonly end: number;
}

/** The result of an utterance for the case that it ends at `to`. The same samples give the same result, so it is never computed twice. */
export interface EarlyResult {
  readonly to: number;
  readonly hypotheses: readonly DecodedHypothesis[];
}

/** One utterance. Positions are samples of the stream. Calls are made one after the other. */
export interface UtteranceDecoding {
  /** First sample. */
  readonly from: number;
  /** Of the last partial: so many characters of the text are told and stay as they are. */
  readonly stable: number;
  /**
   * Works on what is there up to `to`: it belongs to the utterance, unless that is cut for its length.
   * @throws MalgwiError inference_failed | cancelled, here and below
   */
  advance(to: number, signal?: AbortSignal): Promise<void>;
  /** Where one is due. @param to end of what has been heard, whether it belongs to the utterance or not */
  partial(to: number, signal?: AbortSignal): Promise<LivePartial | undefined>;
  /** What {@link final} would give for `to`, which is behind all that {@link advance} was told; the utterance goes on. */
  eager(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]>;
  /** All of the text that the search has so far, for models that stream. */
  heard?(): Promise<string>;
  /** The utterance ends at `to`, which may lie before what {@link advance} was told. */
  final(to: number, signal?: AbortSignal): Promise<readonly DecodedHypothesis[]>;
}
