import { MalgwiError } from '../../errors.js';
import { ByteQueue } from './byte-queue.js';

/** A track entry of WebM or Matroska (RFC 9559, 5.1.4). */
export interface WebmTrack {
  number: number;
  /** 1 video, 2 audio. */
  type: number;
  /** `A_OPUS` and so on. */
  codecId: string;
  codecPrivate: Uint8Array | undefined;
  sampleRate: number;
  channels: number;
  /** Compressed or encrypted frames. */
  encoded: boolean;
}

export interface WebmFrame {
  readonly track: number;
  readonly data: Uint8Array;
  /** Nanoseconds to drop at the end of the frame. */
  readonly discardNs: number;
}

const ID = {
  Ebml: 0x1a45dfa3,
  Segment: 0x18538067,
  Info: 0x1549a966,
  TimestampScale: 0x2ad7b1,
  Duration: 0x4489,
  Tracks: 0x1654ae6b,
  TrackEntry: 0xae,
  TrackNumber: 0xd7,
  TrackType: 0x83,
  CodecId: 0x86,
  CodecPrivate: 0x63a2,
  ContentEncodings: 0x6d80,
  Audio: 0xe1,
  SamplingFrequency: 0xb5,
  Channels: 0x9f,
  Cluster: 0x1f43b675,
  SimpleBlock: 0xa3,
  BlockGroup: 0xa0,
  Block: 0xa1,
  DiscardPadding: 0x75a2,
} as const;

/** Entered as if their children stood in their place, which is also how elements of unknown size are read. */
const MASTERS = new Set<number>([
  ID.Segment,
  ID.Info,
  ID.Tracks,
  ID.TrackEntry,
  ID.Audio,
  ID.Cluster,
  ID.BlockGroup,
]);
const LEAVES = new Set<number>([
  ID.TimestampScale,
  ID.Duration,
  ID.TrackNumber,
  ID.TrackType,
  ID.CodecId,
  ID.CodecPrivate,
  ID.ContentEncodings,
  ID.SamplingFrequency,
  ID.Channels,
  ID.SimpleBlock,
  ID.Block,
  ID.DiscardPadding,
]);
/** Audio blocks are a few kilobytes; a video keyframe may be larger, and is skipped all the same. */
const MAX_LEAF = 1 << 20;
const MAX_TRACKS = 64;

/** Length of the variable-size integer that begins with this byte (RFC 8794, 4); 0 for an invalid one. */
const vintLength = (first: number): number => (first === 0 ? 0 : Math.clz32(first) - 23);

function unsigned(data: Uint8Array): number {
  let value = 0;
  for (const byte of data) value = value * 256 + byte;
  return value;
}

function float(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return data.length === 4 ? view.getFloat32(0) : data.length === 8 ? view.getFloat64(0) : 0;
}

function signed(data: Uint8Array): number {
  if (data.length === 0 || data.length > 6) return 0;
  const value = unsigned(data);
  return data[0] & 0x80 ? value - 2 ** (8 * data.length) : value;
}

/**
 * Reads a WebM byte stream in any split and gives out frames as soon as their block is complete. A general demuxer
 * waits for the end of a cluster, which in a live recording may be half a minute away.
 */
export class WebmParser {
  readonly #queue = new ByteQueue(2 * MAX_LEAF + (1 << 16));
  readonly tracks: WebmTrack[] = [];
  #skip = 0;
  #position = 0;
  #segmentEnd = 0;
  #pending: { track: number; frames: Uint8Array[]; discardNs: number } | undefined;
  #timestampScale = 1_000_000;
  #duration = 0;
  /** A cluster has begun: all tracks are known. */
  started = false;

