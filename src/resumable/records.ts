import { json } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { MalgwiError } from '../errors.js';
import type { ObjectStorage } from '../storage/contract.js';

/** What is known of an upload beside its bytes. */
export interface UploadRecord {
  readonly id: string;
  readonly owner: string;
  /** Bytes in all. */
  readonly size: number;
  /** As the client sent them. */
  readonly metadata: Readonly<Record<string, string | null>>;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
}

/** Small JSON files in a folder of a storage. */
export class UploadRecords {
  constructor(
    private readonly storage: ObjectStorage,
    private readonly folder: string,
  ) {}

  async write(record: UploadRecord): Promise<void> {
    await this.storage.put(this.#key(record.id), Readable.from([Buffer.from(JSON.stringify(record))]));
  }

  async read(id: string): Promise<UploadRecord | undefined> {
    try {
      return (await json(await this.storage.get(this.#key(id)))) as UploadRecord;
    } catch (error) {
      if (error instanceof MalgwiError && error.code === 'object_not_found') return undefined;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await this.storage.remove(this.#key(id));
  }

  async *ids(): AsyncIterable<{ readonly id: string; readonly modifiedAt: number }> {
    for await (const { key, modifiedAt } of this.storage.list(this.folder)) {
      const id = /\/([0-9a-f]{32})\.json$/.exec(key)?.[1];
      if (id !== undefined) yield { id, modifiedAt };
    }
  }

  #key(id: string): string {
    return `${this.folder}/${id}.json`;
  }
}
