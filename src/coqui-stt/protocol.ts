/** The calls between a {@link Model} and its worker threads: plain values only. */

export interface WorkerSetup {
  /** Folder of the model package. */
  readonly directory: string;
}

export interface ModelDescription {
  readonly sampleRate: number;
  readonly beamWidth: number;
  /** The scorer that is part of the package. */
  readonly scorerPath?: string;
}

/** A scorer as one call of enableExternalScorer made it: streams keep the one that they were opened with. */
export interface ScorerSettings {
  readonly id: number;
  readonly path: string;
  /** As setScorerAlphaBeta left them; the file's own without. */
  readonly weights?: { readonly alpha: number; readonly beta: number };
}

export interface OpenCall {
  readonly handle: number;
  readonly beamWidth: number;
  readonly scorer?: ScorerSettings;
  readonly hotWords: readonly (readonly [word: string, boost: number])[];
}

export interface FeedCall {
  readonly handle: number;
  /** int16 samples, little-endian. */
  readonly pcm: ArrayBuffer;
}

export type ResultKind = 'intermediate' | 'flush' | 'finish';

export interface ResultCall {
  readonly handle: number;
  readonly kind: ResultKind;
  readonly results: number;
}

export interface TranscriptReply {
  readonly text: string;
  /** What the search ranked by: natural logarithm, not normalised. */
  readonly confidence: number;
  readonly tokens: readonly { readonly text: string; readonly timestep: number }[];
}

export interface HandleCall {
  readonly handle: number;
}
