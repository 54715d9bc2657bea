/** Acoustic runtimes: features in; log-probabilities, or something that a search can step through, out. */
import type { AttentionScorer, LogProbs, TransducerScorer } from '../decoding/contract.js';
import type { FeatureMatrix } from '../features/contract.js';
import type { Manifest } from './manifest.js';

/**
 * A loaded acoustic model. It blocks the thread that calls it (onnxruntime does), so it lives in worker threads; the
 * worker pool adds the queue and the cancellation. Calls may overlap: no call sees another's state. An utterance of
 * fewer frames than the model needs counts as one of zero frames; one of more than `encoder.maxFrames` is refused.
 */
interface Runtime {
  readonly manifest: Manifest;
  close(): Promise<void>;
}

/** What a live stream has behind it: a value, changed in place only for a chunk that gives it up. */
export interface CtcStreamState {
  readonly caches: ReadonlyMap<string, Float32Array>;
  /** Encoder frames in the caches, the last of them. */
  readonly cached: number;
}

export interface CtcChunk {
  /** Normalised features, at most `windowFrames`; fewer only at the end of the stream. */
  readonly features: FeatureMatrix;
  readonly state: CtcStreamState;
  /** Nobody needs `state` any more: the next one may take its memory. */
  readonly givesUpState?: boolean;
}

/** A CTC encoder over live streams. The cost of a step does not depend on how long a stream is. */
export interface CtcStreaming {
  /** Encoder frames by which a step moves on: so many of a full window's results hold, the rest are a look ahead. */
  readonly chunkFrames: number;
  /** Feature frames of a full window, and by how many the next one begins later. */
  readonly windowFrames: number;
  readonly hopFrames: number;
  initial(): CtcStreamState;
  /** Gives up the state of a stream that has ended: another one may take its memory. */
  release(state: CtcStreamState): void;
  /**
   * One step of each of many streams, in one run of the graph. A window below `encoder.minFrames` gives no frames.
   * @returns log-probabilities of all frames of each window; and, of full ones, the state for the window after it
   * @throws MalgwiError inference_failed
   */
  run(
    chunks: readonly CtcChunk[],
  ): Promise<{ readonly logProbs: LogProbs; readonly state?: CtcStreamState }[]>;
}

export interface CtcRuntime extends Runtime {
  readonly family: 'ctc';
  /** For models whose manifest says how they stream. */
  readonly streaming?: CtcStreaming;
  /**
   * Runs a batch; one result for each utterance, in order.
   * @param utterances normalised features [T, D] each, D the model's, T at most `encoder.maxFrames`
   * @throws MalgwiError inference_failed
   */
  run(utterances: readonly FeatureMatrix[]): Promise<LogProbs[]>;
}

export interface AttentionEncoding {
  readonly scorer: AttentionScorer;
  /** Of the joint CTC head, for models that have one. */
  readonly ctc?: LogProbs;
}

export interface AttentionRuntime extends Runtime {
  readonly family: 'attention';
  /** @throws MalgwiError inference_failed, here and from the scorer */
  encode(features: FeatureMatrix): Promise<AttentionEncoding>;
}

export interface TransducerRuntime extends Runtime {
  readonly family: 'transducer';
  /** @throws MalgwiError inference_failed, here and from the scorer */
  encode(features: FeatureMatrix): Promise<TransducerScorer>;
}

/** State of Coqui's LSTM: a value, never changed in place. */
export interface CoquiState {
  readonly cell: Float32Array;
  readonly hidden: Float32Array;
}

export interface CoquiRuntime extends Runtime {
  readonly family: 'coqui';
  initial(): CoquiState;
  /**
   * Runs consecutive windows of MFCC frames through the LSTM.
   * @param windows row-major [steps, (2 contextFrames + 1) numCoefficients]
   * @returns probabilities (not logarithms), row-major [steps, classes], and the state after the last step
   * @throws MalgwiError inference_failed
   */
  run(
    windows: Float32Array,
    steps: number,
    state: CoquiState,
  ): Promise<{ readonly probabilities: Float32Array; readonly classes: number; readonly state: CoquiState }>;
}

export type AcousticRuntime = CtcRuntime | AttentionRuntime | TransducerRuntime | CoquiRuntime;
