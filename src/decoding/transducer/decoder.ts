import type { DecodedHypothesis, DecodeOptions, TokenTable, TransducerScorer } from '../contract.js';
import { calibrate, type Calibration } from '../confidence.js';
import type { StrayJamo } from '../jamo.js';
import type { TextFusion } from '../text-fusion.js';
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
  readonly confidence?: Calibration;
}

const DEFAULT_BEAM_WIDTH = 8;
export const DEFAULT_TOKENS_PER_FRAME = 10;

/**
 * Decodes an utterance of a transducer: the best class of each frame with `greedy` or a beam width of 1, else (for
 * alternatives and hot words too) the beam search of Graves 2012. What follows an eos is cut.
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
  fusion?: TextFusion,
): Promise<DecodedHypothesis[]> {
  const count = options.alternatives ?? 1;
  // Greedy search can neither listen for a word nor give a second choice.
  const narrow = config.method === 'greedy' && count === 1 && fusion === undefined;
  const asked = options.beamWidth ?? (narrow ? 1 : (config.beamWidth ?? DEFAULT_BEAM_WIDTH));
  const width = Math.max(count, asked);
  const search = {
    sos: table.sos!,
    blank: table.blank,
    maxTokensPerFrame: config.maxTokensPerFrame ?? DEFAULT_TOKENS_PER_FRAME,
    ...(signal === undefined ? {} : { signal }),
  };
  const lengthNormalization = config.lengthNormalization ?? 0;
  const results =
    width === 1 && fusion === undefined
      ? [normalise(await transducerGreedy(scorer, { ...search, eos: table.eos }), lengthNormalization)]
      : await transducerBeam(scorer, { ...search, width, lengthNormalization, fusion });
  const hypotheses = new Map<string, DecodedHypothesis>();
  for (const result of results) {
    const hypothesis = toHypothesis(result, scorer.frames, table, config);
    if (!hypotheses.has(hypothesis.text)) hypotheses.set(hypothesis.text, hypothesis);
    if (hypotheses.size === count) break;
  }
  return [...hypotheses.values()];
}

function normalise(result: TransducerResult, exponent: number): TransducerResult {
  return { ...result, score: result.score / (result.emissions.length + 1) ** exponent };
}

function toHypothesis(
  { emissions, score, pathLogProb }: TransducerResult,
  frames: number,
  table: TokenTable,
  { strayJamo = 'drop', confidence: calibration }: TransducerDecoderConfig,
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
  const words = calibrate(toWords(table, tokens, strayJamo), calibration);
  return {
    text: words.map(({ word }) => word).join(' '),
    tokens,
    words,
    avgLogProb: frames === 0 ? 0 : Math.min(0, pathLogProb / frames),
    confidence: geometricMean(tokens),
    score,
  };
}
