import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCounts, rate, scoreCharacters } from '../korean/scoring.js';
import type { LiveEvent, LiveStream, Recognizer } from './contract.js';
import { createRecognizer } from './index.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const clip = (name: string): string => join(root, 'test-audio', name);
const clips = readFileSync(clip('manifest.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { audio: string; text: string });
const short = { audio: 'reserve-a3.wav' };
const long = clips.find((one) => one.audio.includes('dialogue'))!;

let recognizer: Recognizer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-recognizer-'));
  recognizer = await createRecognizer({
    modelsDir: join(root, 'models'),
    workers: 2,
    queueLimit: 4,
    maxStreams: 3,
  });
  await recognizer.start();
});
afterAll(async () => {
  await recognizer.close();
  await rm(folder, { recursive: true, force: true });
});

/** 16-bit samples of a canonical 16 kHz wav: the clips were made with a 44-byte header. */
const pcm = (name: string): Uint8Array => {
  const file = readFileSync(clip(name));
  const data = file.indexOf('data') + 8;
  return new Uint8Array(file.subarray(data));
};

const finals = (events: readonly LiveEvent[]): string =>
  events.flatMap((event) => (event.type === 'final' ? [event.segment.text] : [])).join(' ');

const open = (): Promise<LiveStream> =>
  recognizer.openStream({ encoding: 'pcm_s16le', sampleRate: 16000, channels: 1 });

async function stream(bytes: Uint8Array, pieceBytes: number): Promise<LiveEvent[]> {
  const live = await open();
  const events: LiveEvent[] = [];
  for (let from = 0; from < bytes.length; from += pieceBytes) {
    events.push(...(await live.feed(bytes.slice(from, from + pieceBytes))).events);
  }
  events.push(...(await live.finish()).events);
  return events;
}

