/** Live recognition with models that stream and with ones that do not, over a scripted voice activity detector. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createPushDecoder } from '../audio/index.js';
import { readPackage } from '../models/index.js';
import { VAD_WINDOW } from '../vad/contract.js';
import { DEFAULT_LIVE_ENDPOINT } from '../vad/endpointer.js';
import type { LiveEvent } from './contract.js';
import { RecognitionEngine } from './engine.js';
import { isStreaming } from './families/index.js';
import { StreamingRecognizer, type StreamingOptions } from './streaming.js';

const RATE = 16_000;
/** Seconds of speech and of silence, in turn. */
const TURNS = [0.3, 2.4, 0.8, 1.2, 1.0, 5.5, 0.9, 0.7];

/** 16-bit samples; what is spoken is loud and changes all the time. */
const pcm = ((): Uint8Array => {
  const parts = TURNS.map((seconds, turn) =>
    Int16Array.from({ length: Math.round(seconds * RATE) }, (_, i) => {
      if (turn % 2 === 0) return 0;
      const t = i / RATE;
      const pitch = 130 + 70 * Math.sin(4 * t + turn) + 150 * ((Math.floor(t * 6) * 7 + turn) % 8);
      return 6000 * Math.sin(6.28 * pitch * t) + 3000 * Math.sin(6.28 * 2.7 * pitch * t);
    }),
  );
  const all = new Int16Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return new Uint8Array(all.buffer);
})();

/** Speech is where it is loud. */
const loudness = {
  process: (samples: Float32Array): Promise<Float32Array> =>
    Promise.resolve(
      Float32Array.from({ length: samples.length / VAD_WINDOW }, (_, n) => {
        const window = samples.subarray(n * VAD_WINDOW, (n + 1) * VAD_WINDOW);
        return window.reduce((sum, value) => sum + Math.abs(value), 0) / VAD_WINDOW > 0.02 ? 0.9 : 0.02;
      }),
    ),
};

