import type { Readable } from 'node:stream';
import { MalgwiError } from '../../errors.js';
import type { Job } from '../../jobs/contract.js';
import type { ObjectStorage } from '../../storage/contract.js';
import { audioType, sourceKey } from './source.js';

export interface AudioAnswer {
  readonly status: 200 | 206;
  readonly headers: Readonly<Record<string, string>>;
  /** Nothing where only the head was asked for. */
  readonly body: Readable | undefined;
}

interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * One range of bytes (RFC 9110, 14.1.2). Several at once are answered with everything, as the standard allows.
 * @returns nothing where the header is to be ignored
 * @throws MalgwiError range_not_satisfiable
 */
export function parseRange(header: string | undefined, bytes: number): ByteRange | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (from === '' && to === '') return undefined;
  const first = from === '' ? Math.max(0, bytes - Number(to)) : Number(from);
  const last = from === '' || to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1);
  if (from !== '' && to !== '' && Number(to) < first) return undefined;
  if (first > last) throw new MalgwiError('range_not_satisfiable');
  return { first, last };
}

/**
 * The audio that a job was given, for players.
 * @throws MalgwiError object_not_found: not fetched yet, or removed | range_not_satisfiable
 */
export async function audioOf(
  storage: ObjectStorage,
  job: Job,
  options: { readonly range: string | undefined; readonly head: boolean },
): Promise<AudioAnswer> {
  const key = sourceKey(job);
  const stored = await storage.head(key);
  if (stored === undefined) throw new MalgwiError('object_not_found');
  const { bytes } = stored;
  const range = parseRange(options.range, bytes);
  // What was fetched and turned out to be no audio is not shown as anything that a browser would run.
  const type = await audioType(storage, key, bytes).catch(() => 'application/octet-stream');
  const length = range === undefined ? bytes : range.last - range.first + 1;
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      'content-type': type,
      'content-length': String(length),
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-store',
      ...(range === undefined ? {} : { 'content-range': `bytes ${range.first}-${range.last}/${bytes}` }),
    },
    body: options.head || bytes === 0 ? undefined : await storage.get(key, range),
  };
}
