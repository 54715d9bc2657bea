/** Beam search for CTC models: what createCtcDecoder gives for the method `beam`. */
import { MalgwiError } from '../../errors.js';
import { calibrate, type Calibration } from '../confidence.js';
import type {
  CtcDecoder,
  CtcUtterance,
  DecodedHypothesis,
  DecodedToken,
  DecodeOptions,
  LogProbs,
  PartialText,
  TokenTable,
} from '../contract.js';
import type { StrayJamo } from '../jamo.js';
import { checkDecodeOptions } from '../options.js';
import { geometricMean, tokenText, toWords, wholeWordsOf, wordsOf } from '../text.js';
import { align } from './align.js';
import { logAdd } from './frame.js';
import { Fusions } from './fusions.js';
import type { CtcLanguageModel } from './language-model.js';
import { Pieces } from './pieces.js';
import { PrefixSearch, type FoundPrefix } from './search.js';
import { Symbols } from './symbols.js';

export interface BeamConfig {
  readonly method: 'beam';
  /** Default 32. */
  readonly beamWidth?: number;
  /** Default `drop`. */
  readonly strayJamo?: StrayJamo;
  readonly confidence?: Calibration;
  /** Tokens by which one frame may extend a prefix. Default 40. */
  readonly topTokens?: number;
  /** Natural logarithm by which a token may be less probable than the best class of its frame. Default 10. */
  readonly tokenReach?: number;
  /** Natural logarithm by which the score of a prefix may be below the best one. Default 16. */
  readonly beamReach?: number;
}

export const DEFAULT_BEAM_WIDTH = 32;
const DEFAULT_TOP_TOKENS = 40;
const DEFAULT_TOKEN_REACH = 10;
const DEFAULT_BEAM_REACH = 16;
/** Prefixes held in the frames that only a partial text shows. Twice as many make it no better (docs/reference/decoding.md). */
const PARTIAL_BEAM_WIDTH = 16;

/**
 * Prefix beam search with language model and hot words (docs/reference/decoding.md). Times are those of the most
 * probable path of a hypothesis, found by forced alignment over all of its frames; a token's probability is the mean
 * over its frames on that path.
 */
export class BeamCtcDecoder implements CtcDecoder {
  readonly name = 'beam';
  private readonly symbols: Symbols;
  private readonly fusions: Fusions;

  constructor(
    private readonly table: TokenTable,
    private readonly config: BeamConfig,
    languageModel?: CtcLanguageModel,
  ) {
    this.symbols = new Symbols(table);
    this.fusions = new Fusions(this.symbols, table, config.strayJamo ?? 'drop', languageModel);
  }

  /** @throws MalgwiError inference_failed when the matrix does not fit the tokens or holds no numbers | invalid_field */
  decode(logProbs: LogProbs, options: DecodeOptions = {}): DecodedHypothesis[] {
    const utterance = this.begin(options);
    utterance.push(logProbs);
    return utterance.finish();
  }

  begin(options: DecodeOptions = {}, settleFrames?: number): BeamUtterance {
    checkDecodeOptions(options);
    const { config } = this;
    const search = new PrefixSearch(
      this.table,
      this.symbols,
      {
        beamWidth: options.beamWidth ?? config.beamWidth ?? DEFAULT_BEAM_WIDTH,
        topTokens: Math.min(config.topTokens ?? DEFAULT_TOP_TOKENS, this.table.tokens.length),
        tokenReach: config.tokenReach ?? DEFAULT_TOKEN_REACH,
        beamReach: config.beamReach ?? DEFAULT_BEAM_REACH,
        ...(settleFrames === undefined ? {} : { settleFrames }),
      },
      this.fusions.of(options),
    );
    return new BeamUtterance(this.table, config, search, options.alternatives ?? 1);
  }
}

interface Text {
  readonly text: string;
  /** The best way to write it. */
  readonly ids: readonly number[];
  /** Logarithms of the sums over all ways to write it. */
  acoustic: number;
  score: number;
}

/** One utterance of a beam search. */
export class BeamUtterance implements CtcUtterance {
  private readonly pieces: Pieces;
  private readonly strayJamo: StrayJamo;
  /** Of the prefixes held when {@link peek} was called. */
  private settled: readonly number[] | undefined;

