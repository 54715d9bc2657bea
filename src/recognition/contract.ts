/** What the recognition pipelines offer to everything above them (HTTP, live, command line, evaluation). */
import type { AudioInfo, LiveEncoding, OpenAudioOptions } from '../audio/contract.js';
import type { DecodeOptions } from '../decoding/contract.js';
import type { EndpointConfig } from '../vad/contract.js';
import type { Priority } from '../workers/contract.js';

export type { Priority };

/** Times in seconds from the start of the audio. */
export interface Word {
  readonly word: string;
  readonly start: number;
  readonly end: number;
  /** 0..1 */
  readonly confidence: number;
}

export interface Alternative {
  readonly text: string;
  readonly confidence: number;
}

/** One utterance between pauses. */
export interface Segment {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly words: readonly Word[];
  readonly confidence: number;
  readonly avgLogProb: number;
  /** 1 - mean speech probability of the voice activity detector. */
  readonly noSpeechProb: number;
  /** Further hypotheses, best first, without the first. */
  readonly alternatives: readonly Alternative[];
}

/** Milliseconds spent, for metrics. */
export interface StageTimes {
  readonly queueMs: number;
  readonly audioMs: number;
  readonly featuresMs: number;
  readonly encoderMs: number;
  readonly decodingMs: number;
}

/** One token of a candidate. The names are those of Coqui's metadata (coqui-stt.h, `TokenMetadata`). */
export interface TokenMetadata {
  readonly text: string;
  /** Encoder frames since the start of the audio. */
  readonly timestep: number;
  /** Seconds. */
  readonly start_time: number;
  /** 0..1; Coqui has none. */
  readonly confidence: number;
}

/** Best first. Audio that was cut into several utterances has one candidate: their best ones joined. */
export interface TranscriptMetadata {
  readonly transcripts: readonly {
    /** What the search ranked by: a logarithm, not normalised, as Coqui's. */
    readonly confidence: number;
    readonly tokens: readonly TokenMetadata[];
  }[];
}

/** `pauses`: cut into utterances where nobody speaks. `none`: all of the audio is one utterance, as far as the model can take it. */
export type Segmentation = 'pauses' | 'none';

export interface Transcript {
  readonly model: string;
  readonly language: string;
  readonly text: string;
  /** Seconds of audio. */
  readonly duration: number;
  readonly segments: readonly Segment[];
  /** When it was asked for. */
  readonly metadata?: TranscriptMetadata;
  readonly info: AudioInfo;
  readonly stages: StageTimes;
  /** Wall-clock seconds of processing. */
  readonly processingSeconds: number;
}

export interface TranscribeOptions {
  /** Name of an installed model; the default model without it. */
  readonly model?: string;
  readonly endpoint?: Partial<EndpointConfig>;
  readonly raw?: OpenAudioOptions['raw'];
  readonly maxSeconds?: number;
  readonly beamWidth?: number;
  readonly alternatives?: number;
  readonly hotWords?: readonly { readonly phrase: string; readonly weight: number }[];
  /** Weight of the language model and bonus for each of its units, in place of the package's. */
  readonly lmAlpha?: number;
  readonly lmBeta?: number;
  /** In place of the package's. */
  readonly segmentation?: Segmentation;
  /** Tokens with their frames in the result. */
  readonly metadata?: boolean;
  readonly priority?: Priority;
  readonly signal?: AbortSignal;
  /** Called in order of time, as soon as a segment and all before it are done. */
  readonly onSegment?: (segment: Segment) => void;
  /** Seconds of audio done, and in all where the header tells. */
  readonly onProgress?: (doneSeconds: number, totalSeconds: number | undefined) => void;
}

/** A place in a file that its transcription can go on from, with the same model and options: plain values, to be kept. */
export interface ResumePoint {
  readonly state: string;
  /** Everything before this second of the audio is done. */
  readonly doneSeconds: number;
  /** So many segments lie before it. */
  readonly segments: number;
}

export interface TranscriptPiece {
  readonly segments: readonly Segment[];
  readonly doneSeconds: number;
  /** Behind this piece. */
  readonly resume: ResumePoint;
}

export interface PieceOptions {
  /** Length of a piece in seconds of audio, about; pieces end between two segments. */
  readonly pieceSeconds: number;
  readonly from?: ResumePoint;
}

export interface LiveOptions {
  readonly model?: string;
  readonly encoding: LiveEncoding;
  /** Rate and channels of raw encodings. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly endpoint?: Partial<EndpointConfig>;
  /** Shortest time between two partials, milliseconds of audio. */
  readonly partialIntervalMs?: number;
  /** How each utterance is decoded; partials always without alternatives. */
  readonly decoding?: DecodeOptions;
  /** For models that stream: whether a final result is decoded from its whole utterance, in place of what the package says. */
  readonly secondPass?: boolean;
}

