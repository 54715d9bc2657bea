import { MalgwiError } from '../../errors.js';
import type { DecodedHypothesis } from '../contract.js';
import type { CoquiAlphabet } from './alphabet.js';
import { spellHotWords } from './hot-words.js';
import { toHypothesis } from './hypothesis.js';
import { compareRank } from './prefix.js';
import type { Prefix } from './prefix.js';
import type { CoquiScorer, ScorerWeights } from './scorer.js';
import { CoquiSearch } from './search.js';
import { unitsOf } from './units.js';
import type { Units } from './units.js';

const { fround } = Math;
/** Of weights and boosts: a thousand times what anyone uses. */
const MAX_WEIGHT = 1e5;

export interface CoquiDecoderOptions {
  /** 1 to 65535. Coqui's models bring 500. */
  readonly beamWidth: number;
  /** Opened for the same alphabet. */
  readonly scorer?: CoquiScorer;
  /** In place of the scorer's, whose own may change while a decoder is at work, as in Coqui. */
  readonly weights?: ScorerWeights;
  /**
   * Words and what each is worth: added to ln P of the language model, before alpha, wherever the word is in the window
   * that is scored. Without a scorer, and for words that it does not know, they do nothing.
   */
  readonly hotWords?: Iterable<readonly [word: string, boost: number]>;
  /** `nfc` (the default): jamo in the text become syllables. */
  readonly compose?: 'nfc' | 'none';
}

/**
 * The decoder of Coqui STT 1.4 (`ctc_beam_search_decoder` of its native client), reproduced: the same text, times, order
 * and confidence as float32 arithmetic allows, streaming. Prefixes of equal score and equal last label, whose order Coqui
 * leaves to its sorting algorithm, keep the order in which they arose.
 */
export class CoquiDecoder {
  private search: CoquiSearch;
  private readonly units: Units | undefined;

  /**
   * @throws MalgwiError invalid_field for a beam width, a weight or a boost out of range, scorer_mismatch for a scorer
   * of another alphabet
   */
  constructor(
    private readonly alphabet: CoquiAlphabet,
    private readonly options: CoquiDecoderOptions,
  ) {
    const { beamWidth, scorer, weights } = options;
    if (!Number.isInteger(beamWidth) || beamWidth < 1 || beamWidth > 65_535) {
      throw new MalgwiError('invalid_field', { param: 'beamWidth', detail: 'The beam is 1 to 65535 wide.' });
    }
    if (scorer !== undefined && scorer.alphabet.labels.join('\0') !== alphabet.labels.join('\0')) {
      throw new MalgwiError('scorer_mismatch', { detail: 'The scorer was opened for another alphabet.' });
    }
    const hotWords = spellHotWords(alphabet, options.hotWords ?? []);
    for (const number of [...hotWords.values(), weights?.alpha ?? 0, weights?.beta ?? 0]) {
      if (!(Math.abs(number) <= MAX_WEIGHT)) {
        throw new MalgwiError('invalid_field', {
          detail: 'A weight or a boost is not a number of a sensible size.',
        });
      }
    }
    this.units = scorer === undefined ? undefined : unitsOf(scorer, hotWords);
    this.search = new CoquiSearch({
      beamWidth,
      blank: alphabet.labels.length,
      units: this.units,
      weights: () => this.weights(),
      largestBoost: Math.max(0, ...hotWords.values()),
    });
  }

  /**
   * @param probabilities row-major [frames, classes], 0..1, the blank last
   * @param classes labels of the alphabet and one
   * @throws MalgwiError inference_failed when they are not that; manifest_invalid when the scorer proves damaged
   */
  next(probabilities: Float32Array, frames: number, classes: number): void {
    if (classes !== this.alphabet.labels.length + 1 || probabilities.length < frames * classes) {
      const detail = `The model gives ${String(classes)} classes, its alphabet has ${String(this.alphabet.labels.length)} labels.`;
      throw new MalgwiError('inference_failed', { detail });
    }
    for (let frame = 0; frame < frames; frame++) this.search.step(probabilities, frame * classes);
  }

  /**
   * The best transcripts of the frames so far, best first, at least one. Changes nothing: the decoder can go on.
   * @param alternatives at most as many as the beam is wide
   */
  decode(alternatives: number): DecodedHypothesis[] {
    const ranked = this.search.beam.map((prefix) => ({ prefix, score: this.finalScore(prefix) }));
    ranked.sort((a, b) => compareRank(a.score, a.prefix.character, b.score, b.prefix.character));
    const { alphabet, options, search } = this;
    return ranked
      .slice(0, Math.max(1, alternatives))
      .map(({ prefix, score }) =>
        toHypothesis(alphabet, prefix, score, search.frames, options.compose ?? 'nfc'),
      );
  }

  /** A decoder in the same place that goes on by itself. */
  fork(): CoquiDecoder {
    const copy = new CoquiDecoder(this.alphabet, this.options);
    copy.search = this.search.fork();
    return copy;
  }

  private weights(): ScorerWeights {
    const { weights, scorer } = this.options;
    if (weights === undefined) return scorer?.weights ?? { alpha: 0, beta: 0 };
    return { alpha: fround(weights.alpha), beta: fround(weights.beta) };
  }

  /** With the last word, where it has not been scored yet. Hot words do not count here. */
  private finalScore(prefix: Prefix): number {
    const unit = this.units?.unfinished(prefix);
    if (unit === undefined) return prefix.score;
    const { alpha, beta } = this.weights();
    return fround(prefix.score + fround(fround(unit.logProb * alpha) + beta));
  }
}
