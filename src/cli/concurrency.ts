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
