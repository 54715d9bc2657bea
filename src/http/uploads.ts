import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { MalgwiError } from '../errors.js';
import { untilClosed } from '../storage/until-closed.js';

/** A file of its own in the private folder, gone after `remove`. */
export interface Upload {
  readonly path: string;
  readonly bytes: number;
  remove(): Promise<void>;
}

/**
 * Uploads while they are worked on: streamed to disk, in a folder that only this user can enter (mkdtemp makes it
 * 0700 under a name that cannot be foreseen), under names that owe nothing to the client.
 */
export class UploadStore {
  #folder: Promise<string> | undefined;
  #active = 0;

  constructor(
    private readonly dir: string,
    private readonly maxActive: number,
  ) {}

  /**
   * Makes the folder, and removes what services that are no longer running left behind.
   * @throws MalgwiError config_invalid: the configured place cannot hold it
   */
  async open(): Promise<void> {
    try {
      await mkdir(this.dir, { recursive: true, mode: 0o700 });
      await this.#removeStale();
      this.#folder = mkdtemp(join(this.dir, `malgwi-${process.pid}-`));
      await this.#folder;
    } catch (error) {
      this.#folder = undefined;
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw new MalgwiError('config_invalid', {
        detail: `The folder of uploads (MALGWI_UPLOAD_DIR) cannot be used: ${reason}.`,
        cause: error,
      });
    }
  }

  get active(): number {
    return this.#active;
  }

  /**
   * A place for one request, taken before its body is read.
   * @returns gives the place back (once)
   * @throws MalgwiError queue_full
   */
  reserve(): () => void {
    if (this.#active >= this.maxActive) throw new MalgwiError('queue_full', { retryAfter: 2 });
    this.#active += 1;
    let held = true;
    return () => {
      if (held) this.#active -= 1;
      held = false;
    };
  }

  /**
   * Streams `source` to a file; whatever fails, nothing stays behind.
   * @throws whatever the stream fails with
   */
  async save(source: Readable, signal: AbortSignal): Promise<Upload> {
    if (this.#folder === undefined) throw new Error('the upload folder was not opened');
    const path = join(await this.#folder, randomUUID());
    const remove = (): Promise<void> => rm(path, { force: true });
    const sink = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    try {
      await pipeline(source, sink, { signal });
    } catch (error) {
      await untilClosed(sink);
      await remove();
      throw error;
    }
    return { path, bytes: sink.bytesWritten, remove };
  }

  async close(): Promise<void> {
    if (this.#folder !== undefined) await rm(await this.#folder, { recursive: true, force: true });
  }

  async #removeStale(): Promise<void> {
    for (const name of await readdir(this.dir)) {
      const pid = Number(/^malgwi-(\d+)-\w{6}$/.exec(name)?.[1]);
      if (!Number.isInteger(pid) || pid < 2 || isAlive(pid)) continue;
      // Someone else's folder of this name refuses, which is right.
      await rm(join(this.dir, name), { recursive: true, force: true }).catch(() => undefined);
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
