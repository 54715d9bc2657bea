import fc from 'fast-check';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { StateLayout, type SpareMemory, type StateRow } from './states.js';

const HEADS = 2;
const WIDTH = 3;
const layout = new StateLayout(
  'decoder',
  [
    { name: 'keys', shape: ['batch', HEADS, 'prefix', WIDTH] },
    { name: 'hidden', shape: [2, 'batch', 1] },
  ],
  true,
);

/** What a decoder would keep of one token: known values, so that any mix-up of rows, heads or positions shows. */
const key = (token: number, head: number, channel: number): number => 100 * token + 10 * head + channel;

/** A decoder whose `hidden` counts [tokens, sum of tokens]; `keys` come whole, or only those that were added. */
function step(
  feeds: Readonly<Record<string, Tensor>>,
  tokens: readonly number[],
  whole: boolean,
): Record<string, Tensor> {
  const rows = tokens.length;
  const prefix = feeds['keys'].dims[2];
  const old = feeds['keys'].data as Float32Array;
  const keys: number[] = [];
  tokens.forEach((token, row) => {
    for (let head = 0; head < HEADS; head++) {
      const from = (row * HEADS + head) * prefix * WIDTH;
      if (whole) keys.push(...old.subarray(from, from + prefix * WIDTH));
      for (let channel = 0; channel < WIDTH; channel++) keys.push(key(token, head, channel));
    }
  });
  const hidden = feeds['hidden'].data as Float32Array;
  const next = tokens.map((_, row) => hidden[row] + 1);
  next.push(...tokens.map((token, row) => hidden[rows + row] + token));
  return {
    next_keys: new Tensor('float32', Float32Array.from(keys), [rows, HEADS, whole ? prefix + 1 : 1, WIDTH]),
    next_hidden: new Tensor('float32', Float32Array.from(next), [2, rows, 1]),
  };
}

function expectHistories(feeds: Readonly<Record<string, Tensor>>, histories: readonly (readonly number[])[]): void {
  const keys = histories.flatMap((history) =>
    [0, 1].flatMap((head) => history.flatMap((token) => [0, 1, 2].map((channel) => key(token, head, channel)))),
  );
  expect([...(feeds['keys'].data as Float32Array)]).toEqual(keys);
  expect(feeds['keys'].dims).toEqual([histories.length, HEADS, histories[0].length, WIDTH]);
  const sums = histories.map((history) => history.reduce((sum, token) => sum + token, 0));
  expect([...(feeds['hidden'].data as Float32Array)]).toEqual([...histories.map((history) => history.length), ...sums]);
}

describe.each([
  ['whole', true],
  ['what the token added', false],
])('a graph that gives of its cache %s', (_name, whole) => {
  it('finds each hypothesis its own past, whichever rows go on, with memory released or not', () => {
    const choice = fc.tuple(fc.nat(), fc.integer({ min: 1, max: 9 }));
    const search = fc.array(fc.array(choice, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(search, fc.boolean(), (rounds, releases) => {
        const spare: SpareMemory = new Map();
        let states: StateRow[] = [layout.initial(0)];
        let histories: number[][] = [[]];
        for (const choices of rounds) {
          const from = choices.map(([index]) => index % states.length);
          const rows = from.map((index) => states[index]);
          const tokens = choices.map(([, token]) => token);
          const feeds = layout.gather(rows, spare);
          expectHistories(feeds, from.map((index) => histories[index]));
          const next = layout.next(step(feeds, tokens, whole), feeds, rows, 0);
          if (releases) layout.release(states, spare);
          states = next;
          histories = from.map((index, row) => [...histories[index], tokens[row]]);
        }
        expectHistories(layout.gather(states, spare), histories);
      }),
    );
  });

  it('leaves states alone that other hypotheses still go on from', () => {
    const spare: SpareMemory = new Map();
    const run = (rows: readonly StateRow[], tokens: readonly number[]): StateRow[] => {
      const feeds = layout.gather(rows, spare);
      return layout.next(step(feeds, tokens, whole), feeds, rows, 0);
    };
    const [a] = run([layout.initial(0)], [1]);
    const [b] = run([a], [2]);
    const [c] = run([a], [3]);
    const d = run([b, c, b], [4, 5, 6]);
    layout.release([c], spare);
    expectHistories(layout.gather(run([b, a].slice(0, 1), [7]), spare), [[1, 2, 7]]);
    expectHistories(layout.gather(d, spare), [[1, 2, 4], [1, 3, 5], [1, 2, 6]]);
  });
});

describe('states', () => {
  it('that were released are not used again by mistake', () => {
    const spare: SpareMemory = new Map();
    const feeds = layout.gather([layout.initial(0)], spare);
    const [state] = layout.next(step(feeds, [1], true), feeds, [layout.initial(0)], 0);
    layout.release([state], spare);
    expect(() => layout.gather([state], spare)).toThrow('released');
  });

  it('of another shape than the manifest says are refused', () => {
    const rows = [layout.initial(0)];
    const feeds = layout.gather(rows, new Map());
    const outputs = step(feeds, [1], true);
    outputs['next_hidden'] = new Tensor('float32', new Float32Array(3), [3, 1, 1]);
    expect(() => layout.next(outputs, feeds, rows, 0)).toThrow('gave next_hidden as [3, 1, 1], not [2, 1, 1]');
  });
});