describe('offline recognition', () => {
  it('recognises every clip of test-audio, in every format', async () => {
    let total = { substitutions: 0, deletions: 0, insertions: 0, referenceLength: 0 };
    for (const { audio, text } of clips) {
      const transcript = await recognizer.transcribeFile(clip(audio));
      expect(transcript.duration, audio).toBeGreaterThan(1);
      total = addCounts(total, scoreCharacters(text, transcript.text, { spaces: false }));
    }
    expect(rate(total)).toBeLessThan(0.4);
  });

  it('gives words inside their segment, in order, with confidences', async () => {
    const { segments, duration } = await recognizer.transcribeFile(clip(long.audio));
    expect(segments.length).toBeGreaterThan(2);
    let last = 0;
    for (const segment of segments) {
      expect(segment.text.normalize('NFC')).toBe(segment.text);
      expect(segment.words.map((word) => word.word).join(' ')).toBe(segment.text);
      for (const word of segment.words) {
        expect(word.start).toBeGreaterThanOrEqual(last);
        expect(word.end).toBeGreaterThan(word.start);
        expect(word.confidence).toBeGreaterThanOrEqual(0);
        expect(word.confidence).toBeLessThanOrEqual(1);
        last = word.start;
      }
      expect(segment.end).toBeLessThanOrEqual(duration + 0.05);
    }
  });

  it('reports segments and progress while it works', async () => {
    const seen: number[] = [];
    const done: number[] = [];
    const transcript = await recognizer.transcribeFile(clip(long.audio), {
      onSegment: (segment) => seen.push(segment.id),
      onProgress: (seconds) => done.push(seconds),
    });
    expect(seen).toEqual(transcript.segments.map((segment) => segment.id));
    expect(done.at(-1)).toBeCloseTo(transcript.duration, 3);
    expect([...done].sort((a, b) => a - b)).toEqual(done);
  });

  it('stops when cancelled, and works on', async () => {
    const controller = new AbortController();
    const work = recognizer.transcribeFile(clip(long.audio), {
      signal: controller.signal,
      onProgress: () => controller.abort(),
    });
    await expect(work).rejects.toMatchObject({ code: 'cancelled' });
    await expect(recognizer.check()).resolves.toBeUndefined();
  });

  it('names what is wrong with a file or a request', async () => {
    const empty = join(folder, 'empty.wav');
    await writeFile(empty, '');
    await expect(recognizer.transcribeFile(empty)).rejects.toMatchObject({ code: 'audio_empty' });
    const text = join(folder, 'text.wav');
    await writeFile(text, 'this is not audio '.repeat(100));
    await expect(recognizer.transcribeFile(text)).rejects.toMatchObject({ code: 'audio_unrecognized' });
    await expect(recognizer.transcribeFile(clip(short.audio), { model: 'nope' })).rejects.toMatchObject({
      code: 'model_not_found',
    });
    await expect(recognizer.transcribeFile(clip(long.audio), { maxSeconds: 2 })).rejects.toMatchObject({
      code: 'audio_too_long',
    });
    await expect(
      recognizer.transcribeFile(clip(short.audio), { endpoint: { threshold: 7 } }),
    ).rejects.toMatchObject({ code: 'invalid_field', param: 'threshold' });
  });

  it('stops soon when it is cancelled within hours of silence', async () => {
    const silence = join(folder, 'silence.raw');
    await writeFile(silence, Buffer.alloc(8000 * 7200, 0xff));
    const raw = { encoding: 'mulaw', sampleRate: 8000, channels: 1 } as const;
    const started = performance.now();
    const signal = AbortSignal.timeout(200);
    await expect(recognizer.transcribeFile(silence, { raw, signal })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect(performance.now() - started).toBeLessThan(4000);
  });

  it.skipIf(process.platform !== 'linux')('closes a file whose opening was cancelled', async () => {
    const path = join(folder, 'opened.wav');
    await copyFile(clip(short.audio), path);
    const openHandles = async (): Promise<number> => {
      const descriptors = await readdir('/proc/self/fd');
      const targets = await Promise.all(
        descriptors.map((one) => readlink(`/proc/self/fd/${one}`).catch(() => '')),
      );
      return targets.filter((target) => target === path).length;
    };
    for (let round = 0; round < 5; round += 1) {
      const controller = new AbortController();
      const cancelled = recognizer.transcribeFile(path, { signal: controller.signal });
      setImmediate(() => controller.abort());
      await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
      await recognizer.check();
    }
    expect(await openHandles()).toBe(0);
  });

  it('refuses files beyond its queue and serves those within', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 14 }, () => recognizer.transcribeFile(clip(short.audio))),
    );
    const refused = results.filter((one) => one.status === 'rejected');
    expect(results.length - refused.length).toBe(12); // 2 workers x 4 at once, 4 waiting
    for (const one of refused)
      expect((one as PromiseRejectedResult).reason).toMatchObject({ code: 'queue_full' });
    expect(recognizer.stats()).toMatchObject({ busy: 0, queued: 0 });
  });
});

