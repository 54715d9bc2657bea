/**
 * The `stt` package of Coqui STT 1.4.0 (npm), made asynchronous: the same names and results, computed in worker threads,
 * on any Node. docs/reference/coqui-stt.md lists what differs.
 *
 * ```ts
 * import { FreeModel, Model } from 'malgwi/coqui-stt';
 *
 * const model = await Model.load('models/my-coqui');
 * console.log(await model.stt(pcm));
 * await FreeModel(model);
 * ```
 */
import type { Metadata } from './metadata.js';
import type { Model } from './model.js';
import type { Stream } from './stream.js';

export type { ModelOptions } from './core.js';
export { STT_ERRORS, SttError, type SttErrorName } from './errors.js';
export type { CandidateTranscript, Metadata, TokenMetadata } from './metadata.js';
export { Model } from './model.js';
export type { Stream } from './stream.js';

/** Version of the `stt` package whose behaviour this is. */
export function Version(): string {
  return '1.4.0';
}

/** Ends the model's threads and gives their memory back; what is under way fails. */
export function FreeModel(model: Model): Promise<void> {
  return model.free();
}

/** Gives a stream up without a result. */
export function FreeStream(stream: Stream): void {
  stream.free();
}

/** Does nothing: metadata are plain values here. */
export function FreeMetadata(_metadata: Metadata): void {
  return undefined;
}
