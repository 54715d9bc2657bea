/**
 * Where audio and results lie: a folder on this machine, or a bucket that several machines share. Every adapter passes
 * storage/conformance.ts.
 */
import type { Readable } from 'node:stream';

export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface PutOptions {
  readonly signal?: AbortSignal;
  /** Beyond it the object is refused, and nothing of it stays. */
  readonly maxBytes?: number;
}

/** A file of this machine that holds an object's bytes, for code that needs a path; gone, where it is a copy, after `release`. */
export interface LocalFile {
  readonly path: string;
  readonly bytes: number;
  release(): Promise<void>;
}

/**
 * Keys are `folder/name` of lower-case letters, digits, `-`, `_` and `.`; anything else is refused, so that no key of a client's
 * making can leave the place. An object is there whole or not at all.
 */
export interface ObjectStorage {
  readonly adapter: 'local' | 's3';
  /**
   * Streams an object in; memory does not grow with its size.
   * @throws MalgwiError file_too_large | storage_full | storage_unavailable
   */
  put(key: string, source: Readable, options?: PutOptions): Promise<StoredObject>;
  /**
   * Takes over a file of this machine that is complete; it is gone from its place afterwards.
   * @throws MalgwiError storage_full | storage_unavailable
   */
  adopt(key: string, path: string): Promise<StoredObject>;
  head(key: string): Promise<StoredObject | undefined>;
  /**
   * @param range bytes, the last one included
   * @throws MalgwiError object_not_found
   */
  get(key: string, range?: { readonly first: number; readonly last?: number }): Promise<Readable>;
  /** @throws MalgwiError object_not_found | storage_full */
  open(key: string, signal?: AbortSignal): Promise<LocalFile>;
  /** Whether it was there or not. */
  remove(key: string): Promise<void>;
  /** All objects of a folder, in no order. */
  list(folder: string): AsyncIterable<StoredObject>;
  /**
   * Refuses what will not fit, before a byte of it is taken.
   * @throws MalgwiError storage_full
   */
  reserve(bytes: number): Promise<void>;
}
