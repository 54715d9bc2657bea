/** The calls between the recogniser and its worker threads: plain values only. */
import type { AudioInfo, LiveEncoding, OpenAudioOptions } from '../audio/contract.js';
import type { DecodedHypothesis, DecodeOptions } from '../decoding/contract.js';
import type { ModelPackage } from '../models/manifest.js';
import type { EndpointConfig } from '../vad/contract.js';

export interface WorkerSetup {
  /** Loaded and warmed before the worker says that it is ready. */
  readonly preload: ModelPackage;
  readonly models: readonly ModelPackage[];
  /** Live streams are to be expected: the memory for many at a time is taken before the first one comes. */
  readonly live: boolean;
}

export interface OpenFileCall {
  /** Chosen by the caller: it can close the file even when it gave up before the answer came. */
  readonly handle: number;
  readonly path: string;
  readonly endpoint: EndpointConfig;
  /** No voice activity detection: everything is speech, in pieces of this many samples at most. */
  readonly wholeSamples?: number;
  readonly raw?: OpenAudioOptions['raw'];
  readonly maxSeconds?: number;
  /** Where an earlier reading stood: this one goes on behind it. */
  readonly resume?: string;
}
export interface OpenFileReply {
  readonly info: AudioInfo;
}

export interface NextSegmentCall {
  readonly handle: number;
  /** Whether to say where the reading stands, if it stands at a place that it can go on from. */
  readonly save?: boolean;
}
export interface NextSegmentReply {
  /** The end of the audio. */
  readonly done: boolean;
  /** Absent at the end, and where none was found within one piece of work. */
  readonly segment?: {
    readonly start: number;
    readonly end: number;
    readonly samples: Float32Array;
    readonly meanProbability: number;
  };
  /** Where the reading stands behind this segment and all before it. */
  readonly saved?: { readonly state: string; readonly doneSeconds: number };
  /** Seconds of audio read so far. */
  readonly doneSeconds: number;
  readonly audioMs: number;
}

export interface RecognizeCall {
  readonly model: string;
  readonly samples: Float32Array;
  readonly options: DecodeOptions;
}
export interface RecognizeReply {
  readonly hypotheses: readonly DecodedHypothesis[];
  readonly frameSeconds: number;
  readonly featuresMs: number;
  readonly encoderMs: number;
  readonly decodingMs: number;
}

export interface OpenStreamCall {
  readonly model: string;
  readonly encoding: LiveEncoding;
  readonly sampleRate: number;
  readonly channels: number;
  readonly endpoint: EndpointConfig;
  readonly partialIntervalMs: number;
  readonly decoding?: DecodeOptions;
  readonly secondPass?: boolean;
}
export interface FeedCall {
  readonly handle: number;
  readonly bytes: Uint8Array;
}
export interface HandleCall {
  readonly handle: number;
}
