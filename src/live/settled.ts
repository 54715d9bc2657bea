import type { SessionOptions } from './contract.js';
import { bytesPerSecond, isContainer } from './encodings.js';

/**
 * Audio that may yet turn out to be the beginning of an utterance, before speech is announced: its padding, and what the
 * detector wants to hear first.
 */
const UNDECIDED_SECONDS = 1;

/** How much of a session's audio no result to come depends on. */
export class SettledAudio {
  #start: number | undefined;
  #lastEnd = 0;

  speechStart(time: number): void {
    this.#start = time;
  }

  final(end: number): void {
    this.#start = undefined;
    this.#lastEnd = end;
  }

  /** Of so much recognised audio, the second up to which everything is final. */
  seconds(audioSeconds: number): number {
    return this.#start ?? audioSeconds;
  }

  /** Whole samples; 0 for containers, which cannot be taken up in their middle. */
  bytes(audioSeconds: number, options: Pick<SessionOptions, 'encoding' | 'sampleRate' | 'channels'>): number {
    if (isContainer(options.encoding)) return 0;
    const seconds = this.#start ?? Math.max(this.#lastEnd, audioSeconds - UNDECIDED_SECONDS, 0);
    const frame = bytesPerSecond(options) / options.sampleRate;
    return Math.floor(Math.min(seconds, audioSeconds) * options.sampleRate) * frame;
  }
}
