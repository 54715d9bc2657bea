import type { TranscriptReply } from './protocol.js';

export interface TokenMetadata {
  /** One label of the model's alphabet: a syllable, a letter, a jamo; of a model of bytes a single byte. */
  text: string;
  /** Position in steps of 20 ms. */
  timestep: number;
  /** Position in seconds. */
  start_time: number;
}

export interface CandidateTranscript {
  /** Score of the search: a natural logarithm, comparable only within one result. */
  confidence: number;
  tokens: TokenMetadata[];
}

/** Best first. */
export interface Metadata {
  transcripts: CandidateTranscript[];
}

const STEPS_PER_SECOND = 50;

export function toMetadata(replies: readonly TranscriptReply[]): Metadata {
  return {
    transcripts: replies.map(({ confidence, tokens }) => ({
      confidence,
      tokens: tokens.map(({ text, timestep }) => ({
        text,
        timestep,
        start_time: timestep / STEPS_PER_SECOND,
      })),
    })),
  };
}

export function toText(replies: readonly TranscriptReply[]): string {
  return replies[0]?.text ?? '';
}
