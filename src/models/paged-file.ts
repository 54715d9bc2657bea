/** Files too large for the heap, read a page at a time. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteReader } from '../decoding/lm/contract.js';
import { combine, outside } from '../decoding/lm/bytes.js';
import { MalgwiError } from '../errors.js';

export interface PagedFileOptions {
  /** Default 64 KiB; a file of up to 16 MiB is one page where nothing else is asked for. */
  readonly pageBytes?: number;
  /** How much of the file is held at most. Default 32 MiB. */
  readonly cacheBytes?: number;
}

/** A file no larger than this is one page: random access comes to all of its pages soon. */
const WHOLE_BYTES = 16 << 20;

/**
 * Random access to a file of any size in bounded memory: pages are read when they are needed and kept while they are
 * used (second chance, Corbató 1968). Reads block, as inference does: this belongs into worker threads.
 */
export class PagedFile implements ByteReader {
  readonly length: number;
  private descriptor: number;
  private readonly pageBytes: number;
  /** Page to frame, plus one; 0 where it is not held. */
  private readonly frameOf: Uint32Array;
  private readonly frames: DataView<ArrayBuffer>[] = [];
  private readonly pageOf: number[] = [];
  private readonly recent: boolean[] = [];
  private readonly maxFrames: number;
  private hand = 0;
  /** The page of the last access. */
  private current = -1;
  private view = new DataView(new ArrayBuffer(0));
  private readonly scratch = new DataView(new ArrayBuffer(8));

  /** @throws MalgwiError model_file_missing when there is no such file, or it cannot be read */
  constructor(path: string, options: PagedFileOptions = {}) {
    this.descriptor = openFile(path);
    try {
      const status = fstatSync(this.descriptor);
      if (!status.isFile()) throw new MalgwiError('model_file_missing', { detail: 'The language model is not a file.' });
      this.length = status.size;
    } catch (error) {
      this.close();
      throw error;
    }
    const pageBytes = this.length <= WHOLE_BYTES ? this.length : 1 << 16;
    this.pageBytes = Math.max(8, options.pageBytes ?? pageBytes);
    this.maxFrames = Math.max(2, Math.floor((options.cacheBytes ?? 32 << 20) / this.pageBytes));
    this.frameOf = new Uint32Array(Math.ceil(this.length / this.pageBytes));
  }

  /** Bytes of the file in memory. */
  get held(): number {
    return this.frames.reduce((sum, frame) => sum + frame.byteLength, 0);
  }

  close(): void {
    if (this.descriptor < 0) return;
    closeSync(this.descriptor);
    this.descriptor = -1;
    this.frames.length = 0;
    this.current = -1;
  }

  u8(offset: number): number {
    const at = this.seek(offset, 1);
    return this.view.getUint8(at);
  }

  u16(offset: number): number {
    const at = this.seek(offset, 2);
    return at < 0 ? this.scratch.getUint16(0, true) : this.view.getUint16(at, true);
  }

  u32(offset: number): number {
    const at = this.seek(offset, 4);
    return at < 0 ? this.scratch.getUint32(0, true) : this.view.getUint32(at, true);
  }

  i32(offset: number): number {
    const at = this.seek(offset, 4);
    return at < 0 ? this.scratch.getInt32(0, true) : this.view.getInt32(at, true);
  }

  u64(offset: number): number {
    return combine(this.u32(offset + 4), this.u32(offset));
  }

  big64(offset: number): bigint {
    const at = this.seek(offset, 8);
    return at < 0 ? this.scratch.getBigUint64(0, true) : this.view.getBigUint64(at, true);
  }

  f32(offset: number): number {
    const at = this.seek(offset, 4);
    return at < 0 ? this.scratch.getFloat32(0, true) : this.view.getFloat32(at, true);
  }

  f64(offset: number): number {
    const at = this.seek(offset, 8);
    return at < 0 ? this.scratch.getFloat64(0, true) : this.view.getFloat64(at, true);
  }

  bytes(offset: number, length: number): Uint8Array {
    this.check(offset, length);
    const result = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const page = Math.floor((offset + done) / this.pageBytes);
      this.load(page);
      const from = offset + done - page * this.pageBytes;
      const count = Math.min(length - done, this.pageBytes - from);
      result.set(new Uint8Array(this.view.buffer, from, count), done);
      done += count;
    }
    return result;
  }

  /** Makes `view` the page of `offset` and returns the place in it, or copies to `scratch` and returns -1. */
  private seek(offset: number, length: number): number {
    this.check(offset, length);
    const page = Math.floor(offset / this.pageBytes);
    if (page !== this.current) this.load(page);
    const at = offset - page * this.pageBytes;
    if (at + length <= this.pageBytes) return at;
    for (let i = 0; i < length; i++) this.scratch.setUint8(i, this.u8(offset + i));
    return -1;
  }

  private check(offset: number, length: number): void {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.length)) outside();
  }

  private load(page: number): void {
    let frame = this.frameOf[page] - 1;
    if (frame < 0) {
      frame = this.frames.length < this.maxFrames ? this.grow(page) : this.evict();
      this.read(page, frame);
      this.pageOf[frame] = page;
      this.frameOf[page] = frame + 1;
    }
    this.recent[frame] = true;
    this.view = this.frames[frame];
    this.current = page;
  }

  private grow(page: number): number {
    this.pageOf.push(page);
    this.recent.push(true);
    return this.frames.push(new DataView(new ArrayBuffer(this.pageBytes))) - 1;
  }

  private evict(): number {
    while (this.recent[this.hand]) {
      this.recent[this.hand] = false;
      this.hand = (this.hand + 1) % this.frames.length;
    }
    const frame = this.hand;
    this.hand = (frame + 1) % this.frames.length;
    this.frameOf[this.pageOf[frame]] = 0;
    return frame;
  }

  private read(page: number, frame: number): void {
    const start = page * this.pageBytes;
    const wanted = Math.min(this.pageBytes, this.length - start);
    const { buffer } = this.frames[frame];
    for (let done = 0; done < wanted;) {
      const got = this.readSome(new Uint8Array(buffer, done, wanted - done), start + done);
      if (got === 0) failRead('The language model was changed while it was in use.');
      done += got;
    }
  }

  private readSome(into: Uint8Array, position: number): number {
    this.current = -1; // whatever goes wrong, no half-read page is taken for the last one
    if (this.descriptor < 0) failRead('The language model is closed.');
    try {
      return readSync(this.descriptor, into, 0, into.length, position);
    } catch (cause) {
      return failRead('The language model cannot be read.', cause);
    }
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new MalgwiError('model_file_missing', { detail: 'The language model cannot be opened.', cause });
  }
}

function failRead(detail: string, cause?: unknown): never {
  throw new MalgwiError('model_file_mismatch', { detail, cause });
}
