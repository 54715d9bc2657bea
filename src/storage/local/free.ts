import { statfs } from 'node:fs/promises';
import { MalgwiError } from '../../errors.js';

/**
 * Refuses what would leave too little of a disk.
 * @throws MalgwiError storage_full | storage_unavailable
 */
export async function checkFree(dir: string, bytes: number, keepFreeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dir).catch((cause: unknown) => {
    throw new MalgwiError('storage_unavailable', { cause });
  });
  if (bavail * bsize - bytes < keepFreeBytes) throw new MalgwiError('storage_full');
}
