/** Transcripts in OpenAI's shapes. Pure functions but for zlib's compression ratio of short texts. */
import { deflateSync } from 'node:zlib';
import type { Segment, Transcript, Word } from '../../recognition/contract.js';
import { toSrt, toVtt } from '../../recognition/formats.js';
import type { TranscriptionRequest } from './fields.js';

/** How the answer is to look. */
export type Rendering = Pick<TranscriptionRequest, 'format' | 'logprobs' | 'granularities' | 'temperature'>;

export interface Logprob {
  readonly token: string;
  readonly bytes: number[];
  readonly logprob: number;
}

/** No confidence is so low that its logarithm is infinite (JSON has no infinity). */
const LEAST_PROBABILITY = 1e-10;
/** Whisper's frames, in which `seek` is counted. */
const SEEK_PER_SECOND = 100;

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const seconds = (value: number): number => round(value, 3);

/** Log-probabilities by word (the recogniser's confidence of a word is the mean probability of its tokens). */
export function logprobsOf(words: readonly Word[]): Logprob[] {
  return words.map(({ word, confidence }, index) => {
    const token = index === 0 ? word : ` ${word}`;
    return {
      token,
      bytes: [...Buffer.from(token)],
      logprob: round(Math.log(Math.max(confidence, LEAST_PROBABILITY)), 6),
    };
  });
}

export const usageOf = (transcript: Transcript) => ({
  type: 'duration' as const,
  seconds: seconds(transcript.duration),
});

/** Whisper's measure of repetition: bytes of the text over bytes of it compressed. */
function compressionRatio(text: string): number {
  if (text === '') return 0;
  const bytes = Buffer.from(text.slice(0, 4096));
  return round(bytes.length / deflateSync(bytes).length, 4);
}

function verboseSegment(segment: Segment, temperature: number) {
  return {
    id: segment.id,
    seek: Math.round(segment.start * SEEK_PER_SECOND),
    start: seconds(segment.start),
    end: seconds(segment.end),
    text: segment.text,
    // Units of the models here are jamo of no shared vocabulary: their numbers would mean nothing to a client.
    tokens: [] as number[],
    temperature,
    avg_logprob: round(segment.avgLogProb, 6),
    compression_ratio: compressionRatio(segment.text),
    no_speech_prob: round(segment.noSpeechProb, 6),
    ...(segment.alternatives.length === 0 ? {} : { alternatives: segment.alternatives }),
  };
}

const wordsOf = (transcript: Transcript): Word[] => transcript.segments.flatMap((segment) => segment.words);

export interface Answer {
  readonly type: string;
  readonly body: string | object;
}

const JSON_TYPE = 'application/json; charset=utf-8';

/** The whole answer to a request that does not stream. */
export function formatTranscript(transcript: Transcript, request: Rendering): Answer {
  const { text } = transcript;
  switch (request.format) {
    case 'json': {
      const logprobs = request.logprobs ? { logprobs: logprobsOf(wordsOf(transcript)) } : {};
      return { type: JSON_TYPE, body: { text, ...logprobs, usage: usageOf(transcript) } };
    }
    case 'verbose_json': {
      const { granularities, temperature } = request;
      return {
        type: JSON_TYPE,
        body: {
          task: 'transcribe',
          language: transcript.language === 'ko' ? 'korean' : transcript.language,
          duration: seconds(transcript.duration),
          text,
          ...(granularities.has('segment')
            ? { segments: transcript.segments.map((segment) => verboseSegment(segment, temperature)) }
            : {}),
          ...(granularities.has('word')
            ? {
                words: wordsOf(transcript).map(({ word, start, end }) => ({
                  word,
                  start: seconds(start),
                  end: seconds(end),
                })),
              }
            : {}),
          usage: usageOf(transcript),
        },
      };
    }
    case 'text':
      return { type: 'text/plain; charset=utf-8', body: `${text}\n` };
    case 'srt':
      return { type: 'application/x-subrip; charset=utf-8', body: toSrt(transcript) };
    case 'vtt':
      return { type: 'text/vtt; charset=utf-8', body: toVtt(transcript) };
  }
}
