import { MalgwiError } from '../../errors.js';
import type { ByteReader } from './contract.js';

/** A file that is wholly in memory. */
export class MemoryReader implements ByteReader {
  readonly length: number;
  private readonly view: DataView;

  constructor(private readonly data: Uint8Array) {
    this.length = data.length;
    this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  }

  u8(offset: number): number {
    return this.view.getUint8(this.at(offset, 1));
  }

  u16(offset: number): number {
    return this.view.getUint16(this.at(offset, 2), true);
  }

  u32(offset: number): number {
    return this.view.getUint32(this.at(offset, 4), true);
  }

  i32(offset: number): number {
    return this.view.getInt32(this.at(offset, 4), true);
  }

  u64(offset: number): number {
    return combine(this.u32(offset + 4), this.u32(offset));
  }

  big64(offset: number): bigint {
    return this.view.getBigUint64(this.at(offset, 8), true);
  }

  f32(offset: number): number {
    return this.view.getFloat32(this.at(offset, 4), true);
  }

  f64(offset: number): number {
    return this.view.getFloat64(this.at(offset, 8), true);
  }

  bytes(offset: number, length: number): Uint8Array {
    this.at(offset, length);
    return this.data.slice(offset, offset + length);
  }

  private at(offset: number, length: number): number {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.length)) outside();
    return offset;
  }
}

/**
 * An unsigned 64-bit number of two halves.
 * @throws MalgwiError manifest_invalid above 2^53
 */
export function combine(high: number, low: number): number {
  if (high > 0x1fffff) invalid('a number in it is larger than 2^53');
  return high * 0x100000000 + low;
}

/** What every {@link ByteReader} answers to a read beyond the end. */
export function outside(): never {
  return invalid('it ends before what its header announces');
}

/** @param what what is wrong with the file of a language model */
export function invalid(what: string): never {
  throw new MalgwiError('manifest_invalid', {
    param: 'languageModel',
    detail: `The language model: ${what}.`,
  });
}
