/** Who is let in when there is not room for all, end to end: who is refused learns why and when to come again. */
import { once } from 'node:events';
import { connect as netConnect, type TcpNetConnectOpts } from 'node:net';
import { Agent } from 'node:https';
import { fileURLToPath } from 'node:url';
import { DeepgramClient } from '@deepgram/sdk';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigOverrides } from '../src/config.js';
import type { Recognizer, RecognizerStats } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import {
  LiveClient,
  liveService,
  refusedHandshake,
  until,
  wavData,
  type LiveService,
} from './live-support.js';

const clip = wavData(fileURLToPath(new URL('../test-audio/reserve-a3.wav', import.meta.url)));
const HELLO = { type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, options: { intents: false } };

let recognizer: Recognizer;
let undisturbed: string;
const services: LiveService[] = [];

beforeAll(async () => {
  recognizer = await startRecognizer(1);
  const service = await serve({});
  const client = await LiveClient.open(service.url, { options: { intents: false } });
  await client.play(clip, 3200);
  await client.finish();
  undisturbed = client.text;
  expect(undisturbed).not.toBe('');
});
afterAll(async () => {
  for (const service of services) await service.close();
  await recognizer.close();
});

async function serve(overrides: ConfigOverrides, with_ = recognizer): Promise<LiveService> {
  const service = await liveService(with_, overrides);
  services.push(service);
  return service;
}