describe('live recognition', () => {
  it('gives no moment of the audio to two utterances, a flush between them or not', async () => {
    const live = await open();
    const events: LiveEvent[] = [];
    const take = async (result: ReturnType<LiveStream['feed']>): Promise<void> =>
      void events.push(...(await result).events);
    const bytes = pcm(short.audio);
    const half = bytes.subarray(0, 51_000);
    for (let pause = 100; pause <= 400; pause += 50) {
      await take(live.feed(half));
      await take(live.feed(new Uint8Array(pause * 32 + 200)));
      await take(live.flush());
    }
    await take(live.finish());
    const segments = events.flatMap((event) => (event.type === 'final' ? [event.segment] : []));
    expect(segments.length).toBeGreaterThan(3);
    for (const [index, segment] of segments.slice(1).entries()) {
      expect(segment.start).toBeGreaterThanOrEqual(segments[index].end);
    }
  });

  it('does not depend on how the bytes were split', async () => {
    const bytes = pcm(short.audio);
    const whole = await stream(bytes, bytes.length);
    const odd = await stream(bytes, 1601);
    const large = await stream(bytes, 32_000);
    expect(finals(whole)).not.toBe('');
    expect(finals(odd)).toBe(finals(whole));
    expect(finals(large)).toBe(finals(whole));
  });

  it('orders events: start, partials, end, final; at least three partials a second of speech', async () => {
    const events = await stream(pcm(short.audio), 1280);
    const kinds = events.map((event) => event.type);
    expect(kinds[0]).toBe('speech_start');
    expect(kinds.at(-1)).toBe('final');
    const partials = events.filter((event) => event.type === 'partial');
    const final = events.find((event) => event.type === 'final')!;
    expect(partials.length / (final.segment.end - final.segment.start)).toBeGreaterThan(3);
  });

  it('keeps the last word when the audio stops with it', async () => {
    const bytes = pcm(short.audio);
    const offline = await recognizer.transcribeFile(clip(short.audio));
    const end = Math.ceil(offline.segments.at(-1)!.words.at(-1)!.end * 16000 + 800) * 2;
    const cut = finals(await stream(bytes.slice(0, end), 640));
    expect(cut.slice(-2)).toBe(offline.text.slice(-2));
  });

  it('finalises on flush and goes on without losing samples', async () => {
    const bytes = pcm(short.audio);
    const live = await open();
    const first = await live.feed(bytes);
    const flushed = await live.flush();
    const second = await live.feed(bytes);
    const rest = await live.finish();
    const events = [first, flushed, second, rest].flatMap((result) => result.events);
    expect(events.filter((event) => event.type === 'final')).toHaveLength(2);
    expect(finals([...first.events, ...flushed.events])).toBe(finals(await stream(bytes, bytes.length)));
    expect(rest.audioSeconds).toBeCloseTo(bytes.length / 16000, 2);
  });

  it('keeps streams apart and refuses more than it may hold', async () => {
    const bytes = pcm(short.audio);
    const [a, b, c] = await Promise.all([open(), open(), open()]);
    await expect(open()).rejects.toMatchObject({ code: 'too_many_sessions' });
    const texts = { a: [] as LiveEvent[], b: [] as LiveEvent[] };
    for (let from = 0; from < bytes.length; from += 6400) {
      const piece = bytes.slice(from, from + 6400);
      const [one, two] = await Promise.all([a.feed(piece), b.feed(new Uint8Array(piece.length))]);
      texts.a.push(...one.events);
      texts.b.push(...two.events);
    }
    texts.a.push(...(await a.finish()).events);
    texts.b.push(...(await b.finish()).events);
    c.close();
    c.close();
    expect(finals(texts.a)).toBe(finals(await stream(bytes, 6400)));
    expect(texts.b).toEqual([]);
    expect(recognizer.stats().liveStreams).toBe(0);
  });

  it('says what its threads do for live streams, and what a second costs by a trial', async () => {
    const own = await createRecognizer({ modelsDir: join(root, 'models'), workers: 1, rehearse: true });
    try {
      await own.start();
      // The trial is no work for a client, and leaves nothing open.
      expect(own.stats()).toMatchObject({ liveBusySeconds: 0, liveStreams: 0 });
      const { liveCost } = own.stats();
      expect(liveCost).toBeGreaterThan(0.001);
      const live = await own.openStream({ encoding: 'pcm_s16le', sampleRate: 16000, channels: 1 });
      const started = performance.now();
      await live.feed(pcm(short.audio));
      await live.finish();
      const { liveBusySeconds } = own.stats();
      expect(liveBusySeconds).toBeGreaterThan(0.001);
      expect(liveBusySeconds).toBeLessThan((performance.now() - started) / 1000 + 1);
    } finally {
      await own.close();
    }
    expect(recognizer.stats().liveCost).toBeUndefined();
  });

  it('gives nothing for no audio', async () => {
    const live = await open();
    expect((await live.finish()).events).toEqual([]);
  });
});
