import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toyCtc } from '../../test/fixtures/toy-scorers.js';
import { alignByAttention, alignByCtc, spread, type Span } from './align.js';

/** The best path of the labels, by trying all paths. */
function bestPath(seed: number, frames: number, labels: readonly number[]): number {
  const { data, classes } = toyCtc(seed, frames, 3);
  let best = -Infinity;
  const walk = (frame: number, rest: readonly number[], last: number, score: number): void => {
    if (frame === frames) {
      if (rest.length === 0) best = Math.max(best, score);
      return;
    }
    for (let id = 0; id < classes; id++) {
      const gain = data[frame * classes + id];
      if (id === 2 || id === last) walk(frame + 1, rest, id, score + gain);
      else if (id === rest[0]) walk(frame + 1, rest.slice(1), id, score + gain);
    }
  };
  walk(0, labels, -1, 0);
  return best;
}

function expectOrdered(spans: readonly Span[], frames: number): void {
  let last = -1;
  for (const { startFrame, endFrame } of spans) {
    expect(startFrame).toBeGreaterThan(last);
    expect(endFrame).toBeGreaterThanOrEqual(startFrame);
    last = endFrame;
  }
  expect(last).toBeLessThan(frames);
}

describe('CTC forced alignment', () => {
  it('is the best of all paths', () => {
    const labels = fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 3 });
    fc.assert(
      fc.property(fc.nat(), labels, (seed, ids) => {
        const frames = 7;
        const { data, classes } = toyCtc(seed, frames, 3);
        const spans = alignByCtc({ data, frames, classes }, ids, 2);
        expectOrdered(spans, frames);
        const path = new Array<number>(frames).fill(2);
        spans.forEach(({ startFrame, endFrame }, index) => path.fill(ids[index], startFrame, endFrame + 1));
        const score = path.reduce((sum, id, frame) => sum + data[frame * classes + id], 0);
        expect(score).toBeCloseTo(bestPath(seed, frames, ids), 4);
      }),
    );
  });

  it('spreads what does not fit', () => {
    expect(alignByCtc(toyCtc(1, 4, 3), [0, 0, 0], 2)).toEqual(spread(3, 4));
    expect(alignByCtc(toyCtc(1, 4, 3), [7], 2)).toEqual(spread(1, 4));
    expect(alignByCtc(toyCtc(1, 0, 3), [], 2)).toEqual([]);
  });
});

describe('alignment by attention', () => {
  const peak = (frames: number, at: number): Float32Array =>
    Float32Array.from({ length: frames }, (_, frame) => Math.exp(-((frame - at) ** 2) / 2));

  it('follows the peaks, and is not led astray by one that jumps back', () => {
    const rows = [2, 6, 1, 14, 18].map((at) => peak(20, at));
    // The third looks back to frame 1, but a little at 10 as well.
    rows[2][10] = 0.4;
    const spans = alignByAttention(rows, 20);
    expectOrdered(spans, 20);
    expect(spans[1].startFrame).toBeGreaterThanOrEqual(5);
    expect(spans[2]).toEqual({ startFrame: 10, endFrame: 10 });
    expect(spans[3].startFrame).toBeGreaterThanOrEqual(13);
  });

  it('gives ordered frames for any weights', () => {
    const any = fc.array(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
      { maxLength: 9 },
    );
    fc.assert(
      fc.property(any, (rows) => {
        const spans = alignByAttention(
          rows.map((row) => Float32Array.from(row)),
          9,
        );
        expect(spans).toHaveLength(rows.length);
        expectOrdered(spans, 9);
      }),
    );
  });
});
