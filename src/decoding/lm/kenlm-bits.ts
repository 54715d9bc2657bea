import type { ByteReader } from './contract.js';

const bits32 = new Uint32Array(1);
const float32 = new Float32Array(bits32.buffer);

/** Bits needed for numbers up to `max`. */
export function requiredBits(max: number): number {
  let bits = 0;
  for (let rest = max; rest >= 1; rest = Math.floor(rest / 2)) bits++;
  return bits;
}

/**
 * An unsigned number of `width` bits (at most 53), least significant bit first, at any bit of the file. Reads eight
 * bytes where KenLM does, so the padding behind its tables is enough.
 */
export function readBits(reader: ByteReader, start: number, bit: number, width: number): number {
  if (width <= 32) return readBits32(reader, start, bit, width);
  const low = readBits32(reader, start, bit, 32);
  return readBits32(reader, start, bit + 32, width - 32) * 0x100000000 + low;
}

/** The float32 whose sign is known to be minus, in 31 bits. */
export function readNonPositiveFloat(reader: ByteReader, start: number, bit: number): number {
  bits32[0] = readBits32(reader, start, bit, 31) | 0x80000000;
  return float32[0];
}

export function readFloat(reader: ByteReader, start: number, bit: number): number {
  bits32[0] = readBits32(reader, start, bit, 32);
  return float32[0];
}

function readBits32(reader: ByteReader, start: number, bit: number, width: number): number {
  if (width === 0) return 0;
  const byte = Math.floor(bit / 8);
  const shift = bit - byte * 8;
  let value = reader.u32(start + byte);
  if (shift > 0) {
    value >>>= shift;
    if (shift + width > 32) value |= reader.u8(start + byte + 4) << (32 - shift);
  }
  return width === 32 ? value >>> 0 : (value & ((1 << width) - 1)) >>> 0;
}
