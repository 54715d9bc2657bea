import { describe, expect, it } from 'vitest';
import { WorkShare } from './work-share.js';

describe('WorkShare', () => {
  it('divides the time among the calls that are worked on', async () => {
    let now = 100;
    const share = new WorkShare(() => now);
    const ends: (() => void)[] = [];
    const start = () => share.measure(() => new Promise<void>((resolve) => ends.push(resolve)));
    const first = start();
    now += 10;
    const second = start();
    now += 20;
    ends[0]!();
    expect(await first).toMatchObject({ ms: 20 });
    now += 5;
    ends[1]!();
    expect(await second).toMatchObject({ ms: 15 });
    // Nobody is charged for the time in which nothing is done.
    now += 1000;
    const third = start();
    now += 1;
    ends[2]!();
    expect(await third).toMatchObject({ ms: 1 });
  });

  it('goes on after work that failed', async () => {
    let now = 0;
    const share = new WorkShare(() => now);
    const failing = share.measure(async () => {
      now += 3;
      throw new Error('broken');
    });
    await expect(failing).rejects.toThrow('broken');
    now += 7;
    const { value, ms } = await share.measure(async () => {
      now += 2;
      return 'done';
    });
    expect([value, ms]).toEqual(['done', 2]);
  });
});
