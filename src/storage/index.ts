import { join } from 'node:path';
import type { Config } from '../config.js';
import type { ObjectStorage } from './contract.js';
import { LocalStorage } from './local/index.js';

/**
 * The storage that the configuration asks for.
 * @throws MalgwiError config_invalid: it cannot be used
 */
export async function openStorage(config: Pick<Config, 'data' | 'storage'>): Promise<ObjectStorage> {
  const { keepFreeBytes, s3Bucket: bucket, s3Endpoint: endpoint, s3Prefix, s3Region } = config.storage;
  if (bucket === undefined)
    return LocalStorage.open({ dir: join(config.data.dir, 'objects'), keepFreeBytes });
  // Loaded by those who use it: Amazon's SDK takes a while.
  const { S3Storage } = await import('./s3/index.js');
  return S3Storage.open({
    bucket,
    region: s3Region,
    ...(endpoint === undefined ? {} : { endpoint }),
    prefix: s3Prefix === '' ? '' : `${s3Prefix.replace(/\/+$/, '')}/`,
    cacheDir: join(config.data.dir, 'cache'),
    keepFreeBytes,
  });
}
