/** The rebuilt graph against what Coqui's own engine computed, batch by batch (test/fixtures/coqui/README.md). */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acoustic, largestDifference } from '../../../test/coqui-support.js';
import { MalgwiError } from '../../errors.js';
import { readPackage, type ModelPackage } from '../manifest.js';
import { OnnxCoquiRuntime } from './coqui.js';

const DIMS = 26;
const WIDTH = 19 * DIMS;
const UNITS = 96;
const directory = fileURLToPath(new URL('../../../test/fixtures/packages/tiny-coqui/', import.meta.url));

let model: ModelPackage;
let runtime: OnnxCoquiRuntime;
beforeAll(async () => {
  model = await readPackage(directory);
  runtime = await OnnxCoquiRuntime.load(model);
});
afterAll(() => runtime.close());

/** Every frame between its nine neighbours on each side, zeros beyond the ends. */
function windows(name: string): { data: Float32Array; steps: number } {
  const mfcc = acoustic(`${name}.mfcc`);
  const steps = mfcc.length / DIMS;
  const padded = new Float32Array((steps + 18) * DIMS);
  padded.set(mfcc, 9 * DIMS);
  const data = new Float32Array(steps * WIDTH);
  for (let step = 0; step < steps; step++) {
    data.set(padded.subarray(step * DIMS, step * DIMS + WIDTH), step * WIDTH);
  }
  return { data, steps };
}

describe('OnnxCoquiRuntime', () => {
  it.each(['ko00', 'ko02', 'ko07'])('gives the probabilities and states of the original for %s', async (name) => {
    const { data, steps } = windows(name);
    const probs = acoustic(`${name}.probs`);
    const cells = acoustic(`${name}.state_c`);
    const hiddens = acoustic(`${name}.state_h`);
    const classes = probs.length / steps;
    let state = runtime.initial();
    for (let from = 0; from < steps; from += 16) {
      const count = Math.min(16, steps - from);
      const result = await runtime.run(data.subarray(from * WIDTH, (from + count) * WIDTH), count, state);
      state = result.state;
      expect(result.classes).toBe(classes);
      const expected = probs.subarray(from * classes, (from + count) * classes);
      expect(largestDifference(result.probabilities, expected)).toBeLessThan(1e-4);
      // The original pads the last batch, so its last state has seen more.
      if (count < 16) continue;
      const batch = from / 16;
      const row = (all: Float32Array): Float32Array => all.subarray(batch * UNITS, (batch + 1) * UNITS);
      expect(largestDifference(state.hidden, row(hiddens))).toBeLessThan(1e-4);
      expect(largestDifference(state.cell, row(cells))).toBeLessThan(1e-2);
    }
  });

  it('never changes the state that it was given', async () => {
    const { data } = windows('ko07');
    const start = runtime.initial();
    const batch = data.subarray(0, 16 * WIDTH);
    const first = await runtime.run(batch, 16, start);
    const kept = { hidden: first.state.hidden.slice(), cell: first.state.cell.slice() };
    const [again, onward] = await Promise.all([runtime.run(batch, 16, start), runtime.run(batch, 16, first.state)]);
    expect(again.probabilities).toEqual(first.probabilities);
    expect(onward.probabilities).not.toEqual(first.probabilities);
    expect(start).toEqual(runtime.initial());
    expect(first.state).toEqual(kept);
  });

  it('refuses windows that are not as many as the steps', async () => {
    const run = runtime.run(new Float32Array(WIDTH), 2, runtime.initial());
    await expect(run).rejects.toMatchObject({ code: 'inference_failed' });
  });

  it.each([
    ['another number of units', { states: [['hidden', 95], ['cell', 95]] }],
    ['two numbers of units', { states: [['hidden', 96], ['cell', 95]] }],
    ['a state too many', { states: [['hidden', 96], ['cell', 96], ['more', 96]] }],
    ['no cell', { states: [['hidden', 96]] }],
    ['absurdly many units', { states: [['hidden', 1e6], ['cell', 1e6]] }],
    ['another context', { contextFrames: 8 }],
  ] as const)('refuses a manifest with %s', async (_, change) => {
    const { manifest } = model;
    const encoder = { ...manifest.graphs.encoder };
    if ('states' in change) {
      encoder.states = change.states.map(([name, units]) => ({ name, shape: ['batch' as const, units] }));
    }
    const frontEnd =
      'contextFrames' in change && manifest.frontEnd.kind === 'coqui-mfcc'
        ? { ...manifest.frontEnd, contextFrames: change.contextFrames }
        : manifest.frontEnd;
    const changed = { directory, manifest: { ...manifest, frontEnd, graphs: { encoder } } };
    await expect(OnnxCoquiRuntime.load(changed)).rejects.toThrow(MalgwiError);
    await expect(OnnxCoquiRuntime.load(changed)).rejects.toMatchObject({ code: 'manifest_invalid' });
  });
});
