/**
 * A unidirectional DeepSpeech2 through the live recogniser: it streams, the stream gives what the whole utterance gives,
 * and a second of audio costs the same however long a session is.
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPushDecoder } from '../audio/index.js';
import type { DecodedHypothesis } from '../decoding/contract.js';
import type { CtcRuntime } from '../models/contract.js';
import { readPackage, type ModelPackage } from '../models/index.js';
import { VAD_WINDOW } from '../vad/contract.js';
import { DEFAULT_LIVE_ENDPOINT } from '../vad/endpointer.js';
import type { LiveEvent } from './contract.js';
import { RecognitionEngine } from './engine.js';
import { StreamingRecognizer, type StreamingOptions } from './streaming.js';

const RATE = 16_000;
type Final = Extract<LiveEvent, { type: 'final' }>;

/** Turns of speech, with silence of 0.7 s around each, as 16-bit samples. */
function spoken(turns: readonly number[]): Uint8Array {
  const pause = new Int16Array(0.7 * RATE);
  const parts = turns.flatMap((seconds, turn) => [
    Int16Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
      const t = i / RATE;
      const pitch = 130 + 70 * Math.sin(4 * t + turn) + 150 * ((Math.floor(t * 6) * 7 + turn) % 8);
      return 6000 * Math.sin(6.28 * pitch * t) + 3000 * Math.sin(6.28 * 2.7 * pitch * t);
    }),
    pause,
  ]);
  return new Uint8Array(Buffer.concat([pause, ...parts].map(({ buffer }) => new Uint8Array(buffer))));
}

/** Speech is where it is loud. */
const loudness = {
  process: (samples: Float32Array): Promise<Float32Array> =>
    Promise.resolve(
      Float32Array.from({ length: samples.length / VAD_WINDOW }, (_, n) =>
        samples.subarray(n * VAD_WINDOW, (n + 1) * VAD_WINDOW).some((value) => Math.abs(value) > 0.05)
          ? 0.9
          : 0.02,
      ),
    ),
};

/** The package with a front end that a stream computes exactly as files do. */
function exact({ directory, manifest }: ModelPackage): ModelPackage {
  const { frontEnd, encoder } = manifest;
  if (frontEnd.kind !== 'kaldi-fbank') throw new Error('not a filter bank');
  const normalize = {
    kind: 'fixed' as const,
    mean: new Array<number>(frontEnd.numMels).fill(13),
    inverseStd: new Array<number>(frontEnd.numMels).fill(0.3),
  };
  const streaming = { ...encoder.streaming!, frontEnd: undefined };
  return {
    directory,
    manifest: { ...manifest, frontEnd: { ...frontEnd, normalize }, encoder: { ...encoder, streaming } },
  };
}

let model: ModelPackage;
let running: RecognitionEngine;
let precise: RecognitionEngine;
beforeAll(async () => {
  model = await readPackage(fileURLToPath(new URL('../../test/fixtures/packages/tiny-ds2', import.meta.url)));
  running = await RecognitionEngine.load(model);
  precise = await RecognitionEngine.load(exact(model));
});
afterAll(async () => {
  await running.close();
  await precise.close();
});

async function open(
  engine: RecognitionEngine,
  options: Partial<StreamingOptions> = {},
): Promise<StreamingRecognizer> {
  const decoder = await createPushDecoder('pcm_s16le', { sampleRate: RATE, channels: 1 });
  const endpoint = DEFAULT_LIVE_ENDPOINT;
  return new StreamingRecognizer(engine, decoder, loudness, { endpoint, partialIntervalMs: 200, ...options });
}

async function finals(
  engine: RecognitionEngine,
  pcm: Uint8Array,
  size: number,
  options?: Partial<StreamingOptions>,
): Promise<Final['segment'][]> {
  const stream = await open(engine, options);
  const events: LiveEvent[] = [];
  for (let from = 0; from < pcm.length; from += size)
    events.push(...(await stream.feed(pcm.subarray(from, from + size))).events);
  events.push(...(await stream.finish()).events);
  stream.close();
  return events.flatMap((event) => (event.type === 'final' ? [event.segment] : []));
}

/** What the whole utterances give that these segments are. */
async function whole(
  engine: RecognitionEngine,
  pcm: Uint8Array,
  segments: readonly Final['segment'][],
): Promise<DecodedHypothesis[]> {
  const samples = Float32Array.from(new Int16Array(pcm.buffer), (value) => value / 32768);
  const found: DecodedHypothesis[] = [];
  for (const { start, end } of segments) {
    const { hypotheses } = await engine.recognize(
      samples.subarray(Math.round(start * RATE), Math.round(end * RATE)),
    );
    found.push(hypotheses[0]!);
  }
  return found;
}

function runtimeOf(engine: RecognitionEngine): CtcRuntime {
  return (engine.family as unknown as { runtime: CtcRuntime }).runtime;
}

/** Segments have it in thousandths. */
function expectConfidence(found: number, expected: number): void {
  expect(Math.abs(found - expected)).toBeLessThan(6e-4);
}

