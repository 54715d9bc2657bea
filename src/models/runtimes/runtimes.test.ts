/** Sessions of attention models and transducers: what is refused at load, and states as values. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttentionScorer, TransducerScorer } from '../../decoding/contract.js';
import type { FeatureMatrix } from '../../features/contract.js';
import type { CtcStreaming } from '../contract.js';
import { readPackage, type Manifest } from '../manifest.js';
import { OnnxAttentionRuntime } from './attention.js';
import { OnnxCtcRuntime } from './ctc.js';
import { OnnxTransducerRuntime } from './transducer.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/packages/${name}`, import.meta.url));

const input = (frames: number): FeatureMatrix => ({
  data: Float32Array.from({ length: frames * 16 }, (_, index) => Math.sin(0.37 * index) + Math.cos(0.011 * index)),
  frames,
  dims: 16,
});

const RUNTIMES = { ctc: OnnxCtcRuntime, attention: OnnxAttentionRuntime, transducer: OnnxTransducerRuntime };

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'malgwi-runtimes-'));
});
afterAll(() => rm(scratch, { recursive: true }));

interface Expected {
  readonly utterances: readonly {
    readonly frames: number;
    readonly encoderFrames: number;
    readonly ids: readonly number[];
    readonly ctc: { readonly logProbs: readonly (readonly number[])[] };
    readonly live?: { readonly logProbs: readonly (readonly number[])[] };
    readonly stepLogProbs: readonly (readonly number[])[];
    readonly attention: readonly (readonly number[])[];
    readonly joinLogProbs: readonly { frame: number; tokens: number; logProbs: readonly number[] }[];
  }[];
}

const expectedOf = async (name: string): Promise<Expected> =>
  JSON.parse(await readFile(join(fixture(name), 'expected.json'), 'utf8')) as Expected;

/** The features of `expected.json`. */
const learnt = (frames: number): FeatureMatrix => ({
  data: Float32Array.from({ length: frames * 16 }, (_, index) => {
    const [t, f] = [Math.floor(index / 16), index % 16];
    return Math.sin(0.05 * t * (1 + (f % 5)) + 0.7 * f) + 0.5 * Math.cos(0.013 * t * f);
  }),
  frames,
  dims: 16,
});

function expectRow(actual: Float32Array, expected: readonly number[], from = 0): void {
  expected.forEach((value, index) => expect(Math.abs(actual[from + index] - value)).toBeLessThan(1e-4));
}

type Draft = { -readonly [K in keyof Manifest]: Manifest[K] };

/** What loading a copy of a package says after its manifest was changed. */
async function refusal(name: string, change: (draft: Draft) => void): Promise<unknown> {
  const directory = join(scratch, name);
  await cp(fixture(name), directory, { recursive: true });
  const path = join(directory, 'manifest.json');
  const draft = JSON.parse(await readFile(path, 'utf8')) as Draft;
  change(draft);
  await writeFile(path, JSON.stringify(draft));
  const model = await readPackage(directory);
  return RUNTIMES[model.manifest.family as keyof typeof RUNTIMES].load(model).then(
    () => 'loaded',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );
}

