import { createHash, randomUUID } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

const HOST = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
const RUN = randomUUID().slice(0, 8);
const NAME = /^\.tmp-([0-9a-f]{8})-(\d+)-([0-9a-f]{8})-[0-9a-f-]{36}$/;
/** Nothing is written for so long: what another machine left behind counts as stale then. */
const STALE_MS = 24 * 3600_000;

/** The name of a file that is being written. It begins with a dot, as no object does, and says who writes it. */
export const temporaryName = (): string => `.tmp-${HOST}-${process.pid}-${RUN}-${randomUUID()}`;

/** Removes unfinished files whose writer is gone: after a crash nobody else would. */
export async function removeStale(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, host, pid, run] = NAME.exec(name) ?? [];
    if (host === undefined) continue;
    const path = join(folder, name);
    if (host === HOST ? isGone(Number(pid), run) : await isOld(path)) await rm(path, { force: true });
  }
}

function isGone(pid: number, run: string): boolean {
  // A container's service has the same number in every life.
  if (pid === process.pid) return run !== RUN;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

async function isOld(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS;
}
