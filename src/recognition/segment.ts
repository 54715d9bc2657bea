import type { DecodedHypothesis } from '../decoding/contract.js';
import type { Segment, Word } from './contract.js';

const round = (seconds: number): number => Math.round(seconds * 1000) / 1000;

export interface SegmentFrame {
  readonly id: number;
  /** Seconds of the first and last sample in the whole audio. */
  readonly start: number;
  readonly end: number;
  /** Mean speech probability of the voice activity detector. */
  readonly speechProbability: number;
  readonly frameSeconds: number;
}

/** Places a decoded utterance on the clock of the whole audio. */
export function toSegment(hypotheses: readonly DecodedHypothesis[], frame: SegmentFrame): Segment {
  const [best, ...others] = hypotheses;
  const words: Word[] = best!.words.map((word) => ({
    word: word.word,
    start: round(Math.min(frame.end, frame.start + word.startFrame * frame.frameSeconds)),
    end: round(Math.min(frame.end, frame.start + (word.endFrame + 1) * frame.frameSeconds)),
    confidence: round(word.confidence),
  }));
  return {
    id: frame.id,
    start: round(frame.start),
    end: round(frame.end),
    text: best!.text,
    words,
    confidence: round(best!.confidence),
    avgLogProb: best!.avgLogProb,
    noSpeechProb: round(Math.max(0, 1 - frame.speechProbability)),
    alternatives: others.map((one) => ({ text: one.text, confidence: round(one.confidence) })),
  };
}
