import { MalgwiError } from '../../errors.js';
import { ByteQueue } from './byte-queue.js';

/** One packet of one logical stream (RFC 3533). */
export interface OggPacket {
  readonly serial: number;
  readonly data: Uint8Array;
  /** The packet is the first of its logical stream. */
  readonly first: boolean;
  /** Position given by the page, in the codec's units, on the last packet that ends in a page; -1 means none. */
  readonly granule: number | undefined;
  /** The packet is the last of its logical stream. */
  readonly last: boolean;
}

const CAPTURE = [0x4f, 0x67, 0x67, 0x53];
const HEADER_BYTES = 27;
/** Largest page: header, 255 lacing values, 255 segments of 255 bytes. */
const MAX_PAGE = HEADER_BYTES + 255 + 255 * 255;
/** Larger packets (they would span 16 pages) are cover art at best. */
const MAX_PACKET = 16 * MAX_PAGE;
const MAX_STREAMS = 16;
/** Each costs a checksum over up to 64 kB and moves on by a byte: made-up pages would be gone through for minutes. */
const MAX_DAMAGED_PAGES = 100;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, i) => {
  let value = i << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x8000_0000 ? (value << 1) ^ 0x04c1_1db7 : value << 1;
  return value >>> 0;
});

/** RFC 3533: the checksum of the page with its own field taken as zero. */
function pageChecksum(page: Uint8Array): number {
  let crc = 0;
  for (let i = 0; i < page.length; i++) {
    const byte = i >= 22 && i < 26 ? 0 : page[i];
    crc = ((crc << 8) ^ CRC_TABLE[((crc >>> 24) ^ byte) & 0xff]) >>> 0;
  }
  return crc;
}

interface Partial {
  readonly parts: Uint8Array[];
  bytes: number;
}

/**
 * Cuts an Ogg bit stream, in any split, into packets. Pages whose checksum is wrong are dropped, garbage between
 * pages is skipped, chained and multiplexed streams are told apart by their serial number.
 */
export class OggParser {
  readonly #queue = new ByteQueue(4 * MAX_PAGE + (1 << 20));
  readonly #partial = new Map<number, Partial>();
  /** Serial numbers whose first packet is still to come. */
  readonly #fresh = new Set<number>();
  /** Pages dropped for a wrong checksum. */
  damagedPages = 0;

  /** Whether bytes of an unfinished page are held: at the end of a file it was cut. */
  get insidePage(): boolean {
    return this.#queue.length >= 4;
  }

  /** @throws MalgwiError audio_corrupt when damage does not end */
  push(bytes: Uint8Array): OggPacket[] {
    const packets: OggPacket[] = [];
    for (let at = 0; at < bytes.length; at += 1 << 19) {
      this.#queue.push(bytes.subarray(at, at + (1 << 19)));
      while (this.#readPage(packets));
    }
    return packets;
  }

  #readPage(packets: OggPacket[]): boolean {
    this.#seekCapture();
    const held = this.#queue.peek();
    if (held.length < HEADER_BYTES || held.length < HEADER_BYTES + held[26]) return false;
    const segments = held[26];
    let size = HEADER_BYTES + segments;
    for (let i = 0; i < segments; i++) size += held[HEADER_BYTES + i];
    if (held.length < size) return false;
    const view = new DataView(held.buffer, held.byteOffset, size);
    if (held[4] !== 0 || pageChecksum(held.subarray(0, size)) !== view.getUint32(22, true)) {
      if (++this.damagedPages > MAX_DAMAGED_PAGES) {
        throw new MalgwiError('audio_corrupt', { detail: 'Too many pages of the Ogg stream are damaged.' });
      }
      this.#queue.skip(1);
      return true;
    }
    this.#readPackets(this.#queue.take(size), view, packets);
    return true;
  }

  #seekCapture(): void {
    const held = this.#queue.peek();
    let at = 0;
    while (at < held.length && !CAPTURE.every((byte, i) => at + i >= held.length || held[at + i] === byte))
      at++;
    this.#queue.skip(at);
  }

  #readPackets(page: Uint8Array, view: DataView, packets: OggPacket[]): void {
    const flags = page[5];
    const continued = (flags & 1) !== 0;
    const serial = view.getUint32(14, true);
    const granule = Number(view.getBigInt64(6, true));
    if ((flags & 2) !== 0) {
      if (this.#partial.size >= MAX_STREAMS) this.#partial.clear();
      this.#partial.delete(serial);
      this.#fresh.add(serial);
    }
    if (!continued) this.#partial.delete(serial);
    const segments = page[26];
    let lastEnd = -1;
    for (let i = 0; i < segments; i++) if (page[HEADER_BYTES + i] < 255) lastEnd = i;
    let at = HEADER_BYTES + segments;
    // A continuation whose beginning was lost is skipped up to where it ends.
    let partial = this.#partial.get(serial);
    let skipping = continued && partial === undefined;
    for (let i = 0; i < segments; i++) {
      const size = page[HEADER_BYTES + i];
      if (!skipping) {
        partial ??= { parts: [], bytes: 0 };
        partial.parts.push(page.subarray(at, at + size));
        partial.bytes += size;
        if (partial.bytes > MAX_PACKET) {
          partial = undefined;
          skipping = true;
        }
      }
      at += size;
      if (size === 255) continue;
      if (partial !== undefined) {
        const first = this.#fresh.delete(serial);
        const ends = i === lastEnd;
        packets.push({
          serial,
          data: join(partial),
          first,
          granule: ends ? granule : undefined,
          last: ends && (flags & 4) !== 0,
        });
      }
      partial = undefined;
      skipping = false;
    }
    if (partial === undefined) this.#partial.delete(serial);
    else this.#partial.set(serial, partial);
  }
}

function join(partial: Partial): Uint8Array {
  if (partial.parts.length === 1) return partial.parts[0];
  const out = new Uint8Array(partial.bytes);
  let at = 0;
  for (const part of partial.parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
