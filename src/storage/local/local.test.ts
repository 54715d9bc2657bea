import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { storageConformance } from '../conformance.js';
import { LocalStorage } from './index.js';
import { temporaryName } from './temporary.js';

const folders: string[] = [];
const fresh = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'malgwi-local-test-'));
  folders.push(dir);
  return dir;
};
const remove = (dir: string): Promise<void> => rm(dir, { recursive: true, force: true });

storageConformance('local', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'malgwi-local-test-'));
  const storage = await LocalStorage.open({ dir: join(dir, 'objects'), keepFreeBytes: 0 });
  return {
    storage,
    everything: async () =>
      (await readdir(dir, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile())
        .map(({ name }) => name)
        .sort(),
    close: () => remove(dir),
  };
});

describe('local storage', () => {
  afterEach(async () => {
    await Promise.all(folders.splice(0).map(remove));
  });

  it('is readable by its user only', async () => {
    const dir = join(await fresh(), 'objects');
    const storage = await LocalStorage.open({ dir, keepFreeBytes: 0 });
    await storage.put('audio/a', Readable.from([Buffer.from('a')]));
    expect((await stat(dir)).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'audio'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(dir, 'audio/a'))).mode & 0o777).toBe(0o600);
  });

  it('keeps some of the disk free', async () => {
    const dir = await fresh();
    const { bavail, bsize } = await statfs(dir);
    const storage = await LocalStorage.open({ dir, keepFreeBytes: 2 ** 20 });
    await expect(storage.reserve(bavail * bsize)).rejects.toMatchObject({ code: 'storage_full' });
    const full = await LocalStorage.open({ dir, keepFreeBytes: bavail * bsize * 2 });
    await expect(full.reserve(0)).rejects.toMatchObject({ code: 'storage_full' });
  });

  it('notices while it writes that the disk runs full, and keeps nothing', async () => {
    const dir = await fresh();
    const { bavail, bsize } = await statfs(dir);
    const storage = await LocalStorage.open({ dir, keepFreeBytes: bavail * bsize * 2 });
    const chunk = Buffer.alloc(2 ** 20);
    const endless = Readable.from(
      (function* () {
        for (;;) yield chunk;
      })(),
    );
    await expect(storage.put('audio/endless', endless)).rejects.toMatchObject({ code: 'storage_full' });
    expect(await readdir(join(dir, 'audio'))).toEqual([]);
  });

  it('removes what writers that are gone left unfinished, and nothing else', async () => {
    const dir = await fresh();
    const storage = await LocalStorage.open({ dir, keepFreeBytes: 0 });
    await storage.put('audio/object', Readable.from([Buffer.from('a')]));
    const own = temporaryName();
    const [, host, pid, run] = /^\.tmp-(\w+)-(\d+)-(\w+)-/.exec(own)!;
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const names = {
      own,
      dead: own.replace(`-${pid}-`, `-${dead}-`),
      formerLife: own.replace(`-${run}-`, `-${run === '00000000' ? '11111111' : '00000000'}-`),
      elsewhere: own.replace(host, '00000000').replace(`-${pid}-`, `-${dead}-`),
      longElsewhere: own.replace(host, '00000001'),
    };
    for (const name of Object.values(names)) await writeFile(join(dir, 'audio', name), 'x');
    await utimes(join(dir, 'audio', names.longElsewhere), 1, 1);
    await LocalStorage.open({ dir, keepFreeBytes: 0 });
    expect((await readdir(join(dir, 'audio'))).sort()).toEqual(['object', names.own, names.elsewhere].sort());
  });

  it('says so when its folder cannot be made', async () => {
    const dir = await fresh();
    await writeFile(join(dir, 'file'), '');
    await expect(LocalStorage.open({ dir: join(dir, 'file'), keepFreeBytes: 0 })).rejects.toMatchObject({
      code: 'config_invalid',
    });
  });
});
