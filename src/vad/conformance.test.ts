/** What every voice activity adapter must do. A new adapter joins the list below. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { VoiceActivityModel, VoiceActivityStream } from './index.js';
import { loadVoiceActivity, VAD_WINDOW } from './index.js';

const clip = gunzipSync(readFileSync(new URL('../../test/fixtures/vad/espeak-ko.s16le.gz', import.meta.url)));
const speech = Float32Array.from(new Int16Array(new Uint8Array(clip).buffer), (value) => value / 32768);

/** Deterministic noise, uniform within +-amplitude. */
function noise(length: number, amplitude: number): Float32Array {
  let seed = 12345;
  return Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed / 2 ** 31) * amplitude;
  });
}

async function run(stream: VoiceActivityStream, samples: Float32Array): Promise<number[]> {
  const probabilities: number[] = [];
  for (let at = 0; at + VAD_WINDOW <= samples.length; at += VAD_WINDOW) {
    probabilities.push(...(await stream.process(samples.subarray(at, at + VAD_WINDOW))));
  }
  return probabilities;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(['silero', 'energy'] as const)('%s', (kind) => {
  let model: VoiceActivityModel;
  beforeAll(async () => {
    model = await loadVoiceActivity(kind);
  });
  afterAll(async () => {
    await model.close();
  });

  it('gives probabilities', async () => {
    for (const value of await run(model.createStream(), speech)) {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
  });

  it('hears nothing in digital silence', async () => {
    const values = await run(model.createStream(), new Float32Array(VAD_WINDOW * 60));
    expect(Math.max(...values)).toBeLessThan(0.1);
  });

  it('hears nothing in the faint noise of a room', async () => {
    const values = await run(model.createStream(), noise(VAD_WINDOW * 150, 0.002));
    expect(Math.max(...values)).toBeLessThan(0.35);
  });

  it('gets used to steady noise', async () => {
    const values = await run(model.createStream(), noise(VAD_WINDOW * 300, 0.05));
    expect(mean(values.slice(200))).toBeLessThan(0.2);
  });

  it('hears speech, and that it ends', async () => {
    const silence = new Float32Array(VAD_WINDOW * 20);
    const values = await run(
      model.createStream(),
      Float32Array.from([...silence, ...speech, ...silence, ...silence]),
    );
    const spoken = values.slice(22, 20 + Math.floor(speech.length / VAD_WINDOW) - 6);
    expect(mean(values.slice(0, 18))).toBeLessThan(0.1);
    expect(mean(spoken)).toBeGreaterThan(0.6);
    expect(Math.max(...values.slice(-12))).toBeLessThan(0.2);
  });

  it('keeps the states of its streams apart', async () => {
    const alone = await run(model.createStream(), speech);
    const a = model.createStream();
    const b = model.createStream();
    const other = noise(speech.length, 0.3);
    const interleaved: number[] = [];
    for (let at = 0; at + VAD_WINDOW <= speech.length; at += VAD_WINDOW) {
      interleaved.push(...(await a.process(speech.subarray(at, at + VAD_WINDOW))));
      await b.process(other.subarray(at, at + VAD_WINDOW));
    }
    expect(interleaved).toEqual(alone);
  });

  it('gives the same for windows that come at once, in pieces of any number', async () => {
    const whole = speech.subarray(0, Math.floor(speech.length / VAD_WINDOW) * VAD_WINDOW);
    const expected = await run(model.createStream(), whole);
    for (const sizes of [[whole.length / VAD_WINDOW], [1, 2, 3, 5, 8]]) {
      const stream = model.createStream();
      const values: number[] = [];
      for (let at = 0, n = 0; at < whole.length; n++) {
        const to = Math.min(whole.length, at + sizes[n % sizes.length]! * VAD_WINDOW);
        values.push(...(await stream.process(whole.subarray(at, to))));
        at = to;
      }
      expect(values).toHaveLength(expected.length);
      values.forEach((value, n) => expect(value).toBeCloseTo(expected[n]!, 5));
    }
    expect(await model.createStream().process(new Float32Array(0))).toHaveLength(0);
  });

  it('takes many streams at the same time, each with a number of windows of its own', async () => {
    const lengths = Array.from({ length: 40 }, (_, n) => (1 + (n % 7)) * VAD_WINDOW);
    const pieces = lengths.map((length, n) => speech.subarray(n * 700, n * 700 + length));
    const alone: Float32Array[] = [];
    for (const piece of pieces) alone.push(await model.createStream().process(piece));
    const streams = pieces.map(() => model.createStream());
    const together = await Promise.all(pieces.map((piece, n) => streams[n]!.process(piece)));
    together.forEach((values, n) => {
      expect(values).toHaveLength(alone[n]!.length);
      values.forEach((value, window) => expect(value).toBeCloseTo(alone[n]![window]!, 5));
    });
  });

  it('does not keep or change the window it is given', async () => {
    const copy = speech.slice();
    const alone = await run(model.createStream(), speech);
    expect(speech).toEqual(copy);
    const stream = model.createStream();
    const reused = new Float32Array(VAD_WINDOW);
    const values: number[] = [];
    for (let at = 0; at + VAD_WINDOW <= speech.length; at += VAD_WINDOW) {
      reused.set(speech.subarray(at, at + VAD_WINDOW));
      values.push(...(await stream.process(reused)));
      reused.fill(0.9);
    }
    expect(values).toEqual(alone);
  });

  it.each([NaN, Infinity, -Infinity, 3e38])('survives samples of %s', async (broken) => {
    const stream = model.createStream();
    await run(stream, new Float32Array(VAD_WINDOW * 4).fill(broken));
    const after = await run(stream, speech);
    expect(after.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect(mean(after.slice(8, -8))).toBeGreaterThan(0.5);
    expect(Math.max(...(await run(stream, new Float32Array(VAD_WINDOW * 30))).slice(-12))).toBeLessThan(0.2);
  });

  it('refuses windows of another size', async () => {
    const stream = model.createStream();
    await expect(stream.process(new Float32Array(VAD_WINDOW - 1))).rejects.toThrow(RangeError);
  });
});
