import { expect, it } from 'vitest';
import { freeNow } from './free.js';

it('takes the memory from all views of a buffer at once, and from no other', async () => {
  const before = process.memoryUsage().arrayBuffers;
  const other = new Float32Array(10).fill(7);
  for (let n = 0; n < 50; n += 1) {
    const data = new Float32Array(1 << 20).fill(n);
    const view = data.subarray(5);
    freeNow(data.buffer);
    expect([data.length, view.length, data.buffer.byteLength]).toEqual([0, 0, 0]);
    // Once more does no harm.
    freeNow(data.buffer);
  }
  // 200 MB were made; V8 has not been asked to collect anything.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20 << 20);
  freeNow(new SharedArrayBuffer(8));
  expect([...other]).toEqual(new Array(10).fill(7));
  await new Promise((resolve) => setTimeout(resolve, 10));
});
