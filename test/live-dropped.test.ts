/** Audio that is in no result is told and counted, whatever took it away; and nobody suffers from who writes too fast. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LiveStream, Recognizer } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import { LiveClient, liveService, until, wavData, type LiveService } from './live-support.js';

const clip = wavData(fileURLToPath(new URL('../test-audio/reserve-a3.wav', import.meta.url)));
const SECOND = 32_000;

let recognizer: Recognizer;
const services: LiveService[] = [];

beforeAll(async () => {
  recognizer = await startRecognizer(1);
});
afterAll(async () => {
  for (const service of services) await service.close();
  await recognizer.close();
});

async function serve(live: object, with_ = recognizer): Promise<LiveService> {
  const service = await liveService(with_, { live });
  services.push(service);
  return service;
}

async function seconds(service: LiveService, name: string): Promise<number> {
  const { body } = await service.app.inject('/metrics');
  return body
    .split('\n')
    .filter((line) => line.startsWith(`malgwi_audio_${name}`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}
const accounts = async (service: LiveService) => ({
  received: await seconds(service, 'received_seconds_total'),
  processed: await seconds(service, 'processed_seconds_total'),
  dropped: await seconds(service, 'dropped_seconds_total'),
});

/** The recogniser, each answer so much later. */
function slowed(ms: number): Recognizer {
  return new Proxy(recognizer, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === 'openStream') {
        return async (...args: Parameters<Recognizer['openStream']>): Promise<LiveStream> => {
          const stream = await target.openStream(...args);
          const feed = async (bytes: Uint8Array) => sleep(ms).then(() => stream.feed(bytes));
          return { ...stream, feed };
        };
      }
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

it('a worker thread that dies in the middle of a word', async () => {
  const service = await serve({});
  const client = await LiveClient.open(service.url, { options: { intents: false } });
  await client.play(clip.subarray(0, 2 * SECOND), 3200);
  await client.next('partial');
  const { time } = await client.next('speech_start');
  // As if native code had ended it.
  const { pool } = recognizer as unknown as { pool: { slots: { worker: Worker }[] } };
  await pool.slots[0].worker.terminate();
  await client.play(clip.subarray(2 * SECOND), 3200);
  expect(await client.closed).toEqual({ code: 1011, reason: 'worker_crashed' });
  const closed = client.of('closed')[0];
  // Nothing from the beginning of the word on is in a result.
  expect(closed.dropped_seconds).toBeGreaterThan(closed.audio_seconds - time - 0.6);
  expect(closed.dropped_seconds).toBeGreaterThan(0.5);
  const { received, processed, dropped } = await accounts(service);
  expect(dropped).toBeCloseTo(closed.dropped_seconds, 2);
  expect(processed + dropped).toBeCloseTo(received, 2);
  expect(await seconds(service, 'dropped_seconds_total{reason="worker_crashed"}')).toBeCloseTo(dropped, 2);
  await until(() => recognizer.stats().liveStreams === 0);
  // Its replacement loads the model again.
  const works = (): Promise<boolean> =>
    recognizer.check().then(
      () => true,
      () => false,
    );
  await until(works, 60_000);
}, 90_000);

it('a writer that is faster than recognition', async () => {
  const service = await serve({ maxBacklogSeconds: 2 }, slowed(400));
  const client = await LiveClient.open(service.url, { options: { intents: false } });
  await client.play(new Uint8Array(10 * SECOND), SECOND / 2);
  expect(await client.closed).toEqual({ code: 1013, reason: 'audio_backlog_full' });
  const { audio_seconds, dropped_seconds } = client.of('closed')[0];
  // Two seconds may wait; the message that was too much was half a second.
  expect(dropped_seconds).toBeGreaterThan(1.9);
  expect(dropped_seconds).toBeLessThan(2.6);
  const { received, processed, dropped } = await accounts(service);
  expect(dropped).toBeCloseTo(dropped_seconds, 2);
  expect(processed).toBeCloseTo(audio_seconds, 2);
  // What was refused at the door was never taken in.
  expect(processed + dropped).toBeCloseTo(received + 0.5, 2);
});

it('a client that does not read', async () => {
  const service = await serve({ sendBufferBytes: 4096 }, slowed(300));
  const client = await LiveClient.open(service.url, { options: { intents: false } });
  const [server] = service.app.websocketServer.clients;
  (server as unknown as { _socket: Socket })._socket.cork();
  await client.play(new Uint8Array(SECOND), 3200);
  for (let i = 0; i < 2000; i += 1) client.say({ type: 'ping' });
  await until(() => service.app.websocketServer.clients.size === 0, 10_000);
  const { received, processed, dropped } = await accounts(service);
  expect(dropped).toBeGreaterThan(0);
  expect(processed + dropped).toBeCloseTo(received, 2);
  expect(await seconds(service, 'dropped_seconds_total{reason="slow_reader"}')).toBeCloseTo(dropped, 2);
});

it('reads a flood of messages later, loses none of them, and lets nobody else wait', async () => {
  const service = await serve({});
  const options = { options: { intents: false } };
  const [flooder, other] = await Promise.all([
    LiveClient.open(service.url, options),
    LiveClient.open(service.url, options),
  ]);
  const started = performance.now();
  for (let i = 0; i < 50_000; i += 1) flooder.socket.send(clip.subarray(i, i + 1));
  flooder.say({ type: 'ping' });
  const waits: number[] = [];
  for (let i = 1; flooder.of('pong').length === 0; i += 1) {
    const asked = performance.now();
    other.say({ type: 'ping' });
    await other.next('pong', i);
    waits.push(performance.now() - asked);
    await sleep(20);
  }
  // 50,000 messages at 20,000 a second, less the burst and what was read at once in the end.
  expect(performance.now() - started).toBeGreaterThan(1000);
  expect(waits.length).toBeGreaterThan(20);
  expect(waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(100);
  await flooder.finish();
  expect(flooder.of('closed')[0]).toMatchObject({ reason: 'finished', dropped_seconds: 0 });
  expect(flooder.of('closed')[0].audio_seconds).toBeCloseTo(50_000 / SECOND, 2);
  await other.finish();
});