type Final = Extract<LiveEvent, { type: 'final' }>;
const finals = (events: readonly LiveEvent[]): Final[] =>
  events.filter((event): event is Final => event.type === 'final');
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../test/fixtures/packages/${name}`, import.meta.url));

/** Models whose streams see less than all of an utterance, or know less of it: a second pass may say something else. */
const NARROW: ReadonlySet<string> = new Set(['tiny-conformer', 'tiny-ds2']);

describe.each(['tiny-conformer', 'tiny-ds2', 'tiny-coqui', 'tiny-ctc'])('%s', (name) => {
  let engine: RecognitionEngine;
  beforeAll(async () => {
    engine = await RecognitionEngine.load(await readPackage(fixture(name)));
  });
  afterAll(() => engine.close());

  const open = async (options: Partial<StreamingOptions> = {}): Promise<StreamingRecognizer> =>
    new StreamingRecognizer(
      engine,
      await createPushDecoder('pcm_s16le', { sampleRate: RATE, channels: 1 }),
      loudness,
      { endpoint: DEFAULT_LIVE_ENDPOINT, partialIntervalMs: 200, ...options },
    );

  async function events(size: number, options: Partial<StreamingOptions> = {}): Promise<LiveEvent[]> {
    const stream = await open(options);
    const found: LiveEvent[] = [];
    for (let from = 0; from < pcm.length; from += size) {
      found.push(...(await stream.feed(pcm.subarray(from, from + size))).events);
    }
    found.push(...(await stream.finish()).events);
    stream.close();
    return found;
  }

  const samples = (from: number, to: number): Float32Array =>
    Float32Array.from(new Int16Array(pcm.buffer).subarray(from, to), (value) => value / 32768);

  it('gives each utterance what its samples alone give, however the audio is cut', async () => {
    const expected = finals(await events(3200));
    expect(expected.length).toBe(TURNS.length / 2);
    for (const size of [640, 25_001, pcm.length]) expect(finals(await events(size))).toEqual(expected);
    const again = finals(await events(3200, { secondPass: true }));
    for (const [index, { segment }] of again.entries()) {
      // Both begin and end at the same samples.
      expect([segment.start, segment.end]).toEqual([
        expected[index].segment.start,
        expected[index].segment.end,
      ]);
      const { hypotheses } = await engine.recognize(
        samples(Math.round(segment.start * RATE), Math.round(segment.end * RATE)),
      );
      if (NARROW.has(name)) expect(segment.text).toBe(hypotheses[0]!.text);
      else expect(expected[index].segment.text).toBe(hypotheses[0]!.text);
    }
  });

  it('tells partial texts while someone speaks, and keeps what it says is stable, across cuts too', async () => {
    for (const maxUtteranceMs of [20_000, 1500]) {
      const endpoint = { ...DEFAULT_LIVE_ENDPOINT, maxUtteranceMs };
      let stable = '';
      let partials = 0;
      let utterance = -1;
      for (const event of await events(1600, { endpoint, decoding: { beamWidth: 4 } })) {
        if (event.type === 'speech_start') {
          ({ utterance } = event);
          stable = '';
        } else if (event.type === 'partial') {
          expect(event.utterance).toBe(utterance);
          expect(event.end).toBeGreaterThan(event.start);
          expect(event.text.startsWith(stable)).toBe(true);
          stable = event.text.slice(0, event.stable);
          partials += 1;
        } else if (event.type === 'final') expect(event.segment.text.startsWith(stable)).toBe(true);
      }
      expect(partials).toBeGreaterThan(4);
    }
  });

  it('has no stable words where a second pass may change all', async () => {
    const partials = (await events(1600, { secondPass: true })).filter(({ type }) => type === 'partial');
    expect(partials.length).toBeGreaterThan(4);
    if (!NARROW.has(name)) return;
    for (const event of partials) expect(event).toMatchObject({ stable: 0 });
  });

  it('ends an utterance when it is flushed, and goes on', async () => {
    const stream = await open();
    const found: LiveEvent[] = [];
    const middle = 2 * RATE * 2;
    found.push(...(await stream.feed(pcm.subarray(0, middle))).events);
    found.push(...(await stream.flush()).events);
    expect(finals(found).length).toBe(1);
    found.push(...(await stream.feed(pcm.subarray(middle))).events);
    found.push(...(await stream.finish()).events);
    const segments = finals(found).map(({ segment }) => segment);
    expect(segments.length).toBe(TURNS.length / 2 + 1);
    expect(segments[1]!.start).toBe(segments[0]!.end);
    stream.close();
  });

  describe('eager ends', () => {
    const eagerly = { endpoint: { ...DEFAULT_LIVE_ENDPOINT, silenceDurationMs: 1500, eagerSilenceMs: 250 } };
    const plain = { endpoint: { ...DEFAULT_LIVE_ENDPOINT, silenceDurationMs: 1500 } };
    const withoutEager = (events: readonly LiveEvent[]): LiveEvent[] =>
      events
        .filter(({ type }) => !type.startsWith('eager'))
        .map((event) => {
          if (event.type !== 'final') return event;
          const { eager: _, ...rest } = event;
          return rest;
        });

    it('are retracted in pauses and confirmed at the end, and change nothing else', async () => {
      for (const secondPass of [false, true]) {
        const told = await events(1600, { ...eagerly, secondPass });
        expect(withoutEager(told)).toEqual(await events(1600, { ...plain, secondPass }));
        // Pauses of 0.8, 1.0 and 0.9 seconds, then the end of the audio.
        const kinds = told.flatMap((event) =>
          event.type.startsWith('eager') ? [event.type] : event.type === 'final' ? [event.eager] : [],
        );
        const pair = ['eager_end', 'eager_retracted'];
        expect(kinds).toEqual([...pair, ...pair, ...pair, undefined]);
        if (secondPass) continue;
        for (const size of [25_001, pcm.length]) {
          const other = await events(size, eagerly);
          const partless = (all: readonly LiveEvent[]) => all.filter(({ type }) => type !== 'partial');
          expect(partless(other)).toEqual(partless(told));
        }
      }
    });

    it('say what the final says where nothing more comes, which is not computed again', async () => {
      const stream = await open({
        endpoint: { ...DEFAULT_LIVE_ENDPOINT, silenceDurationMs: 600, eagerSilenceMs: 250 },
      });
      const found: LiveEvent[] = [];
      let decodings = 0;
      const recognize = vi.spyOn(engine, 'recognize');
      const ended: string[] = [];
      const { family } = engine;
      if (isStreaming(family)) {
        const openStream = family.openStream.bind(family);
        vi.spyOn(family, 'openStream').mockImplementation((options) => {
          const opened = openStream(options);
          const { finish, close } = opened;
          opened.finish = (...args) => (ended.push('finish'), finish.apply(opened, args));
          opened.close = () => (ended.push('close'), close.apply(opened));
          return opened;
        });
      }
      for (let from = 0; from < pcm.length; from += 640) {
        const before = recognize.mock.calls.length;
        const { events } = await stream.feed(pcm.subarray(from, from + 640));
        found.push(...events);
        if (!events.some(({ type }) => type === 'final')) continue;
        decodings += recognize.mock.calls.length - before;
        decodings -= events.filter(({ type }) => type === 'partial').length;
      }
      stream.close();
      vi.restoreAllMocks();
      expect(ended).toEqual(isStreaming(family) ? ['close', 'close', 'close'] : []);
      expect(isStreaming(family) ? 0 : decodings).toBe(0);
      const eager = found.flatMap((event) => (event.type === 'eager_end' ? [event.segment] : []));
      expect(eager.length).toBe(3);
      expect(finals(found)).toMatchObject(eager.map((segment) => ({ segment, eager: 'confirmed' })));
    });

    it.each([
      ['a flush', (stream: StreamingRecognizer) => stream.flush()],
      ['the end of the audio', (stream: StreamingRecognizer) => stream.finish()],
    ])('are confirmed by %s', async (_, end) => {
      const stream = await open(eagerly);
      // In the first pause.
      const found = [...(await stream.feed(pcm.subarray(0, 3.1 * RATE * 2))).events];
      expect(found.at(-1)?.type).toMatch(/eager_end|partial/);
      found.push(...(await end(stream)).events);
      expect(found.filter(({ type }) => type === 'eager_end').length).toBe(1);
      const [final] = finals(found);
      const told = found.find((event) => event.type === 'eager_end')!.segment.text;
      expect(final.eager).toBe(final.segment.text === told ? 'confirmed' : 'changed');
      stream.close();
    });

    it('are settled where an utterance is cut for its length', async () => {
      const endpoint = { ...eagerly.endpoint, maxUtteranceMs: 2700 };
      let open = false;
      let settled = 0;
      for (const event of await events(1600, { endpoint })) {
        if (event.type === 'eager_end') {
          expect(open).toBe(false);
          open = true;
        } else if (event.type === 'eager_retracted' || event.type === 'final') {
          if (event.type === 'final') expect(event.eager !== undefined).toBe(open);
          if (open) settled += 1;
          open = false;
        }
      }
      expect(open).toBe(false);
      expect(settled).toBeGreaterThan(2);
    });
  });

  it('ends an utterance in which the search hears nothing new, if it streams', async () => {
    const endpoint = { ...DEFAULT_LIVE_ENDPOINT, decoderSilenceMs: 1000 };
    // A voice, then a hum that passes for speech and always sounds the same.
    const noisy = new Int16Array(9 * RATE);
    noisy.set(new Int16Array(pcm.buffer).subarray(0, 2.7 * RATE));
    for (let i = 2.7 * RATE; i < noisy.length; i++) noisy[i] = 6000 * Math.sin((6.28 * 100 * i) / RATE);
    const bytes = new Uint8Array(noisy.buffer);
    const hear = async (size: number): Promise<LiveEvent[]> => {
      const stream = await open({ endpoint });
      const found: LiveEvent[] = [];
      for (let from = 0; from < bytes.length; from += size)
        found.push(...(await stream.feed(bytes.subarray(from, from + size))).events);
      found.push(...(await stream.finish()).events);
      stream.close();
      return found.filter(({ type }) => type !== 'partial');
    };
    const found = await hear(1600);
    const ends = finals(found).map(({ segment }) => segment.end);
    if (name === 'tiny-ctc') expect(ends).toEqual([9]);
    else {
      // Soon after the voice, and not at once; tiny-ds2 hears nothing new in it before its end.
      expect(ends[0]).toBeGreaterThan(name === 'tiny-ds2' ? 1.3 : 3.6);
      expect(ends[0]).toBeLessThan(4.7);
    }
    // What nothing was heard in has nothing that could end.
    if (name === 'tiny-conformer') expect(finals(found)[1]?.segment).toMatchObject({ end: 9, text: '' });
    expect(await hear(bytes.length)).toEqual(found);
  });

  it('is cancelled in the middle of an utterance', async () => {
    const stream = await open();
    await stream.feed(pcm.subarray(0, 3 * RATE));
    await expect(stream.finish(AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    stream.close();
  });
});