describe('loading', () => {
  it('takes the packages as they are', async () => {
    for (const name of ['tiny-ctc', 'tiny-las', 'tiny-las-mha', 'tiny-transformer', 'tiny-rnnt', 'tiny-conformer']) {
      expect(await refusal(name, () => undefined)).toBe('loaded');
    }
  });

  it('names the state, memory or input in which a graph and its manifest differ', async () => {
    const states = (draft: Draft) => draft.graphs.decoder!.states!;
    const cases: [string, (draft: Draft) => void, RegExp][] = [
      ['tiny-las', (draft) => (states(draft)[0].name = 'other'), /^manifest_invalid: The decoder graph has no input named other\.$/],
      ['tiny-las', (draft) => states(draft).pop(), /^manifest_invalid: The decoder graph needs an input named alignment /],
      ['tiny-las', (draft) => draft.graphs.decoder!.memory!.pop(), /needs an input named keys/],
      ['tiny-las', (draft) => draft.graphs.decoder!.memory!.push('values'), /^manifest_invalid: The encoder graph has no output named values/],
      ['tiny-las', (draft) => (states(draft)[0].shape = [2, 'batch', 17]), /takes hidden with an axis of 16, not 17/],
      ['tiny-las', (draft) => (states(draft)[0].shape = ['batch', 16]), /takes hidden with 3 axes, not 2/],
      ['tiny-las', (draft) => (states(draft)[0].shape = [2, 1, 16]), /^manifest_invalid: The state hidden .* needs exactly one axis 'batch'/],
      ['tiny-las', (draft) => (states(draft)[0].shape = [999999, 'batch', 999999]), /The state hidden .* is too large/],
      ['tiny-las', (draft) => (states(draft)[0].shape = ['batch', 'frames', 'frames']), /has an axis 'frames' too many/],
      ['tiny-las', (draft) => (states(draft)[0].shape = ['frames', 'batch', 16]), /the axis of frames frozen at 2/],
      ['tiny-transformer', (draft) => (states(draft)[0].shape = ['batch', 'prefix', 'prefix', 4]), /more than one axis 'prefix'/],
      ['tiny-rnnt', (draft) => (draft.graphs.predictor!.states![0].shape = ['frames', 'batch', 12]), /has an axis 'frames' too many/],
      ['tiny-rnnt', (draft) => (draft.graphs.joiner = draft.graphs.predictor), /^manifest_invalid: The joiner graph has no input named encoder_frames/],
      ['tiny-rnnt', (draft) => (draft.graphs.encoder = draft.graphs.joiner!), /^manifest_invalid: The encoder graph has no input named features/],
      ['tiny-transformer', (draft) => (states(draft)[0].shape = ['batch', 'left', 'prefix', 4]), /has an axis 'left', which only encoders have/],
      ['tiny-conformer', (draft) => draft.graphs.encoder.states!.pop(), /^manifest_invalid: The encoder graph needs an input named convolution /],
      ['tiny-conformer', (draft) => (draft.graphs.encoder.states![0].shape = ['batch', 8, 8, 'left']), /the axis of left frozen at 8/],
      ['tiny-conformer', (draft) => (draft.graphs.encoder.states![1].shape = [32, 'batch', 4]), /takes convolution with the axis of batch frozen at 32/],
      ['tiny-conformer', (draft) => (draft.encoder = { ...draft.encoder, streaming: undefined }), /needs an input named cached/],
      ['tiny-conformer', (draft) => (draft.encoder = { ...draft.encoder, streaming: { ...draft.encoder.streaming!, leftFrames: 10000 } }), /loaded/],
      ['tiny-ctc', (draft) => (draft.graphs.encoder.file = 'tokens.txt'), /^inference_failed: The encoder graph cannot be loaded/],
    ];
    for (const [name, change, expected] of cases) expect(await refusal(name, change)).toMatch(expected);
  });
});

