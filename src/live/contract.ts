/**
 * The live session between wire protocols (outside) and the recogniser (inside). An adapter turns messages into
 * {@link LiveCommand}s and {@link SessionEvent}s into messages; the core (session.ts) never sees a wire format.
 */
import type { LiveEncoding } from '../audio/contract.js';
import type { DecodeOptions } from '../decoding/contract.js';
import type { PlainError } from '../errors.js';
import type { IntentResult, Venue } from '../intents/contract.js';
import type { DialogueTurn, PendingCommand } from '../intents/index.js';
import type { DropReason, LiveProtocol } from '../metrics/index.js';
import type { EagerOutcome, LiveFeedResult, Segment } from '../recognition/contract.js';
import type { EndpointConfig } from '../vad/contract.js';

export interface SessionOptions {
  readonly model?: string;
  readonly encoding: LiveEncoding;
  /** Of raw encodings; containers say theirs themselves. */
  readonly sampleRate: number;
  readonly channels: number;
  readonly endpoint?: Partial<EndpointConfig>;
  readonly partialIntervalMs?: number;
  readonly decoding?: DecodeOptions;
  /** What seats intents are checked against; the configured venue without it. */
  readonly venue?: Venue | string;
  /** Whether the venue's seats and verbs are hot words, where there are intents. Default true. */
  readonly venueHotWords?: boolean;
  /** Whether intents are resolved at all. */
  readonly intents: boolean;
  /** Whether numbers, times and the like are written as figures in what a protocol's words say; intents read the raw text. */
  readonly formatNumbers?: boolean;
  /** Whether finals say when each word was spoken. Default true. */
  readonly words?: boolean;
  /** Whether a final result is decoded from its whole utterance, in place of what the package says. */
  readonly secondPass?: boolean;
  /** Whether the session outlives its connection for a while, so that a client can take it up again on another one. */
  readonly resumable?: boolean;
  /** Whether a pending command is kept from one utterance to the next, asked about and confirmed. */
  readonly dialogue?: boolean;
}

/** What a client asks for, whatever its protocol. */
export type LiveCommand =
  | { readonly type: 'open'; readonly options: SessionOptions }
  | { readonly type: 'audio'; readonly bytes: Uint8Array }
  /** Finalise the current utterance and go on. */
  | { readonly type: 'flush' }
  /** End of the audio. */
  | { readonly type: 'finish' }
  | { readonly type: 'ping' }
  /** What waits for an answer is this now, or nothing. */
  | { readonly type: 'dialogue'; readonly pending: PendingCommand | undefined }
  /** The adapter could not understand a message. */
  | { readonly type: 'invalid'; readonly error: PlainError };

/** What a client is told. Times in seconds from the start of the audio. */
export type SessionEvent =
  | { readonly type: 'ready'; readonly session: string; readonly model: string; readonly sampleRate: number }
  | { readonly type: 'speech_start'; readonly utterance: number; readonly time: number }
  | {
      readonly type: 'partial';
      readonly utterance: number;
      readonly start: number;
      readonly end: number;
      readonly text: string;
      /** So many leading characters of `text` will not change any more. */
      readonly stable: number;
    }
  | { readonly type: 'speech_end'; readonly utterance: number; readonly time: number }
  /** The utterance may be over, and this would be its final: `eager_retracted` or `final` follows. */
  | { readonly type: 'eager_end'; readonly utterance: number; readonly segment: Segment }
  | { readonly type: 'eager_retracted'; readonly utterance: number; readonly time: number }
  | {
      readonly type: 'final';
      readonly utterance: number;
      readonly segment: Segment;
      readonly eager?: EagerOutcome;
    }
  | {
      readonly type: 'intent';
      readonly utterance: number;
      readonly result: IntentResult;
      /** From a partial: it may change, and says nothing about what will be final. */
      readonly tentative: boolean;
      /** A tentative one right behind an eager end, each of which has one. */
      readonly eager?: boolean;
      /** What the conversation made of a final, in sessions that keep one. */
      readonly turn?: DialogueTurn;
    }
  /** So much of the audio has been recognised; all of its events were told before. */
  | {
      readonly type: 'acknowledged';
      readonly bytes: number;
      readonly audioSeconds: number;
      /**
       * Nothing that is still to be told depends on the bytes before this one: a session that goes on elsewhere needs the audio
       * from here on. 0 for containers, which must be heard from their start.
       */
      readonly settledBytes: number;
    }
  /** A `flush` was carried out; its final, if there was anything to say, was told before. */
  | { readonly type: 'flushed' }
  | { readonly type: 'pong' }
  | { readonly type: 'error'; readonly error: PlainError }
  /** Always the last one. */
  | {
      readonly type: 'closed';
      readonly reason: string;
      /** Audio that went through the recogniser. */
      readonly audioSeconds: number;
      /** Audio that came and is in no result: what waited, and the utterance that was not finished. */
      readonly droppedSeconds: number;
    };