/** The recogniser, saying of itself what these stats say. */
function saying(stats: Partial<RecognizerStats>): Recognizer {
  return new Proxy(recognizer, {
    get(target, name) {
      if (name === 'stats') return () => ({ ...target.stats(), ...stats });
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

async function metric(service: LiveService, name: string): Promise<number> {
  const text = (await service.app.inject('/metrics')).body;
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return Number(line?.slice(name.length + 1));
}

/** A page of the service itself: it sees nothing of a refused handshake. */
const page = (service: LiveService) => ({ headers: { origin: `http://${service.host}` } });

interface Attempt {
  readonly client?: LiveClient;
  readonly refusal?: { readonly code: string; readonly retryAfter: number; readonly close?: number };
}

async function attempt(service: LiveService, headers: Record<string, string> = {}): Promise<Attempt> {
  const client = await LiveClient.connect(service.url, { headers });
  client.say(HELLO);
  const ready = await client.next('ready').catch(() => undefined);
  if (ready !== undefined) return { client };
  const { code } = await client.closed;
  const { error } = client.of('error')[0];
  return { refusal: { code: error.code, retryAfter: error.retry_after!, close: code } };
}

describe.each([
  {
    name: 'a number',
    code: 'too_many_sessions',
    start: () => serve({ live: { maxSessions: 5 } }),
  },
  {
    name: 'what the machine was measured to carry',
    code: 'overloaded',
    // One thread, three quarters of it, at 0.14 for each stream.
    start: () =>
      serve({ live: { admission: 'measured', maxLagMs: 60_000 } }, saying({ workers: 1, liveCost: 0.14 })),
  },
])('fifty who come at once, where the bound is $name', ({ code, start }) => {
  it('five get in and hear what they would alone; the others are told when to come again', async () => {
    const service = await start();
    const { headers } = page(service);
    const all = await Promise.all(Array.from({ length: 50 }, () => attempt(service, headers)));
    const inside = all.flatMap(({ client }) => (client === undefined ? [] : [client]));
    const outside = all.flatMap(({ refusal }) => (refusal === undefined ? [] : [refusal]));
    expect(inside).toHaveLength(5);
    for (const refusal of outside) {
      expect(refusal).toMatchObject({ code, close: 1013 });
      expect(refusal.retryAfter).toBeGreaterThanOrEqual(1);
      expect(refusal.retryAfter).toBeLessThanOrEqual(78);
    }
    // They do not all come back at the same moment.
    expect(new Set(outside.map(({ retryAfter }) => retryAfter)).size).toBeGreaterThan(1);
    expect(await metric(service, 'malgwi_live_sessions_capacity')).toBe(5);
    expect(await metric(service, 'malgwi_live_connections{state="idle"}')).toBe(5);
    expect(await metric(service, `malgwi_admission_rejected_total{reason="${code}"}`)).toBe(45);

    // A program is answered before it has a socket, in HTTP's way.
    const answer = await refusedHandshake(service.url);
    expect(answer).toMatchObject({ status: 429, code });
    expect(answer.retryAfter).toBeGreaterThanOrEqual(1);
    expect(await metric(service, `malgwi_admission_rejected_total{reason="${code}"}`)).toBe(46);

    await Promise.all(inside.map((client) => client.play(clip, 3200)));
    for (const client of inside) {
      expect(await client.finish()).toEqual({ code: 1000, reason: 'finished' });
      expect(client.text).toBe(undisturbed);
      expect(client.of('closed')[0].audio_seconds).toBeCloseTo(clip.length / 32_000, 2);
    }
    await until(() => recognizer.stats().liveStreams === 0);
    expect(await metric(service, 'malgwi_live_connections{state="idle"}')).toBe(0);
    const { client, refusal } = await attempt(service, headers);
    expect(refusal).toBeUndefined();
    await client!.finish();
  });
});

describe('a place for each key', () => {
  it('leaves room for others', async () => {
    const service = await serve({
      server: { apiKeys: ['first-key', 'second-key'] },
      live: { maxSessionsPerKey: 2 },
    });
    const first = { authorization: 'Bearer first-key' };
    const inside = await Promise.all([attempt(service, first), attempt(service, first)]);
    expect(await refusedHandshake(service.url, { headers: first })).toMatchObject({
      status: 429,
      code: 'too_many_sessions_for_key',
    });
    const fromPage = await attempt(service, { ...first, ...page(service).headers });
    expect(fromPage.refusal).toMatchObject({ code: 'too_many_sessions_for_key', close: 1013 });
    const other = await attempt(service, { authorization: 'Bearer second-key' });
    // A key that is none learns that, and nothing about how full it is.
    const stranger = await LiveClient.connect(service.url, {
      headers: { authorization: 'Bearer third-key' },
    });
    expect(await stranger.closed).toEqual({ code: 1008, reason: 'invalid_api_key' });
    await inside[0].client!.finish();
    await until(() => recognizer.stats().liveStreams === 2);
    const again = await attempt(service, first);
    for (const { client } of [inside[1], other, again]) await client!.finish();
  });

  it('is a place for each address where there are no keys, of the client behind a proxy that is trusted', async () => {
    const service = await serve({ server: { trustProxy: ['127.0.0.1'] }, live: { maxSessionsPerKey: 1 } });
    const from = (address: string) => ({ 'x-forwarded-for': address });
    const one = await attempt(service, from('203.0.113.7'));
    const two = await attempt(service, from('2001:db8:1:2::7'));
    for (const same of ['203.0.113.7', '::ffff:203.0.113.7', '2001:db8:1:2:ffff::9']) {
      expect((await refusedHandshake(service.url, { headers: from(same) })).code).toBe(
        'too_many_sessions_for_key',
      );
    }
    const three = await attempt(service, from('2001:db8:1:3::7'));
    for (const { client } of [one, two, three]) await client!.finish();
  });

  it('bounds its sockets too, also those that say nothing', async () => {
    const service = await serve({ live: { maxSessionsPerKey: 1 } });
    const open = await Promise.all(Array.from({ length: 12 }, () => LiveClient.connect(service.url)));
    const refused = open.filter((client) => client.codes.length > 0 || client.socket.readyState > 1);
    await until(() => open.filter((client) => client.of('closed').length > 0).length >= 3);
    for (const client of open) client.socket.close();
    await Promise.all(open.map((client) => client.closed));
    expect(refused.length).toBeLessThanOrEqual(3);
  });
});

describe('a full service', () => {
  it('still takes back who is only gone for a moment', async () => {
    const service = await serve({ live: { maxSessions: 1 } });
    const first = await LiveClient.connect(service.url);
    first.say({ ...HELLO, resumable: true });
    const { session, resume } = await first.next('ready');
    await first.play(clip.subarray(0, clip.length / 2), 3200);
    first.socket.terminate();
    await first.closed;
    await until(async () => (await metric(service, 'malgwi_live_connections{state="detached"}')) === 1);
    const second = await LiveClient.connect(service.url);
    second.say({ type: 'resume', session, token: resume!.token, seq: 1 });
    const { bytes } = await second.next('resumed');
    await second.play(clip.subarray(bytes), 3200);
    await second.finish();
    expect(second.text).toBe(undisturbed);
  });

  it('is told to the client of the openai package', async () => {
    const service = await serve({ live: { maxSessions: 0 } });
    const openai = new OpenAI({ apiKey: 'any-key-here', baseURL: `http://${service.host}/v1` });
    const client = await OpenAIRealtimeWS.create(openai, {
      model: 'malgwi-ko',
      options: { agent: new PlainAgent() },
    });
    const [error] = (await once(client as never, 'error')) as [Error];
    expect(error.message).toContain('429');
  });

  it('is told to Deepgram’s client, which gets in when there is room', async () => {
    const service = await serve({ live: { maxSessions: 1 } });
    const first = await LiveClient.open(service.url);
    const ws = `ws://${service.host}`;
    const deepgram = new DeepgramClient({
      apiKey: 'any-key-here',
      environment: { base: `http://${service.host}`, production: ws, agent: ws } as never,
    });
    const connect = () =>
      deepgram.listen.v1.connect({
        model: 'malgwi-ko',
        encoding: 'linear16',
        sample_rate: 16_000,
        Authorization: 'Token any-key-here',
        reconnectAttempts: 0,
      } as never);
    const refused = await connect();
    const told = new Promise<Error>((resolve) => refused.on('error', resolve));
    refused.connect();
    expect((await told).message).toContain('429');
    await first.finish();
    await until(() => recognizer.stats().liveStreams === 0);

    const connection = await connect();
    const finals: string[] = [];
    const closed = new Promise((resolve) => connection.on('close', resolve));
    connection.on('message', (message) => {
      if (message.type === 'Results' && message.is_final)
        finals.push(message.channel.alternatives[0].transcript);
    });
    connection.connect();
    await connection.waitForOpen();
    connection.sendMedia(clip);
    connection.sendCloseStream({ type: 'CloseStream' });
    await closed;
    expect(finals.join(' ')).toBe(undisturbed);
  });
});

/** OpenAI's client speaks TLS only; this one lets it speak to a service of a test. */
class PlainAgent extends Agent {
  override createConnection(options: object) {
    return netConnect(options as TcpNetConnectOpts);
  }
}