describe('a CTC encoder over live streams', () => {
  const windows = (frames: number, { windowFrames, hopFrames }: CtcStreaming): FeatureMatrix[] => {
    const whole = learnt(frames);
    const cut: FeatureMatrix[] = [];
    for (let from = 0; ; from += hopFrames) {
      const count = Math.min(windowFrames, frames - from);
      cut.push({ data: whole.data.subarray(from * 16, (from + count) * 16), frames: count, dims: 16 });
      if (count < windowFrames) return cut;
    }
  };

  it.each(['tiny-conformer', 'tiny-ds2'])("%s: gives PyTorch's log-probabilities, whole and chunk by chunk", async (name) => {
    const runtime = await OnnxCtcRuntime.load(await readPackage(fixture(name)));
    const { streaming } = runtime;
    for (const { frames, encoderFrames, ctc, live } of (await expectedOf(name)).utterances) {
      // What DeepSpeech2 gives in chunks is what it gives for all at once.
      const [whole] = await runtime.run([learnt(frames)]);
      expect(whole.frames).toBe(encoderFrames);
      ctc.logProbs.forEach((row, frame) => expectRow(whole.data, row, frame * whole.classes));
      let state = streaming!.initial();
      let done = 0;
      for (const features of windows(frames, streaming!)) {
        const [result] = await streaming!.run([{ features, state }]);
        state = result.state ?? state;
        const { data, frames: given, classes } = result.logProbs;
        const kept = features.frames < streaming!.windowFrames ? given : streaming!.chunkFrames;
        for (let frame = 0; frame < kept; frame++) expectRow(data, (live ?? ctc).logProbs[done + frame], frame * classes);
        done += kept;
      }
      expect(done).toBe(encoderFrames);
    }
    await runtime.close();
  });

  it.each(['tiny-conformer', 'tiny-ds2'])('%s: gives each of several streams in one run what it gives alone, wherever they are; states are values', async (name) => {
    const runtime = await OnnxCtcRuntime.load(await readPackage(fixture(name)));
    const streaming = runtime.streaming!;
    const [first, second, third] = windows(90, streaming);
    const start = streaming.initial();
    const [one] = await streaming.run([{ features: first, state: start }]);
    const kept = [...one.state!.caches].map(([name, values]) => [name, values.slice()] as const);
    const [two] = await streaming.run([{ features: second, state: one.state! }]);
    const rest = { ...third, frames: 11, data: third.data.subarray(0, 11 * 16) };
    const short = { features: { ...third, frames: runtime.manifest.encoder.minFrames - 1 }, state: one.state! };
    const chunks = [{ features: third, state: two.state! }, { features: first, state: start }, short, { features: rest, state: one.state! }];
    const together = await streaming.run(chunks);
    for (const [index, chunk] of chunks.entries()) {
      const [alone] = await streaming.run([chunk]);
      expect(together[index].logProbs.frames).toBe(alone.logProbs.frames);
      expectRow(together[index].logProbs.data, [...alone.logProbs.data]);
      expect(together[index].state?.cached).toBe(index < 2 ? alone.state!.cached : undefined);
      for (const [name, values] of alone.state?.caches ?? []) expectRow(together[index].state!.caches.get(name)!, [...values]);
    }
    expect(together[2].logProbs.frames).toBe(0);
    for (const [name, values] of kept) expect(one.state!.caches.get(name)).toEqual(values);
    expect([...start.caches.values()].every((values) => values.every((value) => value === 0))).toBe(true);
    await runtime.close();
  });


  it('takes the memory of a state that is given up, and of no other', async () => {
    const runtime = await OnnxCtcRuntime.load(await readPackage(fixture('tiny-conformer')));
    const streaming = runtime.streaming!;
    const start = streaming.initial();
    const all = windows(120, streaming).filter(({ frames }) => frames === streaming.windowFrames);
    expect(all.length).toBeGreaterThan(2);
    // Two streams at once, one of which gives its states up; and runs that are asked for before others have ended.
    let [kept, given] = [start, start];
    for (const features of all) {
      const [one, other] = await Promise.all([
        streaming.run([{ features, state: kept }]),
        streaming.run([{ features, state: given, givesUpState: true }]),
      ]);
      expectRow(other[0].logProbs.data, [...one[0].logProbs.data]);
      const before = given;
      [kept, given] = [one[0].state!, other[0].state!];
      for (const [name, values] of kept.caches) {
        expect([...given.caches.get(name)!]).toEqual([...values]);
        expect(given.caches.get(name) === before.caches.get(name)).toBe(before !== start);
      }
    }
    expect([...start.caches.values()].every((values) => values.every((value) => value === 0))).toBe(true);
    await runtime.close();
  });

  it('gives the memory of streams that have ended to new ones, which hear nothing of them', async () => {
    const runtime = await OnnxCtcRuntime.load(await readPackage(fixture('tiny-conformer')));
    const streaming = runtime.streaming!;
    const start = streaming.initial();
    const [first, second] = windows(120, streaming);
    const [{ state: ended }] = await streaming.run([{ features: second, state: start }]);
    const [{ state: other }] = await streaming.run([{ features: first, state: start }]);
    const expected = new Map([...other!.caches].map(([name, values]) => [name, values.slice()]));
    streaming.release(ended!);
    // All begin with it: it is nobody's to give back.
    streaming.release(start);
    const [{ state: next }] = await streaming.run([{ features: first, state: start }]);
    const [{ state: third }] = await streaming.run([{ features: second, state: start }]);
    for (const [name, values] of expected) {
      expect(next!.caches.get(name)).toBe(ended!.caches.get(name));
      expect(next!.caches.get(name)).toEqual(values);
      expect([ended, other, start]).not.toContain(third);
      expect(third!.caches.get(name)).not.toBe(next!.caches.get(name));
    }
    expect([...start.caches.values()].every((values) => values.every((value) => value === 0))).toBe(true);
    await runtime.close();
  });
});

