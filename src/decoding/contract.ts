/** Decoders turn per-frame log-probabilities into hypotheses. Pure code. */

/** What the decoder must know of a model's tokens. */
export interface TokenTable {
  readonly tokens: readonly string[];
  readonly unit: 'character' | 'grapheme' | 'syllable' | 'subword' | 'byte';
  readonly blank: number;
  readonly eos?: number;
  /** The token that stands for a space between words. */
  readonly space: string;
  /** Tokens that never appear in text (`<pad>`, `<sos>`, ...). */
  readonly silent: ReadonlySet<number>;
  /** `nfc` (the default): conjoining jamo become syllables. `none`: token texts are joined as they are. */
  readonly compose?: 'nfc' | 'none';
}

/** Row-major [frames, classes], natural logarithms. */
export interface LogProbs {
  readonly data: Float32Array;
  readonly frames: number;
  readonly classes: number;
}

export interface DecodedToken {
  readonly id: number;
  readonly text: string;
  /** First and last encoder frame (inclusive) that emitted it. */
  readonly startFrame: number;
  readonly endFrame: number;
  /** Mean probability over its frames, 0..1. */
  readonly probability: number;
}

export interface DecodedWord {
  readonly word: string;
  readonly startFrame: number;
  readonly endFrame: number;
  /** 0..1 */
  readonly confidence: number;
}

export interface DecodedHypothesis {
  readonly text: string;
  readonly tokens: readonly DecodedToken[];
  readonly words: readonly DecodedWord[];
  /** Mean log-probability per frame of the path. */
  readonly avgLogProb: number;
  /** 0..1 */
  readonly confidence: number;
}

export interface DecodeOptions {
  readonly beamWidth?: number;
  /** How many hypotheses to return, best first. */
  readonly alternatives?: number;
  readonly hotWords?: readonly { readonly phrase: string; readonly weight: number }[];
}

export interface CtcDecoder {
  readonly name: string;
  /** Best first; at least one (possibly of empty text) even for zero frames. */
  decode(logProbs: LogProbs, options?: DecodeOptions): DecodedHypothesis[];
}
