import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves when all of them are over, or after so long. */
export async function settled(work: Iterable<Promise<unknown>>, limitMs: number): Promise<void> {
  const timeout = new AbortController();
  const limit = sleep(limitMs, undefined, { signal: timeout.signal }).catch(() => undefined);
  await Promise.race([Promise.allSettled(work), limit]);
  timeout.abort();
}
