import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SampleBuffer } from './ring-buffer.js';

const ramp = (from: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => from + i);

describe('SampleBuffer', () => {
  it('addresses samples by absolute position across the wrap', () => {
    const buffer = new SampleBuffer(10);
    buffer.push(ramp(0, 8));
    buffer.discardBefore(6);
    buffer.push(ramp(8, 8));
    expect([buffer.start, buffer.end, buffer.free]).toEqual([6, 16, 0]);
    expect([...buffer.slice(6, 16)]).toEqual([...ramp(6, 10)]);
    expect([...buffer.slice(9, 11)]).toEqual([9, 10]);
    expect(buffer.slice(16, 16)).toHaveLength(0);
  });

  it('refuses what does not fit and keeps what it has', () => {
    const buffer = new SampleBuffer(4);
    buffer.push(ramp(0, 3));
    expect(() => buffer.push(ramp(3, 2))).toThrow(RangeError);
    expect([...buffer.slice(0, 3)]).toEqual([0, 1, 2]);
    buffer.push(ramp(3, 1));
    expect(buffer.end).toBe(4);
  });

  it('refuses positions that are not held', () => {
    const buffer = new SampleBuffer(4);
    buffer.push(ramp(0, 4));
    buffer.discardBefore(2);
    buffer.discardBefore(1);
    expect(buffer.start).toBe(2);
    expect(() => buffer.slice(1, 3)).toThrow(RangeError);
    expect(() => buffer.slice(2, 5)).toThrow(RangeError);
    expect(() => buffer.slice(3, 2)).toThrow(RangeError);
    expect(() => buffer.slice(2.5, 3)).toThrow(RangeError);
    expect(() => buffer.discardBefore(5)).toThrow(RangeError);
    expect(() => new SampleBuffer(0)).toThrow(RangeError);
  });

  it('grows with what it holds and shrinks again, without a sample changed', () => {
    const buffer = new SampleBuffer(400_000, 7);
    const push = (length: number): void => buffer.push(ramp(buffer.end, length));
    const check = (): void => {
      const held = buffer.slice(buffer.start, buffer.end);
      expect(held.every((value, n) => value === buffer.start + n)).toBe(true);
    };
    for (const [length, discard] of [
      [10_000, 9000],
      [10_000, 0],
      [30_000, 20_000],
      [200_000, 1],
      [150_000, 0],
      [1, 370_000],
      [300_000, 310_000],
      [5, 4],
    ]) {
      push(length);
      check();
      buffer.discardBefore(Math.min(buffer.end, buffer.start + discard));
      check();
    }
    expect(buffer.capacity).toBe(400_000);
    expect(() => push(buffer.free + 1)).toThrow(RangeError);
  });

  it('gives back exactly what was pushed, for any sequence of pushes and discards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.array(fc.tuple(fc.nat(40), fc.nat(40)), { maxLength: 40 }),
        (capacity, steps) => {
          const buffer = new SampleBuffer(capacity);
          for (const [push, discard] of steps) {
            const before = buffer.end;
            if (push <= buffer.free) buffer.push(ramp(before, push));
            else expect(() => buffer.push(ramp(before, push))).toThrow(RangeError);
            expect([...buffer.slice(buffer.start, buffer.end)]).toEqual([
              ...ramp(buffer.start, buffer.end - buffer.start),
            ]);
            buffer.discardBefore(Math.min(buffer.end, buffer.start + discard));
          }
        },
      ),
    );
  });
});
