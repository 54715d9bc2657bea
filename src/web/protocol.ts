/** What the page reads of `/v1/stream` and the HTTP API (docs/reference/live.md). */
import type { IntentName, Slots, Venue } from '../intents/contract.js';

export interface IntentMessage {
  readonly type: 'intent';
  readonly utterance: number;
  readonly intent: IntentName;
  readonly slots: Slots;
  readonly confidence: number;
  readonly problems: readonly { slot: string; value: string; code: string; suggestions: readonly string[] }[];
  readonly tentative: boolean;
}

export type ServerMessage =
  | { readonly type: 'ready'; readonly session: string; readonly model: string }
  | { readonly type: 'speech_start' | 'speech_end'; readonly utterance: number; readonly time: number }
  | {
      readonly type: 'partial' | 'final';
      readonly utterance: number;
      readonly start: number;
      readonly end: number;
      readonly text: string;
    }
  | IntentMessage
  | { readonly type: 'error'; readonly error: { code: string; message: string; retry_after?: number } }
  | {
      readonly type: 'closed';
      readonly reason: string;
      readonly audio_seconds: number;
      readonly dropped_seconds: number;
    }
  | { readonly type: 'pong' };

export interface Hello {
  readonly type: 'hello';
  readonly sample_rate: number;
  readonly encoding: 'pcm_s16le';
  readonly venue: Venue;
}
