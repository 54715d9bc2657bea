/** Hostile clients: whatever is sent, the answer is a defined error, the process lives, and nothing is kept. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { hostileProtocols, type HostileProtocol } from '../scripts/lib/hostile-frames.mjs';
import { seeded } from '../scripts/lib/random.mjs';
import { ERRORS } from '../src/errors.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import { LiveClient, liveService, until } from './live-support.js';
import type { LiveService } from './live-support.js';

/** Messages of others' protocols, read as they come: what is expected of them is said where it is expected. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = Record<string, any>;

const FRAMES = 400;
const PER_SOCKET = 8;
const random = seeded(20_261_123);
const protocols = hostileProtocols(random);

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

function collected(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  gc();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Where each protocol puts the code of an error. */
const codeOf = (message: Json): unknown => message.error?.code ?? message.variant ?? message.code;

async function attack(protocol: HostileProtocol, sockets: number): Promise<string[]> {
  const codes: string[] = [];
  for (let index = 0; index < sockets; index += 1) {
    const socket = new WebSocket(`ws://${service.host}${protocol.path()}`);
    const closed = new Promise<number>((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.on('message', (data: Buffer) => {
      const code = codeOf(JSON.parse(data.toString()) as Json);
      if (typeof code === 'string') codes.push(code);
    });
    await new Promise((resolve) => socket.once('open', resolve));
    for (const message of protocol.greeting()) socket.send(message);
    for (let i = 0; i < PER_SOCKET; i += 1) socket.send(protocol.frame());
    const manner = random();
    if (manner < 0.3) socket.terminate();
    else if (manner < 0.5 || protocol.farewell === undefined) socket.close();
    else socket.send(protocol.farewell);
    const farewell = manner >= 0.5 && protocol.farewell !== undefined;
    // A broken farewell is one more hostile frame: nobody waits for its end.
    if (farewell) setTimeout(() => socket.terminate(), 2000).unref();
    await closed;
  }
  return codes;
}

for (const [name, protocol] of Object.entries(protocols)) {
  it(`${name}: answers ${String(FRAMES)} hostile frames with defined errors and keeps nothing`, async () => {
    await attack(protocol, 10);
    const before = collected();
    const codes = await attack(protocol, FRAMES / PER_SOCKET);
    expect(new Set(codes).size).toBeGreaterThan(2);
    for (const code of codes) expect(Object.keys(ERRORS)).toContain(code);
    expect(codes).not.toContain('internal_error');

    await until(() => recognizer.stats().liveStreams === 0);
    await until(() => service.app.websocketServer.clients.size === 0);
    expect(recognizer.stats().restarts).toBe(0);
    expect((collected() - before) / 2 ** 20).toBeLessThan(8);
    // And it still works.
    const client = await LiveClient.open(service.url);
    client.socket.send(new Uint8Array(32_000));
    expect(await client.finish()).toEqual({ code: 1000, reason: 'finished' });
  }, 120_000);
}
