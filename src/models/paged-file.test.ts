import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { MemoryReader } from '../decoding/lm/bytes.js';
import { KenlmModel } from '../decoding/lm/kenlm.js';
import type { MalgwiError } from '../errors.js';
import { PagedFile } from './paged-file.js';

const directory = mkdtempSync(join(tmpdir(), 'malgwi-paged-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const MEBIBYTE = 1 << 20;

/** 5 MiB that differ everywhere: more than one page of any size. */
function largeFile(name: string): { path: string; bytes: Uint8Array } {
  const words = new Uint32Array((5 * MEBIBYTE) / 4);
  for (let i = 0, x = 1; i < words.length; i++) words[i] = x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
  const bytes = new Uint8Array(words.buffer);
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return { path, bytes };
}

describe('paged file', () => {
  it('reads what is there, across pages too, with few pages in memory', () => {
    const { path, bytes } = largeFile('large');
    const file = new PagedFile(path, { pageBytes: 4096, cacheBytes: 8 * 4096 });
    const memory = new MemoryReader(bytes);
    const offsets = fc.oneof(
      fc.nat(bytes.length - 8),
      fc.tuple(fc.integer({ min: 1, max: 1279 }), fc.integer({ min: -8, max: 0 })).map(([page, d]) => page * 4096 + d),
    );
    fc.assert(
      fc.property(offsets, (offset) => {
        for (const name of ['u8', 'u16', 'u32', 'i32', 'f32', 'f64', 'big64'] as const) {
          expect(file[name](offset)).toEqual(memory[name](offset));
        }
        expect(file.bytes(offset, 8)).toEqual(memory.bytes(offset, 8));
      }),
      { seed: 1, numRuns: 2000 },
    );
    expect(file.bytes(100, 20_000)).toEqual(memory.bytes(100, 20_000));
    expect(file.held).toBe(8 * 4096);
    file.close();
  });

  it('refuses what is outside', () => {
    const { path, bytes } = largeFile('outside');
    const file = new PagedFile(path);
    for (const offset of [-1, bytes.length - 3, NaN, 2 ** 60]) {
      expect(() => file.u32(offset)).toThrow(/ends before/);
    }
    expect(() => file.bytes(0, 2 ** 40)).toThrow(/ends before/);
    file.close();
  });

  it('says when the file is gone, is no file, was cut or is closed', () => {
    const code = (run: () => unknown): string => {
      try {
        run();
      } catch (error) {
        return (error as MalgwiError).code;
      }
      return 'none';
    };
    expect(code(() => new PagedFile(join(directory, 'nothing')))).toBe('model_file_missing');
    expect(code(() => new PagedFile(directory))).toBe('model_file_missing');
    const { path } = largeFile('cut');
    const file = new PagedFile(path);
    truncateSync(path, 100);
    expect(code(() => file.u32(4 * MEBIBYTE))).toBe('model_file_mismatch');
    file.close();
    file.close();
    expect(code(() => file.u32(0))).toBe('model_file_mismatch');
  });

  it('answers queries on a language model of 1.2 GB within 32 MiB', () => {
    const path = join(directory, 'huge.bin');
    const size = sparseTrie(path);
    expect(size).toBeGreaterThan(1.2e9);
    const before = process.memoryUsage();
    const file = new PagedFile(path);
    const model = new KenlmModel(file);
    let state = model.begin();
    for (let i = 0; i < 3000; i++) ({ state } = model.score(state, model.index(`말${String(i)}`)));
    for (let i = 0; i < 3000; i++) model.score([], 1 + ((i * 2_654_435) % (model.size - 1)));
    const after = process.memoryUsage();
    expect(file.held).toBeGreaterThan(30 * MEBIBYTE);
    expect(file.held).toBeLessThanOrEqual(32 * MEBIBYTE);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(36 * MEBIBYTE);
    expect(after.heapUsed - before.heapUsed).toBeLessThan(64 * MEBIBYTE);
    file.close();
  });
});

/** A trie of 2 million words whose tables are a hole in the file: it takes no room on the disk. Returns its length. */
function sparseTrie(path: string): number {
  const fixture = readFileSync(join(import.meta.dirname, '../../test/fixtures/coqui/scorers/ko_cpns.trie.bin'));
  const header = new Uint8Array(fixture.subarray(0, 0x90));
  const view = new DataView(header.buffer);
  const counts = [2_000_000, 30_000_000, 40_000_000, 40_000_000];
  counts.forEach((count, n) => {
    view.setBigUint64(0x6c + 8 * n, BigInt(count), true);
  });
  const bits = (max: number): number => Math.floor(Math.log2(max)) + 1;
  const packed = (n: number, entryBits: number): number => Math.floor(((1 + counts[n]) * entryBits + 7) / 8) + 8;
  const word = bits(counts[0]);
  const size =
    0x90 +
    8 + 8 * counts[0] +
    16 * (counts[0] + 2) +
    packed(1, word + 63 + bits(counts[2])) +
    packed(2, word + 63 + bits(counts[3])) +
    packed(3, word + 31);
  const words = new Uint8Array(8);
  new DataView(words.buffer).setBigUint64(0, BigInt(counts[0] - 1), true);
  const descriptor = openSync(path, 'w');
  writeSync(descriptor, header, 0, header.length, 0);
  writeSync(descriptor, words, 0, 8, header.length);
  ftruncateSync(descriptor, size);
  closeSync(descriptor);
  return size;
}
