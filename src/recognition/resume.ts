/** Where the reading of a file stands, as text that can be kept. */
import { MalgwiError } from '../errors.js';
import type { SegmenterState } from '../vad/segmenter.js';

/** Of the text's form, and of what the numbers in it mean. */
const VERSION = 1;

export type ReadingState =
  | { readonly kind: 'pauses'; readonly detector: Float32Array; readonly segmenter: SegmenterState }
  /** No pauses are looked for: the sample at which the next piece begins. */
  | { readonly kind: 'whole'; readonly from: number };

export function writeReadingState(state: ReadingState): string {
  if (state.kind === 'whole') return JSON.stringify({ version: VERSION, ...state });
  const { buffer, byteOffset, byteLength } = state.detector;
  const detector = Buffer.from(buffer, byteOffset, byteLength).toString('base64');
  return JSON.stringify({ version: VERSION, ...state, detector });
}

/** Whether {@link readReadingState} takes it: an earlier or later version of the service may have written it. */
export function isReadingState(text: string): boolean {
  try {
    return (JSON.parse(text) as { readonly version?: unknown }).version === VERSION;
  } catch {
    return false;
  }
}

/** @throws MalgwiError internal_error: it is none */
export function readReadingState(text: string): ReadingState {
  if (!isReadingState(text)) throw new MalgwiError('internal_error');
  const state = JSON.parse(text) as ReadingState & { readonly detector?: string };
  if (state.kind === 'whole') return { kind: 'whole', from: state.from };
  const bytes = Uint8Array.from(Buffer.from(state.detector ?? '', 'base64'));
  return { kind: 'pauses', detector: new Float32Array(bytes.buffer), segmenter: state.segmenter };
}