describe('log-probabilities are those of PyTorch', () => {
  it('CTC', async () => {
    const runtime = await OnnxCtcRuntime.load(await readPackage(fixture('tiny-ctc')));
    for (const { frames, encoderFrames, ctc } of (await expectedOf('tiny-ctc')).utterances) {
      const [result] = await runtime.run([learnt(frames)]);
      expect(result.frames).toBe(encoderFrames);
      ctc.logProbs.forEach((row, frame) => expectRow(result.data, row, frame * result.classes));
    }
    await runtime.close();
  });

  it.each(['tiny-las', 'tiny-las-mha', 'tiny-transformer'])('%s', async (name) => {
    const runtime = await OnnxAttentionRuntime.load(await readPackage(fixture(name)));
    for (const utterance of (await expectedOf(name)).utterances) {
      const { scorer } = await runtime.encode(learnt(utterance.frames));
      expect(scorer.frames).toBe(utterance.encoderFrames);
      let state = scorer.initial();
      for (const [index, row] of utterance.stepLogProbs.entries()) {
        const step = await scorer.step([state], [index === 0 ? 1 : utterance.ids[index - 1]]);
        [state] = step.states;
        expectRow(step.logProbs, row);
        expectRow(step.attention!, utterance.attention[index]);
      }
    }
    await runtime.close();
  });

  it('tiny-rnnt', async () => {
    const runtime = await OnnxTransducerRuntime.load(await readPackage(fixture('tiny-rnnt')));
    for (const { frames, ids, joinLogProbs } of (await expectedOf('tiny-rnnt')).utterances) {
      const scorer = await runtime.encode(learnt(frames));
      const states = [...(await scorer.predict([scorer.initial()], [1]))];
      for (const id of ids) states.push(...(await scorer.predict([states.at(-1)], [id])));
      for (const { frame, tokens, logProbs } of joinLogProbs) {
        expectRow(await scorer.join([frame], [states[tokens]]), logProbs);
      }
    }
    await runtime.close();
  });
});

describe.each(['tiny-las', 'tiny-las-mha', 'tiny-transformer'])('steps of %s', (name) => {
  let runtime: OnnxAttentionRuntime;
  let scorer: AttentionScorer;
  beforeAll(async () => {
    runtime = await OnnxAttentionRuntime.load(await readPackage(fixture(name)));
    ({ scorer } = await runtime.encode(input(61)));
  });
  afterAll(() => runtime.close());

  /** The last row of log-probabilities after feeding tokens one by one, alone. */
  const alone = async (tokens: readonly number[], of = scorer): Promise<{ state: unknown; row: Float32Array }> => {
    let state = of.initial();
    let row: Float32Array = new Float32Array();
    for (const token of tokens) {
      const step = await of.step([state], [token]);
      [state] = step.states;
      row = step.logProbs;
    }
    return { state, row };
  };
  const close = (actual: Float32Array, expected: Float32Array): void => {
    expect(actual.length).toBe(expected.length);
    actual.forEach((value, index) => expect(value).toBeCloseTo(expected[index], 4));
  };

  it('give distributions over the classes, and attention over the frames', async () => {
    const { logProbs, attention } = await scorer.step([scorer.initial()], [1]);
    expect(logProbs).toHaveLength(scorer.classes);
    expect(logProbs.reduce((sum, value) => sum + Math.exp(value), 0)).toBeCloseTo(1, 4);
    expect(attention).toHaveLength(scorer.frames);
    expect(attention!.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 3);
  });

  it('are the same for several hypotheses at once, whatever their order and origin', async () => {
    const prefixes = [[1, 4], [1, 5], [1, 6], [1, 7]];
    const states = await Promise.all(prefixes.map((prefix) => alone(prefix)));
    // One state twice, from four different steps.
    const rows = [2, 0, 3, 0, 1];
    const together = await scorer.step(rows.map((row) => states[row].state), [8, 9, 3, 10, 8]);
    // Then some rows of that step, mixed with one of another.
    const next = await scorer.step([together.states[3], together.states[1], states[1].state, together.states[0]], [5, 5, 5, 5]);
    const expected = [[1, 4, 10, 5], [1, 4, 9, 5], [1, 5, 5], [1, 6, 8, 5]];
    for (const [row, tokens] of expected.entries()) {
      close(next.logProbs.subarray(row * scorer.classes, (row + 1) * scorer.classes), (await alone(tokens)).row);
    }
    expect(next.attention).toHaveLength(4 * scorer.frames);
  });

  it('leave the states that they are given as they were', async () => {
    const { state } = await alone([1, 4]);
    const first = await scorer.step([state], [5]);
    await scorer.step([state, state], [6, 7]);
    await scorer.step([first.states[0]], [8]);
    expect((await scorer.step([state], [5])).logProbs).toEqual(first.logProbs);
  });

  it('know nothing of other utterances', async () => {
    const { scorer: other } = await runtime.encode(input(40));
    const [mine, theirs] = [(await alone([1, 4, 5])).row, (await alone([1, 4, 5], other)).row];
    const [a, b] = await Promise.all([alone([1, 4, 5]), alone([1, 4, 5], other)]);
    expect(a.row).toEqual(mine);
    expect(b.row).toEqual(theirs);
    expect(mine).not.toEqual(theirs);
  });
});

