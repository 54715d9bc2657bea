export interface Emission {
  readonly id: number;
  /** Encoder frame that emitted it. */
  readonly frame: number;
  readonly logProb: number;
}

export interface TransducerResult {
  readonly emissions: readonly Emission[];
  /** What the search ranked by, natural logarithm. */
  readonly score: number;
  /** Log-probability of the one alignment that the emissions are of. */
  readonly pathLogProb: number;
}
