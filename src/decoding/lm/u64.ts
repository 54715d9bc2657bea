/** Unsigned 64-bit arithmetic on two 32-bit halves: several times faster than BigInt, and nothing is allocated. */
export class U64 {
  high = 0;
  low = 0;

  set(high: number, low: number): void {
    this.high = high >>> 0;
    this.low = low >>> 0;
  }

  xor(high: number, low: number): void {
    this.high = (this.high ^ high) >>> 0;
    this.low = (this.low ^ low) >>> 0;
  }

  /** x ^= x >> bits, for 32 <= bits < 64 */
  xorShift(bits: number): void {
    this.low = (this.low ^ (this.high >>> (bits - 32))) >>> 0;
  }

  /** Modulo 2^64. The low halves are multiplied in parts of 16 bits, whose products are exact. */
  multiply(high: number, low: number): void {
    const a0 = this.low & 0xffff;
    const a1 = this.low >>> 16;
    const b0 = low & 0xffff;
    const b1 = low >>> 16;
    const p00 = a0 * b0;
    const p01 = a0 * b1;
    const p10 = a1 * b0;
    const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
    const carry = a1 * b1 + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16);
    this.high = (carry + Math.imul(this.high, low) + Math.imul(this.low, high)) >>> 0;
    this.low = ((middle << 16) | (p00 & 0xffff)) >>> 0;
  }

  /** @param divisor below 2^37, so that each step stays exact */
  modulo(divisor: number): number {
    let rest = this.high % divisor;
    rest = (rest * 0x10000 + (this.low >>> 16)) % divisor;
    return (rest * 0x10000 + (this.low & 0xffff)) % divisor;
  }
}

const M_HIGH = 0xc6a4a793;
const M_LOW = 0x5bd1e995;
const word = new U64();

/** MurmurHash64A (Austin Appleby, public domain) with seed 0, as KenLM hashes words. */
export function murmurHash64(bytes: Uint8Array, hash: U64): void {
  const { length } = bytes;
  hash.set(0, length);
  hash.multiply(M_HIGH, M_LOW);
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    word.set(le32(bytes, at + 4), le32(bytes, at));
    word.multiply(M_HIGH, M_LOW);
    word.xorShift(47);
    word.multiply(M_HIGH, M_LOW);
    hash.xor(word.high, word.low);
    hash.multiply(M_HIGH, M_LOW);
  }
  if (at < length) {
    hash.xor(le32(bytes, at + 4), le32(bytes, at));
    hash.multiply(M_HIGH, M_LOW);
  }
  hash.xorShift(47);
  hash.multiply(M_HIGH, M_LOW);
  hash.xorShift(47);
}

/** Bytes beyond the end count as zero. */
function le32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] ?? 0) |
    ((bytes[at + 1] ?? 0) << 8) |
    ((bytes[at + 2] ?? 0) << 16) |
    ((bytes[at + 3] ?? 0) << 24)
  );
}
