import { createWriteStream } from 'node:fs';
import type { Stats } from 'node:fs';
import { copyFile, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MalgwiError } from '../../errors.js';
import type { LocalFile, ObjectStorage, PutOptions, StoredObject } from '../contract.js';
import { untilClosed } from '../until-closed.js';
import { ByteCounter } from '../count.js';
import { checkFolder, checkKey } from '../keys.js';
import { checkFree } from './free.js';
import { removeStale, temporaryName } from './temporary.js';

export interface LocalStorageOptions {
  readonly dir: string;
  /** Bytes of the disk that stay free: the machine needs them for other things. */
  readonly keepFreeBytes: number;
}

const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;
const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';

/**
 * Objects as files of one folder, readable by this user only. A file is written under a name that is no key, brought to the
 * disk, and renamed: whenever the power goes, an object is there whole or not at all.
 */
export class LocalStorage implements ObjectStorage {
  readonly adapter = 'local';

  private constructor(private readonly options: LocalStorageOptions) {}

  /**
   * Makes the folder, and removes what writers that are no longer running left unfinished.
   * @throws MalgwiError config_invalid: the configured place cannot hold it
   */
  static async open(options: LocalStorageOptions): Promise<LocalStorage> {
    try {
      await mkdir(options.dir, { recursive: true, mode: 0o700 });
      for await (const entry of await opendir(options.dir))
        if (entry.isDirectory()) await removeStale(join(options.dir, entry.name));
    } catch (error) {
      throw new MalgwiError('config_invalid', {
        detail: `The folder of stored files (MALGWI_DATA_DIR) cannot be used: ${codeOf(error) ?? 'unknown reason'}.`,
        cause: error,
      });
    }
    return new LocalStorage(options);
  }

  async put(key: string, source: Readable, options: PutOptions = {}): Promise<StoredObject> {
    return this.#write(key, async (path) => {
      const counter = new ByteCounter(options.maxBytes, () => this.reserve(0));
      // `flush` brings the data to the disk before the file is closed.
      const sink = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
      const { signal } = options;
      try {
        await pipeline(source, counter, sink, signal === undefined ? {} : { signal });
      } catch (error) {
        await untilClosed(sink);
        throw signal?.aborted === true ? signal.reason : error;
      } finally {
        source.destroy();
      }
    });
  }

  async adopt(key: string, path: string): Promise<StoredObject> {
    const stored = await this.#write(key, async (temporary) => {
      try {
        await rename(path, temporary);
      } catch (error) {
        if (codeOf(error) !== 'EXDEV') throw error;
        await copyFile(path, temporary);
      }
      const file = await open(temporary, 'r+');
      try {
        await file.chmod(0o600);
        await file.sync();
      } finally {
        await file.close();
      }
    });
    await rm(path, { force: true });
    return stored;
  }

  async head(key: string): Promise<StoredObject | undefined> {
    const path = this.#path(key);
    const found = await this.#try(() => stat(path));
    return found === undefined ? undefined : described(key, found);
  }

  async get(key: string, range?: { readonly first: number; readonly last?: number }): Promise<Readable> {
    const path = this.#path(key);
    const file = await this.#try(() => open(path, 'r'));
    if (file === undefined) throw new MalgwiError('object_not_found');
    return streamOf(file, range);
  }

  async open(key: string): Promise<LocalFile> {
    const found = await this.head(key);
    if (found === undefined) throw new MalgwiError('object_not_found');
    return { path: this.#path(key), bytes: found.bytes, release: async () => undefined };
  }

  async remove(key: string): Promise<void> {
    const path = this.#path(key);
    await this.#try(() => rm(path, { force: true }));
  }

  async *list(folder: string): AsyncIterable<StoredObject> {
    checkFolder(folder);
    const place = join(this.options.dir, folder);
    const entries = await this.#try(() => opendir(place));
    if (entries === undefined) return;
    for await (const { name } of entries) {
      if (name.startsWith('.')) continue;
      // Between reading its name and looking at it, it may have been removed.
      const found = await this.#try(() => stat(join(place, name)));
      if (found?.isFile()) yield described(`${folder}/${name}`, found);
    }
  }

  async reserve(bytes: number): Promise<void> {
    await checkFree(this.options.dir, bytes, this.options.keepFreeBytes);
  }

  #path(key: string): string {
    checkKey(key);
    return join(this.options.dir, key);
  }

  /** Whatever fails, nothing stays behind. */
  async #write(key: string, fill: (path: string) => Promise<void>): Promise<StoredObject> {
    const path = this.#path(key);
    const folder = dirname(path);
    const temporary = join(folder, temporaryName());
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await fill(temporary);
      const found = await stat(temporary);
      await rename(temporary, path);
      await syncFolder(folder);
      return described(key, found);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw asStorageError(error);
    }
  }

  /** @returns nothing where there is no such file */
  async #try<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw asStorageError(error);
    }
  }
}

function streamOf(file: FileHandle, range?: { readonly first: number; readonly last?: number }): Readable {
  return file.createReadStream({
    ...(range === undefined ? {} : { start: range.first }),
    ...(range?.last === undefined ? {} : { end: range.last }),
  });
}

const described = (key: string, { size, mtimeMs }: Stats): StoredObject => ({
  key,
  bytes: size,
  modifiedAt: mtimeMs,
});

/** A rename is on the disk when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const unavailable = (cause: unknown): MalgwiError => new MalgwiError('storage_unavailable', { cause });

/** What the disk says gets its code; what the source of the bytes failed with stays as it is. */
function asStorageError(error: unknown): unknown {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new MalgwiError('storage_full', { cause: error });
  const ofFile = error instanceof Error && 'syscall' in error && ('path' in error || code === 'EIO');
  return ofFile ? unavailable(error) : error;
}