/** Times in seconds from the start of the stream. */
export type LiveEvent =
  | { readonly type: 'speech_start'; readonly utterance: number; readonly time: number }
  | {
      readonly type: 'partial';
      readonly utterance: number;
      readonly start: number;
      readonly end: number;
      readonly text: string;
      /** So many leading characters of `text` will not change any more: every later partial and the final begin with them. */
      readonly stable: number;
    }
  /**
   * With `endpoint.eagerSilenceMs`: the utterance may be over, and this would be its final. Exactly one of `eager_retracted` (speech goes
   * on) and `final` follows before the next of its kind.
   */
  | { readonly type: 'eager_end'; readonly utterance: number; readonly segment: Segment }
  | { readonly type: 'eager_retracted'; readonly utterance: number; readonly time: number }
  | { readonly type: 'speech_end'; readonly utterance: number; readonly time: number }
  | {
      readonly type: 'final';
      readonly utterance: number;
      readonly segment: Segment;
      readonly eager?: EagerOutcome;
    };

/** What a final makes of an eager result that was not retracted: its text is the same, or another one. */
export type EagerOutcome = 'confirmed' | 'changed';

export interface LiveFeedResult {
  readonly events: readonly LiveEvent[];
  /** Seconds of audio taken in so far. */
  readonly audioSeconds: number;
  /** Milliseconds of computation this call cost. */
  readonly computeMs: number;
}

/**
 * One live audio stream. Calls are made one after the other (await each): the worker that holds the stream's state
 * works on them in turn. Everything rejects with worker_crashed once that worker died.
 */
export interface LiveStream {
  readonly model: string;
  feed(bytes: Uint8Array): Promise<LiveFeedResult>;
  /** Ends the current utterance now and goes on: whatever was said is final, nothing is lost. */
  flush(): Promise<LiveFeedResult>;
  /** End of the audio: everything still inside becomes final. The stream is closed afterwards. */
  finish(): Promise<LiveFeedResult>;
  /** Drops the stream without a result. Safe to call at any time, more than once. */
  close(): void;
}

export interface InstalledModel {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly language: string;
  readonly family: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly license: string;
  readonly isDefault: boolean;
  /** Bytes on disk. */
  readonly bytes: number;
  readonly metrics: readonly {
    readonly set: string;
    readonly cerNoSpaces: number;
    readonly edits: number;
    readonly referenceCharacters: number;
    readonly utterances: number;
    readonly normalizer: string;
    readonly decoding: string;
    /** Noise, telephone ...; the recordings as they are without it. */
    readonly condition?: string | undefined;
    readonly bySubset?:
      Readonly<Record<string, { readonly edits: number; readonly referenceCharacters: number }>> | undefined;
  }[];
  readonly measurements?: {
    readonly speed?: readonly { readonly kind: string; readonly realTimeFactor: number }[];
    readonly tasks?: readonly {
      readonly task: string;
      readonly condition: string;
      readonly right: number;
      readonly of: number;
    }[];
  };
}

export interface RecognizerStats {
  readonly workers: number;
  readonly busy: number;
  /** Files that wait for their turn. */
  readonly queued: number;
  readonly queueLimit: number;
  readonly liveStreams: number;
  /** What all threads together have spent on live streams since the start. */
  readonly liveBusySeconds: number;
  /** Seconds of a thread that a second of speech cost in a trial at the start; undefined where there was none. */
  readonly liveCost: number | undefined;
  readonly restarts: number;
}

/** The one object the service is built around. All of its work happens in worker threads. */
export interface Recognizer {
  models(): readonly InstalledModel[];
  readonly defaultModel: string;
  /** Starts the workers, loads and warms the default model. */
  start(): Promise<void>;
  /** Runs a real inference; rejects with not_ready. */
  check(): Promise<void>;
  transcribeFile(path: string, options?: TranscribeOptions): Promise<Transcript>;
  /**
   * The same segments as `transcribeFile`, piece by piece, wherever it was interrupted. The caller limits how many run at a time:
   * they wait in no line of requests.
   * @returns the transcript of what follows the last piece
   */
  transcribePieces(
    path: string,
    options: Omit<TranscribeOptions, 'metadata'>,
    pieces: PieceOptions,
  ): AsyncGenerator<TranscriptPiece, Transcript, void>;
  openStream(options: LiveOptions): Promise<LiveStream>;
  stats(): RecognizerStats;
  close(): Promise<void>;
}
