/** Back-off n-gram language models (Katz 1987; Heafield 2011), from whichever file they come. */

/**
 * Random access to the bytes of a file that need not be in memory. All numbers are little-endian, all offsets in
 * bytes. Reading beyond the end throws MalgwiError manifest_invalid: the file is not what its header says.
 */
export interface ByteReader {
  readonly length: number;
  u8(offset: number): number;
  u16(offset: number): number;
  u32(offset: number): number;
  i32(offset: number): number;
  /** @throws MalgwiError manifest_invalid also above 2^53 */
  u64(offset: number): number;
  /** All 64 bits, for hashes and bit fields. */
  big64(offset: number): bigint;
  f32(offset: number): number;
  f64(offset: number): number;
  /** A copy. */
  bytes(offset: number, length: number): Uint8Array;
}

/** The last words of a hypothesis as the model's ids, oldest first, at most order - 1 of them. A value. */
export type NgramState = readonly number[];

export interface NgramScore {
  /** log10 P(word | state) */
  readonly logProb: number;
  readonly state: NgramState;
  /** The word is not in the model's vocabulary: `logProb` is that of <unk>. */
  readonly unknown: boolean;
}

export interface NgramModel {
  readonly order: number;
  /** Words in the vocabulary, <unk> included. */
  readonly size: number;
  /** Id of a word (or of whatever the model's unit is); 0 for one that the model does not know. */
  index(word: string): number;
  /** After <s>. */
  begin(): NgramState;
  /** Nothing known of what came before. */
  empty(): NgramState;
  /** @param word an id of this model; 0 scores as <unk> */
  score(state: NgramState, word: number): NgramScore;
}
