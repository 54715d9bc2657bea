import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { MalgwiError } from '../../errors.js';
import type { LocalFile, ObjectStorage, PutOptions, StoredObject } from '../contract.js';
import { untilClosed } from '../until-closed.js';
import { ByteCounter } from '../count.js';
import { checkFolder, checkKey } from '../keys.js';
import { checkFree } from '../local/free.js';
import { removeStale, temporaryName } from '../local/temporary.js';

export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Of a service that speaks S3; Amazon's without it. */
  readonly endpoint?: string;
  /** Before every key: several services may share a bucket. */
  readonly prefix: string;
  /** For copies of objects that are worked on. */
  readonly cacheDir: string;
  /** Of the disk that the copies lie on. */
  readonly keepFreeBytes: number;
  /** The SDK's own search (environment, profile, role of the machine) without them. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** In 10,000 parts, the most there may be, this makes 160 GB. Two at a time is what an upload takes of the memory. */
const PART_BYTES = 16 * 2 ** 20;
const PARTS_AT_A_TIME = 2;

/** Objects of an S3 bucket. An object appears when all of it has arrived; code that needs a path gets a copy. */
export class S3Storage implements ObjectStorage {
  readonly adapter = 's3';

  private constructor(
    private readonly client: S3Client,
    private readonly options: S3Options,
  ) {}

  /**
   * Looks whether the bucket is there, and removes copies that processes which are gone left behind.
   * @throws MalgwiError config_invalid
   */
  static async open(options: S3Options): Promise<S3Storage> {
    const { bucket, cacheDir, credentials, endpoint, region } = options;
    const client = new S3Client({
      region,
      ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
      // Services that speak S3 do not all know the newer checksums.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
    });
    try {
      await mkdir(cacheDir, { recursive: true, mode: 0o700 });
      await removeStale(cacheDir);
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
    } catch (error) {
      client.destroy();
      throw new MalgwiError('config_invalid', {
        detail: `The bucket of stored files (MALGWI_STORAGE_BUCKET) cannot be used: ${(error as Error).name}.`,
        cause: error,
      });
    }
    return new S3Storage(client, options);
  }

  async put(key: string, source: Readable, { maxBytes, signal }: PutOptions = {}): Promise<StoredObject> {
    const counter = new ByteCounter(maxBytes);
    const upload = new Upload({
      client: this.client,
      params: { ...this.#place(key), Body: counter },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_A_TIME,
      leavePartsOnError: false,
    });
    const flow = pipeline(source, counter, signal === undefined ? {} : { signal });
    flow.catch(() => undefined);
    const abort = (): void => void upload.abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      if (signal?.aborted === true) throw signal.reason;
      await upload.done();
      await flow;
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      // Where the source failed, that is why the upload failed.
      throw counter.errored ?? asStorageError(error);
    } finally {
      signal?.removeEventListener('abort', abort);
      source.destroy();
      counter.destroy();
    }
    return { key, bytes: counter.bytes, modifiedAt: Date.now() };
  }

  async adopt(key: string, path: string): Promise<StoredObject> {
    checkKey(key);
    const stored = await this.put(key, createReadStream(path));
    await rm(path, { force: true });
    return stored;
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const place = this.#place(key);
    try {
      const { ContentLength = 0, LastModified } = await this.client.send(new HeadObjectCommand(place));
      return { key, bytes: ContentLength, modifiedAt: LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw asStorageError(error);
    }
  }

  async get(key: string, range?: { readonly first: number; readonly last?: number }): Promise<Readable> {
    const place = this.#place(key);
    const wanted = range === undefined ? {} : { Range: `bytes=${range.first}-${range.last ?? ''}` };
    try {
      const { Body } = await this.client.send(new GetObjectCommand({ ...place, ...wanted }));
      return Body as Readable;
    } catch (error) {
      throw isMissing(error) ? new MalgwiError('object_not_found') : asStorageError(error);
    }
  }

  async open(key: string, signal?: AbortSignal): Promise<LocalFile> {
    const source = await this.get(key);
    const path = join(this.options.cacheDir, temporaryName());
    const release = (): Promise<void> => rm(path, { force: true });
    const free = (): Promise<void> => checkFree(this.options.cacheDir, 0, this.options.keepFreeBytes);
    try {
      await free();
      const sink = createWriteStream(path, { flags: 'wx', mode: 0o600 });
      try {
        await pipeline(source, new ByteCounter(Infinity, free), sink, signal === undefined ? {} : { signal });
      } finally {
        await untilClosed(sink);
      }
      return { path, bytes: (await stat(path)).size, release };
    } catch (error) {
      source.destroy();
      await release();
      if (signal?.aborted === true) throw signal.reason;
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        throw new MalgwiError('storage_full', { cause: error });
      throw asStorageError(error);
    }
  }

  async remove(key: string): Promise<void> {
    const place = this.#place(key);
    try {
      await this.client.send(new DeleteObjectCommand(place));
    } catch (error) {
      if (!isMissing(error)) throw asStorageError(error);
    }
  }

  async *list(folder: string): AsyncIterable<StoredObject> {
    checkFolder(folder);
    const { bucket, prefix } = this.options;
    let from: string | undefined;
    do {
      const page = await this.client
        .send(
          new ListObjectsV2Command({
            Bucket: bucket,
            Prefix: `${prefix}${folder}/`,
            ...(from === undefined ? {} : { ContinuationToken: from }),
          }),
        )
        .catch((error: unknown) => {
          throw asStorageError(error);
        });
      for (const { Key = '', LastModified, Size = 0 } of page.Contents ?? [])
        yield { key: Key.slice(prefix.length), bytes: Size, modifiedAt: LastModified?.getTime() ?? 0 };
      from = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (from !== undefined);
  }

  /** A bucket has room; what is worked on here is checked when it is copied. */
  async reserve(): Promise<void> {
    await Promise.resolve();
  }

  #place(key: string): { readonly Bucket: string; readonly Key: string } {
    checkKey(key);
    return { Bucket: this.options.bucket, Key: `${this.options.prefix}${key}` };
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && ['NoSuchKey', 'NotFound'].includes(error.name);

const asStorageError = (error: unknown): MalgwiError =>
  error instanceof MalgwiError ? error : new MalgwiError('storage_unavailable', { cause: error });