describe('the CTC head', () => {
  it('is there for joint models only, and for empty utterances too', async () => {
    const joint = await OnnxAttentionRuntime.load(await readPackage(fixture('tiny-las')));
    const alone = await OnnxAttentionRuntime.load(await readPackage(fixture('tiny-las-mha')));
    const { scorer, ctc } = await joint.encode(input(61));
    expect(ctc).toMatchObject({ frames: scorer.frames, classes: scorer.classes });
    expect((await joint.encode(input(0))).ctc).toMatchObject({ frames: 0 });
    expect((await alone.encode(input(61))).ctc).toBeUndefined();
    await Promise.all([joint.close(), alone.close()]);
  });
});

describe('a transducer', () => {
  let runtime: OnnxTransducerRuntime;
  let scorer: TransducerScorer;
  beforeAll(async () => {
    runtime = await OnnxTransducerRuntime.load(await readPackage(fixture('tiny-rnnt')));
    scorer = await runtime.encode(input(30));
  });
  afterAll(() => runtime.close());

  it('joins pairs as it joins each alone: several frames, several states, or both', async () => {
    const start = await scorer.predict([scorer.initial()], [1]);
    const states = [...start, ...(await scorer.predict([start[0], start[0]], [4, 5]))];
    const pairs: [number[], number[]][] = [
      [[3, 4, 5, 6], [0, 0, 0, 0]],
      [[7, 7, 7], [0, 1, 2]],
      [[0, 29, 5], [2, 2, 1]],
      [[3, 3], [1, 1]],
    ];
    for (const [frames, indices] of pairs) {
      const together = await scorer.join(frames, indices.map((index) => states[index]));
      expect(together).toHaveLength(frames.length * scorer.classes);
      for (const [row, frame] of frames.entries()) {
        const one = await scorer.join([frame], [states[indices[row]]]);
        one.forEach((value, id) => expect(together[row * scorer.classes + id]).toBeCloseTo(value, 4));
      }
    }
  });

  it('predicts several hypotheses as it predicts each alone, and changes no state', async () => {
    const [start] = await scorer.predict([scorer.initial()], [1]);
    const [a] = await scorer.predict([start], [4]);
    const both = await scorer.predict([a, start, a], [6, 4, 6]);
    const [again] = await scorer.predict([a], [6]);
    const expected = await scorer.join([5], [again]);
    for (const state of [both[0], both[2]]) {
      (await scorer.join([5], [state])).forEach((value, id) => expect(value).toBeCloseTo(expected[id], 4));
    }
    expect(await scorer.join([5], [both[1]])).not.toEqual(expected);
  });
});
