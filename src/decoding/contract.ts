/** Decoders turn per-frame log-probabilities into hypotheses. Pure code. */

/** What the decoder must know of a model's tokens. */
export interface TokenTable {
  readonly tokens: readonly string[];
  readonly unit: 'character' | 'grapheme' | 'syllable' | 'subword' | 'byte';
  /** -1 for attention models without a CTC head. */
  readonly blank: number;
  /** What an attention or transducer decoder is fed before the first token. */
  readonly sos?: number;
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
  /** Mean log-probability: per frame of the path, or per token (eos included) of attention models. */
  readonly avgLogProb: number;
  /** 0..1 */
  readonly confidence: number;
  /** What the search ranked by: natural logarithm, language model, boosts and division for length included. */
  readonly score: number;
  /** Of the best one of a CTC model whose package rejects by it: mean natural logarithm for a unit of the language model. */
  readonly languageLogProb?: number;
}

/** A word or phrase to listen for (or, with a negative weight, to avoid). */
export interface HotWord {
  readonly phrase: string;
  /** Natural logarithm that each match is worth; Coqui's own decoder adds it to the language model's score instead. */
  readonly weight: number;
}

export interface DecodeOptions {
  readonly beamWidth?: number;
  /** How many hypotheses to return, best first. */
  readonly alternatives?: number;
  readonly hotWords?: readonly HotWord[];
  /** Weight of the language model, in place of the package's. */
  readonly lmAlpha?: number;
  /** Bonus for each unit of the language model, in place of the package's. */
  readonly lmBeta?: number;
}

export interface CtcDecoder {
  readonly name: string;
  /** Best first; at least one (possibly of empty text) even for zero frames. */
  decode(logProbs: LogProbs, options?: DecodeOptions): DecodedHypothesis[];
  /**
   * Begins an utterance whose frames come piece by piece. Any number of them may be under way at once.
   * @param settleFrames what the best text has begun with for so long holds, and is stable; a search that holds one text only
   * needs none
   * @throws MalgwiError invalid_field
   */
  begin(options?: DecodeOptions, settleFrames?: number): CtcUtterance;
}

/** What can be said of an utterance that is not over. */
export interface PartialText {
  readonly text: string;
  /** So many leading characters of `text`, whole words, begin every later text of this utterance. */
  readonly stable: number;
}

/** An utterance whose frames come piece by piece. */
export interface CtcUtterance {
  /**
   * Takes the next frames. The matrix is kept: it must not be changed.
   * @throws MalgwiError inference_failed
   */
  push(logProbs: LogProbs): void;
  /**
   * What `look` sees with further frames taken in. The utterance itself stays as it is.
   * @throws MalgwiError inference_failed
   */
  peek<T>(logProbs: LogProbs, look: () => T): T;
  /**
   * Nothing is changed by asking. Within `peek` the frames that only it sees make nothing stable.
   * @param ahead further frames, for this text alone; what they say is soon replaced, so a search may look at them with less care
   * @throws MalgwiError inference_failed
   */
  partial(ahead?: LogProbs): PartialText;
  /** The hypotheses for what has come, best first, at least one. Nothing is changed by asking: more may follow. */
  finish(alternatives?: number): DecodedHypothesis[];
}

/** What one decoder step gives for `n` hypotheses at once. */
export interface StepResult<S> {
  /** Row-major [n, classes], natural logarithms. */
  readonly logProbs: Float32Array;
  readonly states: readonly S[];
  /** Row-major [n, frames]: where in the encoder's output each step looked, for models that can tell. */
  readonly attention?: Float32Array;
}

/**
 * The decoder of an attention model (LAS, Transformer) over one encoded utterance, as the searches see it. States are
 * values: a step never changes the ones that it was given, so hypotheses may share them.
 */
export interface AttentionScorer<S = unknown> {
  readonly classes: number;
  /** Encoder frames of the utterance. */
  readonly frames: number;
  /** Before the first token. */
  initial(): S;
  /** Feeds one token to each hypothesis. */
  step(states: readonly S[], tokens: readonly number[]): Promise<StepResult<S>>;
  /** Says that the states which one step gave are not used any more, so that their memory can be. */
  release?(states: readonly S[]): void;
}

/** A transducer (Graves 2012) over one encoded utterance, as the searches see it. States are values. */
export interface TransducerScorer<S = unknown> {
  readonly classes: number;
  readonly frames: number;
  initial(): S;
  /** The prediction network: feeds one token to each hypothesis. */
  predict(states: readonly S[], tokens: readonly number[]): Promise<readonly S[]>;
  /** The joint network for pairs of an encoder frame and a state: row-major [n, classes], natural logarithms. */
  join(frames: readonly number[], states: readonly S[]): Promise<Float32Array>;
}
