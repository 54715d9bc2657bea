/** Hostile clients: whatever is sent, the answer is a defined error, the process lives, and nothing is kept. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ERRORS } from '../src/errors.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import { LiveClient, liveService, until } from './live-support.js';
import type { LiveService } from './live-support.js';

const MESSAGES = 400;
const PER_SOCKET = 8;

let recognizer: Recognizer;
let service: LiveService;

beforeAll(async () => {
  recognizer = await startRecognizer(1);
  service = await liveService(recognizer);
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

/** Mulberry32: the same messages in every run. */
function randomness(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = randomness(20_261_123);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
const bytes = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));

const ENCODINGS = [
  'pcm_s16le',
  'pcm_f32le',
  'mulaw',
  'alaw',
  'webm_opus',
  'ogg_opus',
  'flac',
  '',
  'constructor',
];
const WILD: readonly unknown[] = [
  null,
  -1,
  0,
  1e308,
  '',
  'x'.repeat(5000),
  [],
  {},
  true,
  { type: {} },
  '\u0000\ud800',
];

function hello(): Record<string, unknown> {
  const message: Record<string, unknown> = {
    type: 'hello',
    encoding: pick(ENCODINGS),
    sample_rate: pick([8000, 16_000, 44_100, 48_000, 4000, 192_000]),
    channels: pick([1, 1, 1, 2, 8]),
    options: { silence_ms: pick([64, 400, 9000]), threshold: pick([0.01, 0.5, 0.99]) },
  };
  if (random() < 0.4)
    message[pick(['encoding', 'sample_rate', 'channels', 'model', 'venue', 'options'])] = pick(WILD);
  return message;
}

function mutate(text: string): string {
  const at = Math.floor(random() * text.length);
  return text.slice(0, at) + pick(['', '"', '{', '\\', '\u0000', '가', '9'.repeat(400)]) + text.slice(at + 1);
}

function message(): string | Buffer {
  const roll = random();
  if (roll < 0.25) return JSON.stringify(hello());
  if (roll < 0.45) return mutate(JSON.stringify(hello()));
  if (roll < 0.6)
    return JSON.stringify({ type: pick(['flush', 'finish', 'ping', 'bye', '__proto__']), x: pick(WILD) });
  if (roll < 0.7) return JSON.stringify(pick(WILD));
  if (roll < 0.75) return bytes(300).toString('latin1');
  if (roll < 0.78) return '['.repeat(50_000);
  // NaN and infinity as float samples, loud noise as PCM, junk as containers.
  return roll < 0.85
    ? Buffer.alloc(4000, Buffer.from([0, 0, 0xc0, 0x7f]))
    : bytes(Math.floor(random() * 20_000));
}

function collected(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function attack(sockets: number): Promise<string[]> {
  const codes: string[] = [];
  for (let index = 0; index < sockets; index += 1) {
    const client = await LiveClient.connect(service.url);
    // Half of them are let in first, so that what follows reaches an open session.
    if (random() < 0.5)
      client.say({ type: 'hello', encoding: pick(ENCODINGS.slice(0, 6)), sample_rate: 16_000 });
    for (let i = 0; i < PER_SOCKET; i += 1) client.socket.send(message());
    const manner = random();
    if (manner < 0.3) client.socket.terminate();
    else if (manner < 0.5) client.socket.close();
    else client.say({ type: 'finish' });
    await client.closed;
    codes.push(...client.codes);
    if (client.messages.length > 0 && manner >= 0.5) expect(client.messages.at(-1)!.type).toBe('closed');
  }
  return codes;
}

it(`answers ${String(MESSAGES)} hostile messages with defined errors and keeps nothing`, async () => {
  await attack(10);
  const before = collected();
  const codes = await attack(MESSAGES / PER_SOCKET);
  expect(new Set(codes).size).toBeGreaterThan(4);
  for (const code of codes) expect(Object.keys(ERRORS)).toContain(code);
  expect(codes).not.toContain('internal_error');

  await until(() => recognizer.stats().liveStreams === 0);
  expect(service.app.websocketServer.clients.size).toBe(0);
  expect(recognizer.stats().restarts).toBe(0);
  expect((collected() - before) / 2 ** 20).toBeLessThan(8);
  // And it still works.
  const client = await LiveClient.open(service.url);
  client.socket.send(new Uint8Array(32_000));
  expect(await client.finish()).toEqual({ code: 1000, reason: 'finished' });
}, 60_000);
