import type { DecodedHypothesis } from '../decoding/contract.js';
import type { TokenMetadata, TranscriptMetadata } from './contract.js';

/** One utterance of the audio, decoded. */
export interface PlacedHypotheses {
  /** Seconds from the start of the audio to the utterance's first sample. */
  readonly start: number;
  readonly frameSeconds: number;
  /** Best first, at least one. */
  readonly hypotheses: readonly DecodedHypothesis[];
}

const microseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1e6;

function place({ start, frameSeconds }: PlacedHypotheses, hypothesis: DecodedHypothesis): TokenMetadata[] {
  const offset = Math.round(start / frameSeconds);
  return hypothesis.tokens.map(({ text, startFrame, probability }) => {
    const timestep = offset + startFrame;
    return { text, timestep, start_time: microseconds(timestep * frameSeconds), confidence: probability };
  });
}

/**
 * Tokens on the clock of the whole audio. The text of a candidate is that of its tokens joined; between two utterances
 * stands a space. The score of joined utterances is the sum of theirs: scores are logarithms.
 */
export function toMetadata(utterances: readonly PlacedHypotheses[]): TranscriptMetadata {
  if (utterances.length === 1) {
    const [only] = utterances;
    const transcripts = only!.hypotheses.map((hypothesis) => ({
      confidence: hypothesis.score,
      tokens: place(only!, hypothesis),
    }));
    return { transcripts };
  }
  let confidence = 0;
  const tokens: TokenMetadata[] = [];
  for (const utterance of utterances) {
    const best = utterance.hypotheses[0]!;
    const placed = place(utterance, best);
    confidence += best.score;
    if (tokens.length > 0 && placed.length > 0) tokens.push({ ...placed[0]!, text: ' ', confidence: 1 });
    tokens.push(...placed);
  }
  return { transcripts: [{ confidence, tokens }] };
}
