/** Acoustic runtimes: features in, log-probabilities out. One implementation for each decoding family. */
import type { LogProbs } from '../decoding/contract.js';
import type { FeatureMatrix } from '../features/contract.js';
import type { Manifest } from './manifest.js';

/**
 * A loaded acoustic model. It blocks the thread that calls `run` (onnxruntime does), so it lives in worker threads;
 * the worker pool adds the queue and the cancellation.
 */
export interface AcousticRuntime {
  readonly manifest: Manifest;
  /**
   * Runs a batch; one result for each utterance, in order. An utterance of fewer frames than the model needs gives a
   * result of zero frames.
   * @param utterances normalised features [T, D] each, D the model's, T at most `encoder.maxFrames`
   * @throws MalgwiError inference_failed
   */
  run(utterances: readonly FeatureMatrix[]): Promise<LogProbs[]>;
  close(): Promise<void>;
}
