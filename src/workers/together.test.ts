import { describe, expect, it } from 'vitest';
import { Together } from './together.js';

describe('Together', () => {
  it('runs what is asked for in one turn at once, and no more than it may', async () => {
    const runs: number[][] = [];
    const together = new Together<number, number>(async (requests) => {
      runs.push([...requests]);
      return requests.map((n) => n * 10);
    }, 3);
    // Some of them come only after a promise or two, still in the same turn.
    const later = Promise.resolve().then(() => together.ask(5));
    const results = await Promise.all([1, 2, 3, 4].map((n) => together.ask(n)).concat(later));
    expect(results).toEqual([10, 20, 30, 40, 50]);
    expect(runs).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    await together.ask(6);
    expect(runs[2]).toEqual([6]);
  });

  it('runs no more at a time than weighs what it may, and all of it in the end', async () => {
    const runs: number[][] = [];
    const together = new Together<number, number>(
      async (requests) => {
        runs.push([...requests]);
        return [...requests];
      },
      10,
      (weight) => weight,
    );
    const asked = [4, 6, 1, 25, 9, 1, 1, 10];
    expect(await Promise.all(asked.map((n) => together.ask(n)))).toEqual(asked);
    expect(runs).toEqual([[4, 6], [1], [25], [9, 1], [1], [10]]);
  });

  it('lets a request that fails fail no other', async () => {
    const together = new Together<number, number>(async (requests) => {
      if (requests.includes(2)) throw new Error('two');
      return [...requests];
    }, 8);
    const results = await Promise.allSettled([1, 2, 3].map((n) => together.ask(n)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  });
});