  get durationSeconds(): number | undefined {
    const seconds = (this.#duration * this.#timestampScale) / 1e9;
    return Number.isFinite(seconds) && seconds > 0 ? seconds : undefined;
  }

  /** Whether the bytes so far stop within an element, or before the end that the segment announced. */
  get cut(): boolean {
    return this.#skip > 0 || this.#queue.length > 0 || this.#position < this.#segmentEnd;
  }

  /** @throws MalgwiError audio_corrupt */
  push(bytes: Uint8Array): WebmFrame[] {
    const frames: WebmFrame[] = [];
    for (let at = 0; at < bytes.length;) {
      const piece = bytes.subarray(at, at + (1 << 16));
      at += piece.length;
      const skipped = Math.min(this.#skip, piece.length);
      this.#skip -= skipped;
      this.#position += skipped;
      if (skipped < piece.length) this.#queue.push(piece.subarray(skipped));
      while (this.#readElement(frames));
    }
    return frames;
  }

  /** The block that still waited for its group to end. */
  flush(): WebmFrame[] {
    const frames: WebmFrame[] = [];
    this.#emit(frames);
    return frames;
  }

  #readElement(frames: WebmFrame[]): boolean {
    if (this.#skip > 0) return false;
    const held = this.#queue.peek();
    if (held.length < 2) return false;
    const idLength = vintLength(held[0]);
    if (idLength === 0 || idLength > 4) throw damaged();
    if (held.length < idLength + 1) return false;
    const sizeLength = vintLength(held[idLength]);
    if (sizeLength === 0) throw damaged();
    const headerLength = idLength + sizeLength;
    if (held.length < headerLength) return false;
    const id = unsigned(held.subarray(0, idLength));
    const sizeBytes = held.slice(idLength, headerLength);
    sizeBytes[0] &= 0xff >> sizeLength;
    const unknown = sizeBytes.every((byte, i) => byte === (i === 0 ? 0xff >> sizeLength : 0xff));
    const size = unsigned(sizeBytes);

    if (MASTERS.has(id)) {
      this.#take(headerLength);
      this.#enter(id, unknown ? undefined : size, frames);
      return true;
    }
    if (unknown || !Number.isSafeInteger(size)) throw damaged();
    if (!LEAVES.has(id) || size > MAX_LEAF) {
      const there = Math.min(size, held.length - headerLength);
      this.#take(headerLength + there);
      this.#skip = size - there;
      return true;
    }
    if (held.length < headerLength + size) return false;
    this.#leaf(id, this.#take(headerLength + size).subarray(headerLength), frames);
    return true;
  }

  #take(count: number): Uint8Array {
    this.#position += count;
    return this.#queue.take(count);
  }

  #enter(id: number, size: number | undefined, frames: WebmFrame[]): void {
    if (id === ID.Segment && size !== undefined) this.#segmentEnd = this.#position + size;
    if (id === ID.Cluster) this.started = true;
    if (id === ID.Cluster || id === ID.BlockGroup) this.#emit(frames);
    if (id === ID.TrackEntry) {
      if (this.tracks.length >= MAX_TRACKS) throw damaged();
      this.tracks.push({
        number: 0,
        type: 0,
        codecId: '',
        codecPrivate: undefined,
        sampleRate: 8000,
        channels: 1,
        encoded: false,
      });
    }
  }

  #leaf(id: number, data: Uint8Array, frames: WebmFrame[]): void {
    const track = this.tracks.at(-1);
    if (id === ID.SimpleBlock || id === ID.Block) {
      this.#emit(frames);
      this.#pending = readBlock(data);
      if (id === ID.SimpleBlock) this.#emit(frames);
    } else if (id === ID.DiscardPadding) {
      if (this.#pending !== undefined) this.#pending.discardNs = Math.max(0, signed(data));
    } else if (id === ID.TimestampScale) this.#timestampScale = unsigned(data);
    else if (id === ID.Duration) this.#duration = float(data);
    else if (track === undefined) return;
    else if (id === ID.TrackNumber) track.number = unsigned(data);
    else if (id === ID.TrackType) track.type = unsigned(data);
    else if (id === ID.CodecId)
      track.codecId = String.fromCharCode(...data.subarray(0, 64)).replace(/\0+$/, '');
    else if (id === ID.CodecPrivate) track.codecPrivate = data.slice();
    else if (id === ID.SamplingFrequency) track.sampleRate = Math.round(float(data));
    else if (id === ID.Channels) track.channels = unsigned(data);
    else if (id === ID.ContentEncodings) track.encoded = true;
  }

  #emit(frames: WebmFrame[]): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    this.#pending = undefined;
    pending.frames.forEach((data, i) => {
      const discardNs = i === pending.frames.length - 1 ? pending.discardNs : 0;
      frames.push({ track: pending.track, data, discardNs });
    });
  }
}

function damaged(): MalgwiError {
  return new MalgwiError('audio_corrupt', { detail: 'The WebM data is damaged.' });
}

/** Track number, timestamp, flags, then the frames as the lacing bits say (RFC 9559, 10). */
function readBlock(data: Uint8Array): { track: number; frames: Uint8Array[]; discardNs: number } {
  const length = vintLength(data[0] ?? 0);
  if (length === 0 || data.length < length + 3) throw damaged();
  const number = data.slice(0, length);
  number[0] &= 0xff >> length;
  const track = unsigned(number);
  const lacing = (data[length + 2] >> 1) & 3;
  const body = data.subarray(length + 3);
  return { track, frames: lacing === 0 ? [body] : readLaces(body, lacing), discardNs: 0 };
}

function readLaces(body: Uint8Array, lacing: number): Uint8Array[] {
  if (body.length === 0) throw damaged();
  const count = body[0] + 1;
  const sizes: number[] = [];
  let at = 1;
  const vint = (): { value: number; length: number } => {
    const length = vintLength(body[at] ?? 0);
    if (length === 0 || length > 6 || at + length > body.length) throw damaged();
    const bytes = body.slice(at, at + length);
    bytes[0] &= 0xff >> length;
    at += length;
    return { value: unsigned(bytes), length };
  };
  if (lacing === 1) {
    for (let i = 0; i < count - 1; i++) {
      let size = 0;
      let byte: number;
      do {
        if (at >= body.length) throw damaged();
        byte = body[at++];
        size += byte;
      } while (byte === 255);
      sizes.push(size);
    }
  } else if (lacing === 3) {
    for (let i = 0; i < count - 1; i++) {
      const { value, length } = vint();
      sizes.push(i === 0 ? value : sizes[i - 1] + value - (2 ** (7 * length - 1) - 1));
    }
  } else {
    const each = (body.length - 1) / count;
    if (!Number.isInteger(each)) throw damaged();
    for (let i = 0; i < count - 1; i++) sizes.push(each);
  }
  const used = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.some((size) => size < 0) || at + used > body.length) throw damaged();
  sizes.push(body.length - at - used);
  return sizes.map((size) => body.subarray(at, (at += size)));
}