const TURNS = [1.1, 2.6, 0.25, 4.2];

describe('a DeepSpeech2 in one direction', () => {
  it('gives live exactly what whole utterances give, whatever the pieces', async () => {
    const pcm = spoken(TURNS);
    const decoding = { beamWidth: 4, alternatives: 2 };
    for (const options of [{}, { decoding }]) {
      const segments = await finals(precise, pcm, 3200, options);
      expect(segments.length).toBe(TURNS.length);
      for (const size of [320, 25_001]) expect(await finals(precise, pcm, size, options)).toEqual(segments);
      if ('decoding' in options) continue;
      const expected = await whole(precise, pcm, segments);
      expect(segments.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
      expect(segments.map(({ text }) => text).join('')).not.toBe('');
      segments.forEach(({ confidence, words }, i) => {
        expectConfidence(confidence, expected[i]!.confidence);
        expect(words.length).toBe(expected[i]!.words.length);
      });
    }
  });

  it('gives the same to many sessions at once that began at different times', async () => {
    const all = [TURNS, [2, 0.4], [0.3, 3.1, 0.9], [5]].map(spoken);
    const alone: Final['segment'][][] = [];
    for (const pcm of all) alone.push(await finals(precise, pcm, 3200));
    const run = vi.spyOn(runtimeOf(precise).streaming!, 'run');
    const together = await Promise.all(
      all.map((pcm, n) => finals(precise, pcm, [3200, 6400, 1280, 4000][n]!)),
    );
    expect(Math.max(...run.mock.calls.map(([chunks]) => chunks.length))).toBeGreaterThan(1);
    run.mockRestore();
    together.forEach((segments, n) => {
      expect(segments.map(({ text, start, end }) => [text, start, end])).toEqual(
        alone[n]!.map(({ text, start, end }) => [text, start, end]),
      );
      segments.forEach(({ confidence }, i) => expectConfidence(confidence, alone[n]![i]!.confidence));
    });
  });

  it('computes on the same number of frames for each second of a long session, and never on more at once', async () => {
    const run = vi.spyOn(runtimeOf(running).streaming!, 'run');
    const utterance = vi.spyOn(runtimeOf(running), 'run');
    const stream = await open(running);
    const pcm = spoken([4.3]);
    const frames: number[] = [];
    for (let turn = 0; turn < 24; turn++) {
      run.mockClear();
      for (let from = 0; from < pcm.length; from += 3200) await stream.feed(pcm.subarray(from, from + 3200));
      const windows = run.mock.calls.flatMap(([chunks]) => chunks.map(({ features }) => features.frames));
      expect(Math.max(...windows)).toBeLessThanOrEqual(runtimeOf(running).streaming!.windowFrames);
      frames.push(windows.reduce((sum, count) => sum + count, 0));
    }
    stream.close();
    expect(utterance).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    // The first turn has silence before it; windows fall differently on the others.
    const later = frames.slice(1);
    expect(Math.max(...later)).toBeLessThan(1.1 * Math.min(...later));
  });

  it('costs as much for a second in a long utterance as in a short one', async () => {
    const run = vi.spyOn(runtimeOf(running).streaming!, 'run');
    const stream = await open(running, { endpoint: { ...DEFAULT_LIVE_ENDPOINT, maxUtteranceMs: 60_000 } });
    const pcm = spoken([40]);
    const frames: number[] = [];
    for (let from = 0; from < 40 * 2 * RATE; from += 2 * RATE) {
      run.mockClear();
      await stream.feed(pcm.subarray(from, from + 2 * RATE));
      frames.push(
        run.mock.calls.flatMap(([chunks]) => chunks).reduce((sum, { features }) => sum + features.frames, 0),
      );
    }
    stream.close();
    run.mockRestore();
    const later = frames.slice(2);
    const { windowFrames } = runtimeOf(running).streaming!;
    expect(Math.max(...later) - Math.min(...later)).toBeLessThanOrEqual(windowFrames);
  });

  it('normalises by what was heard so far where files are normalised by utterance, and exactly in a second pass', async () => {
    const pcm = spoken(TURNS);
    const twice = await finals(running, pcm, 3200, { secondPass: true });
    const expected = await whole(running, pcm, twice);
    expect(twice.map(({ text }) => text)).toEqual(expected.map(({ text }) => text));
    twice.forEach(({ confidence }, i) => expectConfidence(confidence, expected[i]!.confidence));
    // An utterance that ends before a window is full was heard to its end when it is computed.
    const endpoint = { ...DEFAULT_LIVE_ENDPOINT, prefixPaddingMs: 0, suffixPaddingMs: 0, minSpeechMs: 60 };
    const short = spoken([0.2]);
    const [once] = await finals(running, short, 3200, { endpoint });
    expect(once!.end - once!.start).toBeLessThan(runtimeOf(running).streaming!.windowFrames / 100);
    const [same] = await whole(running, short, [once!]);
    expect(once!.text).toBe(same!.text);
    expectConfidence(once!.confidence, same!.confidence);
  });
});
