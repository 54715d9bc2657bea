import { NO_LABEL } from './prefix.js';
import type { Prefix } from './prefix.js';

const LABEL_BITS = 16;

/**
 * Sorts prefixes by descending score, then by label, then as they come: as 64-bit numbers, which engines sort several
 * times faster than they call a comparison. Written as halves, the low one first.
 */
export class Ranking {
  private readonly keys: BigUint64Array;
  private readonly halves: Uint32Array;
  private readonly float = new Float32Array(1);
  private readonly bits = new Uint32Array(this.float.buffer);

  /** @param limit of prefixes, at most 65535 */
  constructor(limit: number) {
    this.keys = new BigUint64Array(limit);
    this.halves = new Uint32Array(this.keys.buffer);
  }

  /** Also tells each prefix its rank. */
  sort(prefixes: readonly Prefix[]): Prefix[] {
    const { halves, keys, float, bits } = this;
    const { length } = prefixes;
    for (let i = 0; i < length; i++) {
      const { character, score } = prefixes[i];
      const label = character === NO_LABEL ? (1 << LABEL_BITS) - 1 : character;
      float[0] = score;
      // The order of floats is that of their bits, backwards below zero.
      halves[2 * i + 1] = bits[0] >>> 31 === 1 ? bits[0] : ~(bits[0] | 0x80000000);
      halves[2 * i] = (label << LABEL_BITS) | i;
    }
    keys.subarray(0, length).sort();
    const sorted: Prefix[] = new Array<Prefix>(length);
    for (let rank = 0; rank < length; rank++) {
      const prefix = prefixes[halves[2 * rank] & ((1 << LABEL_BITS) - 1)];
      prefix.rank = rank;
      sorted[rank] = prefix;
    }
    return sorted;
  }
}
