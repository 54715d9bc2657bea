import { MalgwiError } from '../../errors.js';
import { invalid } from '../lm/bytes.js';
import type { ByteReader } from '../lm/contract.js';
import { KenlmModel } from '../lm/kenlm.js';
import type { CoquiAlphabet } from './alphabet.js';
import { toBytes } from './alphabet.js';
import { Dictionary } from './dictionary.js';

/** Weights of the language model: score = alpha ln P + beta for each of its units. */
export interface ScorerWeights {
  readonly alpha: number;
  readonly beta: number;
}

const MAGIC = 0x54524945; // 'TRIE', the way a little-endian machine writes the number
const VERSION = 6;
/** Words of the dictionary that are looked up in the language model when a scorer is opened. */
const SAMPLES = 64;
const MAX_WORD_LABELS = 256;
const MAX_WEIGHT = 1e5;

/**
 * A `.scorer` of Coqui STT or DeepSpeech 0.9 (file version 6): a KenLM model, whether its units are code points of a
 * bytes model, its weights, and the dictionary of its words. It stays in the file; see {@link KenlmModel}.
 */
export class CoquiScorer {
  readonly model: KenlmModel;
  readonly dictionary: Dictionary;
  /** The units are code points, spelt in bytes; otherwise words that end with the space. */
  readonly codePoints: boolean;
  private current: ScorerWeights;

  /**
   * @throws MalgwiError manifest_invalid when the file is damaged or no scorer; scorer_mismatch when it was made for
   * another alphabet
   */
  constructor(
    reader: ByteReader,
    readonly alphabet: CoquiAlphabet,
  ) {
    this.model = new KenlmModel(reader);
    const at = this.model.end;
    if (at + 25 > reader.length || reader.u32(at) !== MAGIC) {
      invalid('it is a KenLM file without a dictionary, not a scorer');
    }
    const version = reader.i32(at + 4);
    if (version !== VERSION) {
      invalid(`it is a scorer of version ${String(version)}, not ${String(VERSION)}: package it again`);
    }
    this.codePoints = reader.u8(at + 8) !== 0;
    const alpha = reader.f64(at + 9);
    const beta = reader.f64(at + 17);
    if (!(Math.abs(alpha) <= MAX_WEIGHT && Math.abs(beta) <= MAX_WEIGHT))
      invalid('its weights are not numbers');
    this.current = rounded({ alpha, beta });
    checkMode(this.codePoints, alphabet);
    this.dictionary = new Dictionary(reader, at + 25, alphabet.labels.length);
    this.checkWords();
  }

  /** As float32, like Coqui holds them. */
  get weights(): ScorerWeights {
    return this.current;
  }

  /**
   * Takes effect at once, in every decoder that has no weights of its own.
   * @throws MalgwiError invalid_field
   */
  setWeights(weights: ScorerWeights): void {
    if (!(Math.abs(weights.alpha) <= MAX_WEIGHT && Math.abs(weights.beta) <= MAX_WEIGHT)) {
      throw new MalgwiError('invalid_field', {
        detail: 'The weights of the language model are not numbers of a sensible size.',
      });
    }
    this.current = rounded(weights);
  }

  /** Id in the language model of a word given as a string of bytes; 0 if it is not there. */
  index(word: string): number {
    return this.model.indexBytes(toBytes(word));
  }

  /**
   * A scorer for other labels spells nothing but nonsense. Random walks through the dictionary must give words that the
   * language model knows, at least some of them, from labels that there are.
   */
  private checkWords(): void {
    let known = 0;
    let seen = 0;
    for (let sample = 0, seed = 1; sample < SAMPLES && known < 8; sample++) {
      const word = this.sampleWord(() => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0));
      if (word === undefined) continue;
      seen++;
      if (this.index(word) !== 0) known++;
    }
    if (seen > 0 && known === 0)
      mismatch('its dictionary spells no word of its language model with this alphabet');
  }

  /** undefined: the walk found no end. */
  private sampleWord(random: () => number): string | undefined {
    const { dictionary, alphabet, codePoints } = this;
    let state = dictionary.start;
    let word = '';
    for (let length = 0; length < MAX_WORD_LABELS; length++) {
      const { labels, targets } = dictionary.arcs(state);
      if (labels.length === 0) return undefined;
      if (labels[labels.length - 1] > alphabet.labels.length) {
        mismatch(`its dictionary has labels beyond the ${String(alphabet.labels.length)} of this alphabet`);
      }
      const arc = Math.floor((random() / 2 ** 32) * labels.length);
      state = targets[arc];
      const label = labels[arc] - 1;
      if (label < 0) invalid('its dictionary has arcs without a label');
      const final = dictionary.isFinal(state);
      if (!codePoints && final !== (label === alphabet.space)) {
        mismatch('the words of its dictionary do not end with the space of this alphabet');
      }
      if (codePoints || !final) word += alphabet.labels[label];
      if (final) return word;
    }
    return undefined;
  }
}

function checkMode(codePoints: boolean, alphabet: CoquiAlphabet): void {
  if (codePoints && !alphabet.bytes) mismatch('it is for models that spell in bytes, and this one does not');
  if (!codePoints && alphabet.bytes)
    mismatch('it is for models that spell in characters, and this one spells in bytes');
  if (!codePoints && alphabet.space < 0) mismatch('its units are words, and the alphabet has no space');
}

function rounded({ alpha, beta }: ScorerWeights): ScorerWeights {
  return { alpha: Math.fround(alpha), beta: Math.fround(beta) };
}

function mismatch(what: string): never {
  throw new MalgwiError('scorer_mismatch', {
    param: 'languageModel',
    detail: `The scorer does not fit the model: ${what}.`,
  });
}
