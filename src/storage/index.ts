import { join } from 'node:path';
import type { Config } from '../config.js';
import type { ObjectStorage } from './contract.js';
import { LocalStorage } from './local/index.js';

/**
 * The storage that the configuration asks for.
 * @throws MalgwiError config_invalid: it cannot be used
 */
export async function openStorage(config: Pick<Config, 'data' | 'storage'>): Promise<ObjectStorage> {
  return LocalStorage.open({
    dir: join(config.data.dir, 'objects'),
    keepFreeBytes: config.storage.keepFreeBytes,
  });
}
