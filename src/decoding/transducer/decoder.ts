import type { DecodedHypothesis, DecodeOptions, TokenTable, TransducerScorer } from '../contract.js';
import type { StrayJamo } from '../jamo.js';
import { geometricMean, tokenText, toWords } from '../text.js';
import { transducerBeam } from './beam.js';
import type { TransducerResult } from './contract.js';
import { transducerGreedy } from './greedy.js';

/** The decoder part of a manifest, as far as transducers go. */
export interface TransducerDecoderConfig {
  readonly method: string;
  readonly beamWidth?: number;
  readonly lengthNormalization?: number;
  readonly maxTokensPerFrame?: number;
  readonly strayJamo?: StrayJamo;
}

const DEFAULT_BEAM_WIDTH = 8;
export const DEFAULT_TOKENS_PER_FRAME = 10;

/**
 * Decodes an utterance of a transducer: the best class of each frame with `greedy` or a beam width of 1, else the beam
 * search of Graves 2012. What follows an eos is cut.
 *
 * A token lies in the frame that emitted it and has the probability it had there; a word's confidence is the geometric
 * mean over its tokens, and so the hypothesis' over all of its tokens (1 where it has none). Scores are not divided for
 * length unless the manifest says so.
 * @returns best first, at least one, no two of the same text
 * @throws MalgwiError cancelled; inference_failed, also of the scorer
 */
export async function decodeTransducer<S>(
  scorer: TransducerScorer<S>,
  table: TokenTable,
  config: TransducerDecoderConfig,
  options: DecodeOptions = {},
  signal?: AbortSignal,
): Promise<DecodedHypothesis[]> {
  const count = options.alternatives ?? 1;
  const asked =
    options.beamWidth ?? (config.method === 'greedy' ? 1 : (config.beamWidth ?? DEFAULT_BEAM_WIDTH));
  const width = count === 1 ? asked : Math.max(count, asked);
  const search = {
    sos: table.sos!,
    blank: table.blank,
    maxTokensPerFrame: config.maxTokensPerFrame ?? DEFAULT_TOKENS_PER_FRAME,
    ...(signal === undefined ? {} : { signal }),
  };
  const lengthNormalization = config.lengthNormalization ?? 0;
  const results =
    width === 1
      ? [normalise(await transducerGreedy(scorer, { ...search, eos: table.eos }), lengthNormalization)]
      : await transducerBeam(scorer, { ...search, width, lengthNormalization });
  const hypotheses = new Map<string, DecodedHypothesis>();
  for (const result of results) {
    const hypothesis = toHypothesis(result, scorer.frames, table, config.strayJamo ?? 'drop');
    if (!hypotheses.has(hypothesis.text)) hypotheses.set(hypothesis.text, hypothesis);
    if (hypotheses.size === count) break;
  }
  return [...hypotheses.values()];
}

function normalise({ emissions, score }: TransducerResult, exponent: number): TransducerResult {
  return { emissions, score: score / (emissions.length + 1) ** exponent };
}

function toHypothesis(
  { emissions, score }: TransducerResult,
  frames: number,
  table: TokenTable,
  stray: StrayJamo,
): DecodedHypothesis {
  const end = emissions.findIndex(({ id }) => id === table.eos);
  const tokens = (end === -1 ? emissions : emissions.slice(0, end))
    .filter(({ id }) => !table.silent.has(id))
    .map(({ id, frame, logProb }) => ({
      id,
      text: tokenText(table, id),
      startFrame: frame,
      endFrame: frame,
      probability: Math.min(1, Math.exp(logProb)),
    }));
  const words = toWords(table, tokens, stray);
  return {
    text: words.map(({ word }) => word).join(' '),
    tokens,
    words,
    avgLogProb: frames === 0 ? 0 : Math.min(0, score / frames),
    confidence: geometricMean(tokens),
    score,
  };
}
