import { DataStore, ERRORS, Upload } from '@tus/utils';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MalgwiError } from '../errors.js';
import { ByteCounter } from '../storage/count.js';
import { LocalStorage } from '../storage/local/index.js';
import { UploadRecords } from './records.js';
import type { UploadRecord } from './records.js';

export interface PartialOptions {
  readonly dir: string;
  readonly keepFreeBytes: number;
  readonly expiryMs: number;
}

/** Who begins an upload is not in the protocol: it travels in this field, which clients cannot set. */
export const OWNER = Symbol('owner');
export type OwnedUpload = Upload & { readonly [OWNER]?: string };

/**
 * Unfinished uploads: a file that grows and a record of what it is to become, on this machine whatever the storage is. What was
 * acknowledged is on the disk. Knows nothing of what becomes of complete ones.
 */
export class PartialUploads extends DataStore {
  readonly records: UploadRecords;

  private constructor(
    private readonly local: LocalStorage,
    private readonly options: PartialOptions,
  ) {
    super();
    this.extensions = ['creation', 'creation-with-upload', 'termination', 'expiration'];
    this.records = new UploadRecords(local, 'records');
  }

  /** @throws MalgwiError config_invalid */
  static async open(options: PartialOptions): Promise<PartialUploads> {
    const { dir, keepFreeBytes } = options;
    const local = await LocalStorage.open({ dir, keepFreeBytes });
    await mkdir(join(dir, 'bytes'), { recursive: true, mode: 0o700 });
    return new PartialUploads(local, options);
  }

  path(id: string): string {
    return join(this.options.dir, 'bytes', id);
  }

  /** Bytes that are there; nothing where there is no such upload. */
  async received(id: string): Promise<number | undefined> {
    return (await stat(this.path(id)).catch(() => undefined))?.size;
  }

  override async create(upload: OwnedUpload): Promise<Upload> {
    const size = upload.size ?? 0;
    await this.local.reserve(size);
    // The record first: bytes without a record would be nobody's.
    await this.records.write({
      id: upload.id,
      owner: upload[OWNER] ?? '',
      size,
      metadata: upload.metadata ?? {},
      createdAt: Date.now(),
    });
    await writeFile(this.path(upload.id), '', { flag: 'wx', mode: 0o600 });
    return upload;
  }

  override async write(source: Readable, id: string, offset: number): Promise<number> {
    const counter = new ByteCounter(Infinity, () => this.local.reserve(0));
    const sink = createWriteStream(this.path(id), { flags: 'r+', start: offset, flush: true });
    try {
      await pipeline(source, counter, sink);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        throw new MalgwiError('storage_full', { cause: error });
      throw error;
    } finally {
      // Whoever gets the lock next must not meet a write that is still under way.
      if (!sink.closed) await once(sink, 'close').catch(() => undefined);
    }
    return offset + sink.bytesWritten;
  }

  override async getUpload(id: string): Promise<Upload> {
    const record = await this.records.read(id);
    const offset = await this.received(id);
    if (record === undefined || offset === undefined) throw ERRORS.FILE_NOT_FOUND;
    return asUpload(record, offset);
  }

  override async remove(id: string): Promise<void> {
    await rm(this.path(id), { force: true });
    await this.records.remove(id);
  }

  override getExpiration(): number {
    return this.options.expiryMs;
  }
}

export const asUpload = (record: UploadRecord, offset: number): Upload =>
  new Upload({
    id: record.id,
    size: record.size,
    offset,
    metadata: { ...record.metadata },
    creation_date: new Date(record.createdAt).toISOString(),
  });
