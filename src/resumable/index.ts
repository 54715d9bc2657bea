import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ERRORS } from '@tus/utils';
import type { Upload } from '@tus/utils';
import { MalgwiError } from '../errors.js';
import type { ObjectStorage } from '../storage/contract.js';
import { asUpload, PartialUploads } from './partial.js';
import type { PartialOptions } from './partial.js';
import { UploadRecords } from './records.js';
import type { UploadRecord } from './records.js';

export interface ResumableOptions extends PartialOptions {
  /** Uploads that may be unfinished at a time. */
  readonly maxUnfinished: number;
}

/** A complete upload that a job may be made of. */
export interface ClaimedUpload {
  readonly key: string;
  readonly bytes: number;
  readonly metadata: UploadRecord['metadata'];
}

/** The one job that can be made of an upload. */
export const jobIdOfUpload = (id: string): string => `job_${id}`;
const audioKeyOf = (id: string): string => `audio/${jobIdOfUpload(id)}`;
export const isUploadId = (id: string): boolean => /^[0-9a-f]{32}$/.test(id);

/**
 * Uploads that may be broken off and gone on with, also after the service was started anew. Complete ones lie in the storage,
 * where the job that is made of them finds them; whatever the moment of a crash, an upload is either there as before, or
 * complete.
 */
export class ResumableUploads {
  readonly partial: PartialUploads;
  readonly #complete: UploadRecords;
  readonly #finishing = new Map<string, Promise<void>>();

  private constructor(
    partial: PartialUploads,
    private readonly storage: ObjectStorage,
    private readonly options: ResumableOptions,
  ) {
    this.partial = partial;
    this.#complete = new UploadRecords(storage, 'uploads');
  }

  /** @throws MalgwiError config_invalid */
  static async open(storage: ObjectStorage, options: ResumableOptions): Promise<ResumableUploads> {
    return new ResumableUploads(await PartialUploads.open(options), storage, options);
  }

  /** @throws MalgwiError queue_full */
  async admit(): Promise<void> {
    const names = await readdir(dirname(this.partial.path('x')));
    if (names.length >= this.options.maxUnfinished) throw new MalgwiError('queue_full', { retryAfter: 60 });
  }

  async ownerOf(id: string): Promise<string | undefined> {
    if (!isUploadId(id)) return undefined;
    return (await this.#recordOf(id))?.owner;
  }

  /** As the protocol asks: complete ones too, so that a client that lost the last answer learns of its luck. */
  async find(id: string): Promise<Upload> {
    const complete = await this.#complete.read(id);
    const received = await this.partial.received(id);
    if (received !== undefined) return this.partial.getUpload(id);
    if (complete === undefined) throw ERRORS.FILE_NOT_FOUND;
    return asUpload(complete, complete.size);
  }

  /** Moves a complete upload to the storage. May be called again after a crash, at whatever point that was. */
  async finish(id: string): Promise<void> {
    const running = this.#finishing.get(id) ?? this.#finish(id).finally(() => this.#finishing.delete(id));
    this.#finishing.set(id, running);
    await running;
  }

  async #finish(id: string): Promise<void> {
    const record = await this.partial.records.read(id);
    if (record === undefined) return;
    await this.#complete.write(record);
    if ((await this.partial.received(id)) !== undefined)
      await this.storage.adopt(audioKeyOf(id), this.partial.path(id));
    await this.partial.records.remove(id);
  }

  /** @throws MalgwiError upload_not_found | upload_incomplete */
  async claim(id: string): Promise<ClaimedUpload> {
    const unfinished = await this.partial.records.read(id);
    if (unfinished !== undefined) {
      const received = await this.partial.received(id);
      if (received !== undefined && received < unfinished.size) throw new MalgwiError('upload_incomplete');
      await this.finish(id);
    }
    const record = await this.#complete.read(id);
    const key = audioKeyOf(id);
    const stored = record === undefined ? undefined : await this.storage.head(key);
    if (record === undefined || stored === undefined) throw new MalgwiError('upload_not_found');
    return { key, bytes: stored.bytes, metadata: record.metadata };
  }

  /** The upload became a job: its audio is the job's now. */
  async used(id: string): Promise<void> {
    await this.#complete.remove(id);
  }

  /** Gives an upload up, complete or not. */
  async remove(id: string): Promise<void> {
    await this.partial.remove(id);
    if ((await this.#complete.read(id)) === undefined) return;
    await this.storage.remove(audioKeyOf(id));
    await this.#complete.remove(id);
  }

  /**
   * Removes what nobody went on with, and what nobody made a job of.
   * @param hasJob whether there is a job of this id
   */
  async sweep(hasJob: (id: string) => Promise<boolean>, now = Date.now()): Promise<void> {
    const before = now - this.options.expiryMs;
    for await (const { id, modifiedAt } of this.partial.records.ids())
      if (modifiedAt < before) await this.partial.remove(id);
    for await (const { id, modifiedAt } of this.#complete.ids()) {
      if (modifiedAt >= before) continue;
      if (await hasJob(jobIdOfUpload(id))) await this.used(id);
      else await this.remove(id);
    }
  }

  async #recordOf(id: string): Promise<UploadRecord | undefined> {
    return (await this.partial.records.read(id)) ?? (await this.#complete.read(id));
  }
}
