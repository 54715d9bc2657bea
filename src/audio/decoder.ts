import type { AudioInfo } from './contract.js';

/** What a format's decoder gives out: one array per channel (equal lengths), nominally within [-1, 1]. */
export interface DecodedBlock {
  readonly channels: readonly Float32Array[];
  /** Hz; may change between blocks (chained files). */
  readonly sampleRate: number;
}

/** One opened file in one format. */
export interface FormatDecoder {
  readonly info: AudioInfo;
  /**
   * Decodes in order, on demand; a block holds at most about one second.
   * Errors other than MalgwiError mean that the data could not be decoded.
   */
  blocks(): AsyncIterable<DecodedBlock>;
  /** Frees wasm memory. Safe more than once. */
  close(): void;
}
