/** Sessions that outlive their connections: one transcript, without a lost or doubled word. */
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seeded } from '../scripts/lib/random.mjs';
import { Outbox, OUTBOX_BYTES } from '../src/live/protocols/outbox.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer, testService } from './http-support.js';
import { LiveClient, liveService, until, wavData, type LiveService } from './live-support.js';
import { flakyProxy, ResilientClient } from './live-resume-support.js';

const AUDIO = wavData(fileURLToPath(new URL('../test-audio/dialogue.wav', import.meta.url)));

let recognizer: Recognizer;
let service: LiveService;
let undisturbed: { text: string; start: number; end: number }[];
const port = (of: LiveService): number => Number(of.host.split(':')[1]);

beforeAll(async () => {
  recognizer = await startRecognizer(1);
  service = await liveService(recognizer, { live: { resumeMs: 2000 } });
  const client = await LiveClient.open(service.url, { options: { intents: false } });
  await client.play(AUDIO, 3200);
  await client.finish();
  undisturbed = client.of('final').map(({ text, start, end }) => ({ text, start, end }));
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

it.each([
  { name: 'drops every second of audio', dropBytes: 32_000, piece: 4096, pieceBytes: 3200 },
  { name: 'drops every few messages, in pieces of some bytes', dropBytes: 9000, piece: 61, pieceBytes: 1601 },
  { name: 'drops in messages of seconds', dropBytes: 200_000, piece: 16_384, pieceBytes: 300_001 },
])(
  'hears the same through a network that $name',
  async ({ dropBytes, piece, pieceBytes }) => {
    const random = seeded(7 + dropBytes);
    const proxy = await flakyProxy(() => port(service), random, { dropBytes, piece });
    const client = new ResilientClient(() => `ws://127.0.0.1:${proxy.port}/v1/stream`, AUDIO, pieceBytes);
    try {
      await client.run(60_000);
    } finally {
      proxy.close();
    }
    expect(proxy.drops).toBeGreaterThan(1);
    expect(client.errors).toEqual([]);
    expect(client.restarts).toBe(0);
    expect(client.finals.map(({ text, start, end }) => ({ text, start, end }))).toEqual(undisturbed);
    expect(client.finals.map(({ utterance }) => utterance)).toEqual(undisturbed.map((_, n) => n));
    await until(() => recognizer.stats().liveStreams === 0);
  },
  90_000,
);

it('goes on with another server where the first one was shut down, also within a word', async () => {
  let first = await testService(recognizer, {});
  await first.app.listen({ host: '127.0.0.1', port: 0 });
  const { port: address } = first.app.server.address() as AddressInfo;
  const client = new ResilientClient(() => `ws://127.0.0.1:${address}/v1/stream`, AUDIO, 3200, 12);
  const done = client.run(60_000);
  for (const utterances of [2, 5]) {
    await until(() => client.finals.length >= utterances, 20_000);
    await first.close();
    first = await testService(recognizer, {});
    await first.app.listen({ host: '127.0.0.1', port: address });
  }
  await done;
  await first.close();
  expect(client.restarts).toBe(2);
  expect(client.errors).toContain('shutting_down');
  expect(client.text).toEqual(undisturbed.map(({ text }) => text));
  for (const [n, { utterance, start, end }] of client.finals.entries()) {
    expect(utterance).toBe(n);
    // The detector starts anew: a window more or less of padding.
    expect(Math.abs(start - undisturbed[n].start)).toBeLessThan(0.35);
    expect(Math.abs(end - undisturbed[n].end)).toBeLessThan(0.35);
  }
}, 90_000);

it('keeps a session for so long and no longer, and gives it to nobody without its token', async () => {
  const socket = new WebSocket(service.url);
  const messages: { type: string; session?: string; resume?: { token: string; seconds: number } }[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  await new Promise((resolve) => socket.once('open', resolve));
  socket.send(JSON.stringify({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, resumable: true }));
  await until(() => messages.length > 0);
  const { session, resume } = messages[0];
  expect(resume!.seconds).toBe(2);
  socket.terminate();
  const take = async (token: string, seq = 1): Promise<LiveClient> => {
    const client = await LiveClient.connect(service.url);
    client.say({ type: 'resume', session, token, seq });
    return client;
  };
  const thief = await take('x'.repeat(resume!.token.length));
  expect((await thief.closed).code).toBe(1008);
  expect(thief.codes).toEqual(['session_not_found']);
  // A number that was never told is no place to go on from; the session stays.
  const confused = await take(resume!.token, 99);
  expect((await confused.closed).code).toBe(1008);
  const owner = await take(resume!.token);
  await owner.next('resumed');
  // A second connection of the owner takes over from the first.
  const again = await take(resume!.token);
  await again.next('resumed');
  await owner.closed;
  again.socket.terminate();
  await again.closed;
  await new Promise((resolve) => setTimeout(resolve, 2400));
  const late = await take(resume!.token);
  expect((await late.closed).reason).toBe('session_not_found');
  await until(() => recognizer.stats().liveStreams === 0);
});

it('tells the last words again to a client that lost them, and keeps nothing of one that left', async () => {
  const first = await LiveClient.connect(service.url);
  first.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, resumable: true });
  const ready = await first.next('ready');
  first.socket.send(AUDIO.subarray(0, 64_000));
  first.say({ type: 'finish' });
  // The connection breaks while the last words are on their way.
  first.socket.terminate();
  await first.closed;
  await until(() => recognizer.stats().liveStreams === 0);
  const second = await LiveClient.connect(service.url);
  second.say({ type: 'resume', session: ready.session, token: ready.resume!.token, seq: 1 });
  expect(await second.closed).toEqual({ code: 1000, reason: 'finished' });
  expect(second.of('resumed')[0].bytes).toBe(64_000);
  expect(second.text).not.toBe('');
  expect(second.messages.at(-1)!.type).toBe('closed');
  const third = await LiveClient.connect(service.url);
  third.say({ type: 'resume', session: ready.session, token: ready.resume!.token, seq: 1 });
  expect((await third.closed).reason).toBe('session_not_found');
});

it('numbers messages, forgets what was superseded or seen, and knows what it has lost', () => {
  const outbox = new Outbox();
  outbox.add({ type: 'partial', text: 'a' }, true);
  outbox.add({ type: 'partial', text: 'ab' }, true);
  outbox.add({ type: 'final', text: 'abc' }, false);
  outbox.add({ type: 'final', text: 'd' }, false);
  const kept = (seq: number): string[] | undefined =>
    outbox.after(seq)?.map((message) => (JSON.parse(message) as { text: string }).text);
  expect(kept(0)).toEqual(['abc', 'd']);
  expect(kept(3)).toEqual(['d']);
  expect(kept(4)).toEqual([]);
  expect(kept(5)).toBeUndefined();
  outbox.seen(3);
  expect(kept(3)).toEqual(['d']);
  const long = 'x'.repeat(OUTBOX_BYTES / 4);
  for (let n = 0; n < 5; n++) outbox.add({ type: 'final', text: long }, false);
  expect(kept(3)).toBeUndefined();
  expect(kept(8)).toHaveLength(1);
});