  constructor(
    private readonly table: TokenTable,
    private readonly config: BeamConfig,
    private readonly search: PrefixSearch,
    private readonly alternatives: number,
  ) {
    this.strayJamo = config.strayJamo ?? 'drop';
    this.pieces = new Pieces(table.tokens.length);
  }

  push(logProbs: LogProbs): void {
    if (logProbs.frames === 0) return;
    this.take(logProbs);
    this.pieces.push(logProbs);
  }

  private take({ data, frames, classes }: LogProbs): void {
    if (classes !== this.table.tokens.length) {
      const detail = `The model gives ${String(classes)} classes, its token list has ${String(this.table.tokens.length)}.`;
      throw new MalgwiError('inference_failed', { detail });
    }
    if (data.length < frames * classes) {
      throw new MalgwiError('inference_failed', {
        detail: 'The model gave fewer values than its shape says.',
      });
    }
    for (let frame = 0; frame < frames; frame++) this.search.push(data, frame * classes);
  }

  peek<T>(logProbs: LogProbs, look: () => T): T {
    if (logProbs.frames === 0) return look();
    this.settled = this.search.common();
    try {
      return this.search.peek(() => {
        this.push(logProbs);
        try {
          return look();
        } finally {
          this.pieces.pop();
        }
      });
    } finally {
      this.settled = undefined;
    }
  }

  partial(ahead?: LogProbs): PartialText {
    const { search } = this;
    const common = this.settled ?? search.common();
    const stable = wholeWordsOf(this.table, this.shown(common), this.strayJamo).join(' ').length;
    if (ahead === undefined || ahead.frames === 0) return { text: this.read(search.bestSoFar()), stable };
    const look = (): readonly number[] => {
      this.take(ahead);
      return search.bestSoFar();
    };
    return { text: this.read(search.peek(look, PARTIAL_BEAM_WIDTH)), stable };
  }

  finish(alternatives = this.alternatives): DecodedHypothesis[] {
    const texts = this.merge(this.search.prefixes());
    const data = this.pieces.joined();
    return texts.slice(0, alternatives).map((text) => this.hypothesis(text, data));
  }

  /** Prefixes that read the same (a stray jamo more, a space at an end) are one hypothesis, their paths added. */
  private merge(found: readonly FoundPrefix[]): Text[] {
    const texts = new Map<string, Text>();
    for (const { ids, acoustic, score } of found) {
      const text = this.read(ids);
      const known = texts.get(text);
      if (known === undefined) texts.set(text, { text, ids, acoustic, score });
      else {
        known.acoustic = logAdd(known.acoustic, acoustic);
        known.score = logAdd(known.score, score);
      }
    }
    return [...texts.values()].sort((a, b) => b.score - a.score);
  }

  private hypothesis({ text, ids, score }: Text, data: Float32Array): DecodedHypothesis {
    const { table } = this;
    const { frames } = this.pieces;
    const classes = table.tokens.length;
    const path = align({ data, frames, classes, blanks: this.search.blanks }, ids);
    const tokens: DecodedToken[] = [];
    for (let i = 0; i < this.length(ids) && path !== undefined; i++) {
      const startFrame = path.starts[i];
      const endFrame = path.ends[i];
      let sum = 0;
      for (let frame = startFrame; frame <= endFrame; frame++)
        sum += Math.exp(data[frame * classes + ids[i]]);
      const probability = Math.min(1, sum / (endFrame - startFrame + 1));
      tokens.push({ id: ids[i], text: tokenText(table, ids[i]), startFrame, endFrame, probability });
    }
    const words = calibrate(toWords(table, tokens, this.strayJamo), this.config.confidence);
    const avgLogProb = frames === 0 ? 0 : Math.min(0, (path?.logProb ?? 0) / frames);
    const confidence = tokens.length === 0 ? Math.exp(avgLogProb) : geometricMean(tokens);
    return { text, tokens, words, avgLogProb, confidence, score };
  }

  /** Tokens before the end of the sentence. */
  private length(ids: readonly number[]): number {
    const { eos } = this.table;
    const end = eos === undefined ? -1 : ids.indexOf(eos);
    return end < 0 ? ids.length : end;
  }

  private read(ids: readonly number[]): string {
    return wordsOf(this.table, this.shown(ids), this.strayJamo).join(' ');
  }

  private shown(ids: readonly number[]): readonly number[] {
    return ids.slice(0, this.length(ids));
  }
}
