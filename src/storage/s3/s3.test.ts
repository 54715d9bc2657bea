/** The adapter against a server that speaks S3, in this process (s3rver). */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import S3rver from 's3rver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storageConformance } from '../conformance.js';
import type { StorageUnderTest } from '../conformance.js';
import { S3Storage } from './index.js';
import type { S3Options } from './index.js';

interface Bucket {
  readonly options: S3Options;
  readonly dir: string;
  close(): Promise<void>;
}

async function bucket(): Promise<Bucket> {
  const dir = await mkdtemp(join(tmpdir(), 'malgwi-s3-test-'));
  const server = new S3rver({
    port: 0,
    address: '127.0.0.1',
    silent: true,
    directory: join(dir, 'server'),
    configureBuckets: [{ name: 'jobs', configs: [] }],
  });
  const { port } = (await server.run()) as AddressInfo;
  return {
    dir,
    options: {
      bucket: 'jobs',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      prefix: 'malgwi/',
      cacheDir: join(dir, 'cache'),
      keepFreeBytes: 0,
      credentials: { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' },
    },
    close: async () => {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

storageConformance('s3', async (): Promise<StorageUnderTest> => {
  const { close, dir, options } = await bucket();
  return {
    storage: await S3Storage.open(options),
    ignoresRangeTo0: true,
    everything: async () =>
      (await readdir(dir, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && entry.name.endsWith('_object'))
        .map(({ name }) => name)
        .sort(),
    close,
  };
});

describe('s3', () => {
  let place: Bucket;
  let storage: S3Storage;
  beforeAll(async () => {
    place = await bucket();
    storage = await S3Storage.open(place.options);
  });
  afterAll(() => place.close());

  it('takes objects of several parts', async () => {
    const chunk = Buffer.alloc(2 ** 20, 'part');
    const source = Readable.from(Array.from({ length: 40 }, () => chunk));
    expect(await storage.put('audio/parts', source)).toMatchObject({ bytes: 40 * chunk.length });
    const last = await buffer(await storage.get('audio/parts', { first: 40 * chunk.length - 4 }));
    expect(last.toString()).toBe('part');
  });

  it('keeps no copy that was given back', async () => {
    await storage.put('audio/copy', Readable.from([Buffer.from('copy')]));
    const file = await storage.open('audio/copy');
    expect((await readdir(place.options.cacheDir)).length).toBe(1);
    await file.release();
    expect(await readdir(place.options.cacheDir)).toEqual([]);
    const full = await S3Storage.open({ ...place.options, keepFreeBytes: 2 ** 60 });
    await expect(full.open('audio/copy')).rejects.toMatchObject({ code: 'storage_full' });
    expect(await readdir(place.options.cacheDir)).toEqual([]);
  });

  it('says so when the bucket is not there, or nobody answers', async () => {
    await expect(S3Storage.open({ ...place.options, bucket: 'other' })).rejects.toMatchObject({
      code: 'config_invalid',
    });
    const other = await bucket();
    const lost = await S3Storage.open(other.options);
    await other.close();
    await expect(lost.head('audio/a')).rejects.toMatchObject({ code: 'storage_unavailable' });
    await expect(lost.put('audio/a', Readable.from([Buffer.from('a')]))).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
  });
});
