/** What every storage adapter must do. Imported by one test file for each. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MalgwiError } from '../errors.js';
import type { ObjectStorage, StoredObject } from './contract.js';

export interface StorageUnderTest {
  readonly storage: ObjectStorage;
  /** Names of whatever lies in the place, unfinished things included. */
  everything(): Promise<string[]>;
  /** The server behind it, not the adapter, takes a range that ends at byte 0 for everything. */
  readonly ignoresRangeTo0?: boolean;
  close(): Promise<void>;
}

const CHUNK = Buffer.alloc(64 * 1024, 'malgwi');

/** Bytes that come in pieces, as from a socket. */
const pieces = (count: number, failure?: Error): Readable =>
  Readable.from(
    (function* () {
      for (let index = 0; index < count; index += 1) yield CHUNK;
      if (failure !== undefined) throw failure;
    })(),
    { objectMode: false },
  );

async function collect(objects: AsyncIterable<StoredObject>): Promise<StoredObject[]> {
  const all: StoredObject[] = [];
  for await (const object of objects) all.push(object);
  return all;
}

const failing = async (action: Promise<unknown>): Promise<unknown> =>
  action.then(
    () => 'nothing was thrown',
    (error: unknown) => (error instanceof MalgwiError ? error.code : error),
  );

export function storageConformance(name: string, start: () => Promise<StorageUnderTest>): void {
  describe(`storage: ${name}`, () => {
    let place: StorageUnderTest;
    let storage: ObjectStorage;
    let folder: string;
    beforeAll(async () => {
      place = await start();
      ({ storage } = place);
      folder = await mkdtemp(join(tmpdir(), 'malgwi-storage-test-'));
    });
    afterAll(async () => {
      await place?.close();
      await rm(folder, { recursive: true, force: true });
    });

    it('gives back what was put in', async () => {
      const before = Date.now();
      const stored = await storage.put('audio/first', pieces(20));
      expect(stored).toMatchObject({ key: 'audio/first', bytes: 20 * CHUNK.length });
      expect(Math.abs(stored.modifiedAt - before)).toBeLessThan(60_000);
      const bytes = await buffer(await storage.get('audio/first'));
      expect(bytes.equals(Buffer.concat(Array.from({ length: 20 }, () => CHUNK)))).toBe(true);
      expect(await storage.head('audio/first')).toMatchObject({ key: 'audio/first', bytes: bytes.length });
    });

    it('holds an object of no bytes', async () => {
      expect(await storage.put('audio/empty', Readable.from([]))).toMatchObject({ bytes: 0 });
      expect((await buffer(await storage.get('audio/empty'))).length).toBe(0);
    });

    it('replaces an object as a whole', async () => {
      await storage.put('results/twice.json', Readable.from([Buffer.from('a longer first one')]));
      await storage.put('results/twice.json', Readable.from([Buffer.from('second')]));
      expect((await buffer(await storage.get('results/twice.json'))).toString()).toBe('second');
    });

    it('gives ranges, the last byte included', async () => {
      await storage.put('audio/range', Readable.from([Buffer.from('0123456789')]));
      const read = async (first: number, last?: number): Promise<string> =>
        (
          await buffer(await storage.get('audio/range', last === undefined ? { first } : { first, last }))
        ).toString();
      if (place.ignoresRangeTo0 !== true) expect(await read(0, 0)).toBe('0');
      expect(await read(1, 1)).toBe('1');
      expect(await read(3, 5)).toBe('345');
      expect(await read(7)).toBe('789');
      expect(await read(8, 9)).toBe('89');
    });

    it('says that an object is not there', async () => {
      expect(await storage.head('audio/none')).toBeUndefined();
      expect(await failing(storage.get('audio/none'))).toBe('object_not_found');
      expect(await failing(storage.open('audio/none'))).toBe('object_not_found');
      await storage.remove('audio/none');
    });

    it('removes', async () => {
      await storage.put('audio/gone', pieces(1));
      await storage.remove('audio/gone');
      await storage.remove('audio/gone');
      expect(await storage.head('audio/gone')).toBeUndefined();
    });

    it('lists a folder, and nothing of another', async () => {
      await storage.put('lists/a', pieces(1));
      await storage.put('lists/b.json', pieces(2));
      await storage.put('lists-2/c', pieces(1));
      const all = await collect(storage.list('lists'));
      expect(all.map(({ key, bytes }) => [key, bytes]).sort()).toEqual([
        ['lists/a', CHUNK.length],
        ['lists/b.json', 2 * CHUNK.length],
      ]);
      expect(await collect(storage.list('nothing-here'))).toEqual([]);
    });

    it('gives a path to the bytes', async () => {
      await storage.put('audio/path', Readable.from([Buffer.from('by path')]));
      const file = await storage.open('audio/path');
      expect(file.bytes).toBe(7);
      expect(await readFile(file.path, 'utf8')).toBe('by path');
      await file.release();
      await file.release();
      expect(await storage.head('audio/path')).toBeDefined();
    });

    it('takes a file over', async () => {
      const path = join(folder, 'complete');
      await writeFile(path, 'complete');
      expect(await storage.adopt('audio/adopted', path)).toMatchObject({ key: 'audio/adopted', bytes: 8 });
      expect((await buffer(await storage.get('audio/adopted'))).toString()).toBe('complete');
      await expect(stat(path)).rejects.toThrow('ENOENT');
    });

    it('refuses more bytes than were allowed, and keeps nothing of them', async () => {
      const before = await place.everything();
      expect(await failing(storage.put('audio/large', pieces(400), { maxBytes: 399 * CHUNK.length }))).toBe(
        'file_too_large',
      );
      expect(await storage.head('audio/large')).toBeUndefined();
      expect(await place.everything()).toEqual(before);
      await storage.put('audio/exact', pieces(2), { maxBytes: 2 * CHUNK.length });
    });

    it('keeps nothing of a source that fails', async () => {
      const before = await place.everything();
      const failure = new Error('the line went dead');
      expect(await failing(storage.put('audio/broken', pieces(200, failure)))).toBe(failure);
      expect(await place.everything()).toEqual(before);
    });

    it('keeps the old object when its replacement fails', async () => {
      await storage.put('audio/kept', Readable.from([Buffer.from('old')]));
      await failing(storage.put('audio/kept', pieces(200, new Error('no'))));
      expect((await buffer(await storage.get('audio/kept'))).toString()).toBe('old');
    });

    it('stops at the signal, with its reason', async () => {
      const before = await place.everything();
      const controller = new AbortController();
      const endless = new Readable({ read: () => undefined });
      endless.push(CHUNK);
      const put = failing(storage.put('audio/stopped', endless, { signal: controller.signal }));
      setTimeout(() => controller.abort(new MalgwiError('cancelled')), 50);
      expect(await put).toBe('cancelled');
      expect(endless.destroyed).toBe(true);
      const late = failing(storage.put('audio/stopped', pieces(1), { signal: controller.signal }));
      expect(await late).toBe('cancelled');
      expect(await place.everything()).toEqual(before);
    });

    it.each([
      '',
      'audio',
      '/audio/a',
      'audio/',
      'audio/../a',
      'audio/..',
      '../audio',
      'audio/.hidden',
      'audio/a/b',
      'Audio/a',
      'audio/ä',
      'audio/a b',
      'audio/a\0',
      'audio/a\n',
      'audio\\a',
      `audio/${'a'.repeat(200)}`,
    ])('refuses the key %j', async (key) => {
      expect(await failing(storage.put(key, pieces(1)))).toBe('invalid_field');
      expect(await failing(storage.get(key))).toBe('invalid_field');
      expect(await failing(storage.head(key))).toBe('invalid_field');
      expect(await failing(storage.open(key))).toBe('invalid_field');
      expect(await failing(storage.remove(key))).toBe('invalid_field');
      expect(await failing(storage.adopt(key, join(folder, 'x')))).toBe('invalid_field');
    });

    it('refuses folders that are none', async () => {
      for (const name_ of ['..', '.', '', 'a/b', '/']) {
        expect(await failing(collect(storage.list(name_)))).toBe('invalid_field');
      }
    });

    it('has room for a little', async () => {
      await storage.reserve(1024);
    });

    it('holds many at a time', async () => {
      const keys = Array.from({ length: 24 }, (_, index) => `many/object-${index}`);
      await Promise.all(keys.map((key, index) => storage.put(key, pieces(1 + (index % 3)))));
      expect((await collect(storage.list('many'))).map(({ key }) => key).sort()).toEqual([...keys].sort());
    });
  });
}
