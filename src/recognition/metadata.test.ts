import { describe, expect, it } from 'vitest';
import type { DecodedHypothesis } from '../decoding/contract.js';
import { toMetadata } from './metadata.js';

function hypothesis(text: string, startFrame: number, score: number): DecodedHypothesis {
  const tokens = [...text].map((character, index) => ({
    id: index,
    text: character,
    startFrame: startFrame + 2 * index,
    endFrame: startFrame + 2 * index,
    probability: 0.5,
  }));
  return { text, tokens, words: [], avgLogProb: -1, confidence: 0.5, score };
}

describe('toMetadata', () => {
  it('gives every hypothesis of a single utterance, with its score', () => {
    const metadata = toMetadata([
      { start: 0, frameSeconds: 0.02, hypotheses: [hypothesis('가나', 7, -3.5), hypothesis('가', 8, -4)] },
    ]);
    expect(metadata).toEqual({
      transcripts: [
        {
          confidence: -3.5,
          tokens: [
            { text: '가', timestep: 7, start_time: 0.14, confidence: 0.5 },
            { text: '나', timestep: 9, start_time: 0.18, confidence: 0.5 },
          ],
        },
        { confidence: -4, tokens: [{ text: '가', timestep: 8, start_time: 0.16, confidence: 0.5 }] },
      ],
    });
  });

  it('joins the best of several utterances on the clock of the file', () => {
    const { transcripts } = toMetadata([
      { start: 1, frameSeconds: 0.04, hypotheses: [hypothesis('가', 3, -1), hypothesis('나', 3, -2)] },
      { start: 2, frameSeconds: 0.04, hypotheses: [hypothesis('', 0, -0.5)] },
      { start: 3.01, frameSeconds: 0.04, hypotheses: [hypothesis('다', 5, -2)] },
    ]);
    expect(transcripts).toHaveLength(1);
    expect(transcripts[0]!.confidence).toBe(-3.5);
    expect(
      transcripts[0]!.tokens.map(({ text, timestep, start_time }) => [text, timestep, start_time]),
    ).toEqual([
      ['가', 28, 1.12],
      [' ', 80, 3.2],
      ['다', 80, 3.2],
    ]);
  });

  it('has one empty transcript where nothing was said', () => {
    expect(toMetadata([])).toEqual({ transcripts: [{ confidence: 0, tokens: [] }] });
  });
});
