import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { MalgwiError } from '../errors.js';

/** Random access to bytes, in pieces the reader chooses. No read is ever larger than the reader asked for. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** Up to `length` bytes at `position`; shorter only at the end of the source. The array belongs to the caller. */
  read(position: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Largest single read: keeps a hostile length field from becoming an allocation. */
export const MAX_READ = 1 << 20;

class FileSource implements ByteSource {
  readonly #handle: FileHandle;
  readonly size: number;
  #closed = false;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const wanted = Math.max(0, Math.min(length, MAX_READ, this.size - position));
    const bytes = new Uint8Array(wanted);
    let filled = 0;
    while (filled < wanted) {
      const { bytesRead } = await this.#handle.read(bytes, filled, wanted - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === wanted ? bytes : bytes.subarray(0, filled);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#handle.close();
  }
}

/**
 * Opens a regular file for reading.
 * @throws MalgwiError missing_file when it cannot be opened or is no regular file (the message holds no path)
 */
export async function openFileSource(path: string): Promise<ByteSource> {
  let handle: FileHandle;
  try {
    handle = await open(path, 'r');
  } catch (cause) {
    throw new MalgwiError('missing_file', { detail: 'The audio file cannot be opened.', cause });
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new MalgwiError('missing_file', { detail: 'The audio file is not a regular file.' });
    return new FileSource(handle, stat.size);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A window of another source, as a source of its own. Closing it closes the whole. */
export function sliceSource(source: ByteSource, start: number, end: number): ByteSource {
  const size = Math.max(0, Math.min(end, source.size) - start);
  return {
    size,
    read: (position, length) => source.read(start + position, Math.max(0, Math.min(length, size - position))),
    close: () => source.close(),
  };
}

/** The whole source in order, in pieces of at most `pieceBytes`. */
export async function* readAll(source: ByteSource, pieceBytes = 1 << 16): AsyncGenerator<Uint8Array> {
  for (let position = 0; position < source.size;) {
    const bytes = await source.read(position, pieceBytes);
    if (bytes.length === 0) return;
    position += bytes.length;
    yield bytes;
  }
}
