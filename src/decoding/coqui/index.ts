/** The decoder of Coqui STT: alphabet, `.scorer` files, beam search. Pure code, no I/O. */
export { alphabetOfTokens, bytesAlphabet, parseAlphabet } from './alphabet.js';
export type { CoquiAlphabet } from './alphabet.js';
export { CoquiDecoder } from './decoder.js';
export type { CoquiDecoderOptions } from './decoder.js';
export { CoquiScorer } from './scorer.js';
export type { ScorerWeights } from './scorer.js';