/** What happens to a session. */
export type SessionInput =
  | { readonly type: 'command'; readonly command: LiveCommand }
  | { readonly type: 'opened'; readonly session: string; readonly model: string }
  | { readonly type: 'recognized'; readonly result: LiveFeedResult }
  /** The recogniser refused the stream or failed at it. */
  | { readonly type: 'failed'; readonly error: PlainError }
  /** Time has passed; sent at {@link LiveSession.deadline}. */
  | { readonly type: 'tick' }
  /** The service closes. */
  | { readonly type: 'drain' }
  | { readonly type: 'slow_reader' }
  /** The socket is gone; a resumable session waits for the next one, any other is over. */
  | { readonly type: 'detached' }
  /** Another connection of the same client took its place. */
  | { readonly type: 'attached' }
  /** The socket is gone: nothing more can be said to anyone. */
  | { readonly type: 'disconnected' };

/** What a session wants done. `feed`, `flush` and `finish` come one at a time, each after the answer to the last. */
export type SessionEffect =
  | { readonly type: 'open'; readonly options: SessionOptions }
  | { readonly type: 'feed'; readonly bytes: Uint8Array }
  | { readonly type: 'flush' }
  | { readonly type: 'finish' }
  /** The recogniser's stream is needed no more. */
  | { readonly type: 'release' }
  | { readonly type: 'emit'; readonly event: SessionEvent }
  /** After everything emitted so far. */
  | { readonly type: 'close'; readonly code: number; readonly reason: string }
  | { readonly type: 'measure'; readonly measure: Measure };

/** Seconds throughout. */
export type Measure =
  | {
      readonly name: 'audio_received' | 'audio_processed' | 'first_partial' | 'partial_lag';
      readonly seconds: number;
    }
  | { readonly name: 'final_latency'; readonly seconds: number }
  | {
      readonly name: 'audio_dropped';
      readonly seconds: number;
      readonly reason: DropReason;
    }
  | { readonly name: 'real_time_factor'; readonly ratio: number }
  /** What became of an end that was told eagerly. */
  | { readonly name: 'eager_end'; readonly outcome: EagerOutcome | 'retracted' };

/** What an adapter says by itself: its protocol answers a message that means nothing to the session. */
export interface Reply {
  readonly type: 'reply';
  readonly message: string;
}

/** The client wants a session that another connection has left. */
export interface Resume {
  readonly type: 'resume';
  readonly session: string;
  readonly token: string;
  /** The last message that the client got. */
  readonly seq: number;
}

export type AdapterOutput = LiveCommand | Reply | Resume;

/** One wire protocol on one session; it may keep what its own protocol needs to remember. */
export interface ProtocolAdapter {
  readonly protocol: LiveProtocol;
  /** Silence of the client after which its session ends, where the protocol says how long that is. */
  readonly idleTimeoutMs?: number;
  /** Whether a client may open its session late: within the idle timeout, not within that of the hello. */
  readonly patient?: boolean;
  /** What follows from the connection itself, where a protocol opens its session by the address. */
  open?(): readonly AdapterOutput[];
  text(message: string): readonly AdapterOutput[];
  binary(bytes: Uint8Array): readonly AdapterOutput[];
  /** Text messages, none for what the protocol has no message for. */
  encode(event: SessionEvent): readonly string[];
  /**
   * What a client that takes its session up again is told: how much audio is there, and every message behind `seq`.
   * Undefined when these are not kept any more.
   */
  resumed?(seq: number, receivedBytes: number): readonly string[] | undefined;
  /** The secret that a session is taken up again with; undefined where it cannot be. */
  readonly resumeToken?: string | undefined;
}
