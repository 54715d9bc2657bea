/**
 * Applies `work` to items with at most `limit` under way, and yields the results in the items' order.
 * A result that waits for an earlier one counts as under way, so memory stays bounded by `limit`.
 */
export async function* mapOrdered<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  limit: number,
  work: (item: T, index: number) => Promise<R>,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  let index = 0;
  for await (const item of items) {
    const result = work(item, index);
    // A rejection is reported by the await below, in order; until then it must not count as unhandled.
    result.catch(() => undefined);
    pending.push(result);
    index += 1;
    if (pending.length >= limit) yield await pending.shift()!;
  }
  while (pending.length > 0) yield await pending.shift()!;
}

/**
 * Applies `work` to items with at most `limit` under way; the next one starts when any has ended. When one rejects, no
 * further one is begun, and the first rejection is passed on once those under way have ended.
 */
export async function inPool<T>(
  items: readonly T[],
  limit: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  let failed = false;
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failed) return;
      await work(item, index).catch((error: unknown) => {
        failed = true;
        throw error;
      });
    }
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane));
  const rejected = lanes.find((result) => result.status === 'rejected');
  if (rejected !== undefined) throw rejected.reason;
}
