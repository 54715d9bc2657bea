import { alignByAttention, alignByCtc, spread, type Span } from '../align.js';
import type { AttentionScorer, DecodedHypothesis, DecodeOptions, LogProbs, TokenTable } from '../contract.js';
import { calibrate, type Calibration } from '../confidence.js';
import type { StrayJamo } from '../jamo.js';
import type { TextFusion } from '../text-fusion.js';
import { geometricMean, tokenText, toWords } from '../text.js';
import { attentionSearch, type AttentionResult } from './search.js';

/** The decoder part of a manifest, as far as attention models go. */
export interface AttentionDecoderConfig {
  readonly method: string;
  readonly beamWidth?: number;
  readonly lengthNormalization?: number;
  readonly ctcWeight?: number;
  readonly maxTokens?: number;
  readonly strayJamo?: StrayJamo;
  readonly confidence?: Calibration;
}

export interface AttentionUtterance<S> {
  readonly scorer: AttentionScorer<S>;
  /** Of the CTC head, for joint models. */
  readonly ctc?: LogProbs;
  /** Tokens that speech of this length can hold; the manifest's `maxTokens` may say less. */
  readonly maxTokens: number;
}

const DEFAULT_BEAM_WIDTH = 8;
/** Weaker than the mean over tokens, which favours long hypotheses and loops (Wu et al. 2016 found 0.6 to 0.7 best). */
const DEFAULT_LENGTH_NORMALIZATION = 0.6;
const DEFAULT_CTC_WEIGHT = 0.3;

/**
 * Decodes an utterance of an attention model. `greedy` follows the attention decoder's best token, without CTC; `beam`,
 * or a request with a beam width above 1, alternatives or hot words, searches with the CTC head where there is one.
 *
 * A token's probability is the attention decoder's, a word's confidence the geometric mean over its tokens, and so the
 * hypothesis' over all of its tokens (of the eos where it has none). Times come from a forced alignment with the CTC
 * head, which is what CTC is good at; from the attention weights of a model without one; and are spread evenly where
 * there are neither.
 * @returns best first, at least one, no two of the same text
 * @throws MalgwiError cancelled; inference_failed, also of the scorer
 */
export async function decodeAttention<S>(
  utterance: AttentionUtterance<S>,
  table: TokenTable,
  config: AttentionDecoderConfig,
  options: DecodeOptions = {},
  signal?: AbortSignal,
  fusion?: TextFusion,
): Promise<DecodedHypothesis[]> {
  const { scorer, ctc } = utterance;
  const count = options.alternatives ?? 1;
  if (scorer.frames === 0)
    return [{ text: '', tokens: [], words: [], avgLogProb: 0, confidence: 1, score: 0 }];
  const greedy =
    config.method === 'greedy' && (options.beamWidth ?? 1) === 1 && count === 1 && fusion === undefined;
  const results = await attentionSearch(scorer, {
    sos: table.sos!,
    eos: table.eos!,
    width: greedy ? 1 : Math.max(count, options.beamWidth ?? config.beamWidth ?? DEFAULT_BEAM_WIDTH),
    count,
    maxTokens: Math.max(1, Math.min(utterance.maxTokens, config.maxTokens ?? Infinity)),
    lengthNormalization: config.lengthNormalization ?? DEFAULT_LENGTH_NORMALIZATION,
    ...(ctc === undefined || greedy
      ? {}
      : { ctc: { logProbs: ctc, blank: table.blank, weight: config.ctcWeight ?? DEFAULT_CTC_WEIGHT } }),
    ...(fusion === undefined ? {} : { fusion }),
    ...(signal === undefined ? {} : { signal }),
  });
  const hypotheses = new Map<string, DecodedHypothesis>();
  for (const result of results) {
    const hypothesis = toHypothesis(result, utterance, table, config);
    if (!hypotheses.has(hypothesis.text)) hypotheses.set(hypothesis.text, hypothesis);
    if (hypotheses.size === count) break;
  }
  return [...hypotheses.values()];
}

function toHypothesis<S>(
  { ids, logProbs, eosLogProb, attention, score }: AttentionResult,
  { scorer, ctc }: AttentionUtterance<S>,
  table: TokenTable,
  { strayJamo = 'drop', confidence: calibration }: AttentionDecoderConfig,
): DecodedHypothesis {
  const audible = [...ids.keys()].filter((index) => !table.silent.has(ids[index]));
  const spans = timesOf(audible, ids, scorer.frames, table, ctc, attention);
  const tokens = audible.map((index, position) => ({
    id: ids[index],
    text: tokenText(table, ids[index]),
    ...spans[position],
    probability: Math.min(1, Math.exp(logProbs[index])),
  }));
  const words = calibrate(toWords(table, tokens, strayJamo), calibration);
  const sum = logProbs.reduce((total, one) => total + one, eosLogProb);
  return {
    text: words.map(({ word }) => word).join(' '),
    tokens,
    words,
    avgLogProb: sum / (ids.length + 1),
    confidence: tokens.length === 0 ? Math.min(1, Math.exp(eosLogProb)) : geometricMean(tokens),
    score,
  };
}

function timesOf(
  audible: readonly number[],
  ids: readonly number[],
  frames: number,
  { blank }: TokenTable,
  ctc: LogProbs | undefined,
  attention: readonly Float32Array[] | undefined,
): Span[] {
  if (ctc !== undefined) {
    const labels = audible.map((index) => ids[index]);
    return alignByCtc(ctc, labels, blank);
  }
  if (attention === undefined) return spread(audible.length, frames);
  return alignByAttention(
    audible.map((index) => attention[index]),
    frames,
  );
}
