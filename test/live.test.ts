/** The live socket end to end: the real service, the real recogniser, the real WebSocket client. */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { MalgwiError } from '../src/errors.js';
import { parseIntent } from '../src/intents/index.js';
import { toWritten } from '../src/korean/index.js';
import { rate, scoreCharacters } from '../src/korean/scoring.js';
import type { LiveStream, Recognizer } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import { LiveClient, liveService, refusedHandshake, until, wavData } from './live-support.js';
import type { LiveService } from './live-support.js';

const audio = (name: string): string => fileURLToPath(new URL(`../test-audio/${name}`, import.meta.url));
/** 16 kHz mono 16-bit. */
const CLIP = 'reserve-a3.wav';
const clip = wavData(audio(CLIP));
const SECOND = 32_000;

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

async function recognise(bytes: Uint8Array, pieceBytes: number, hello: object = {}): Promise<LiveClient> {
  const client = await LiveClient.open(service.url, hello);
  await client.play(bytes, pieceBytes);
  expect(await client.finish()).toEqual({ code: 1000, reason: 'finished' });
  return client;
}

/** Samples of the metrics this file is about: all of them would drown a failure. */
const exposed = async (of: LiveService): Promise<string> =>
  (await of.metrics.expose())
    .split('\n')
    .filter(
      (line) => /^malgwi_(live|websocket|errors|admission|audio_dropped)/.test(line) && !line.endsWith(' 0'),
    )
    .join('\n');

const kinds = (client: LiveClient): string[] => client.messages.map((message) => message.type);

describe('a clip over the socket', () => {
  it('in real time: ordered events, partials at least three times a second, one intent for each final', async () => {
    const client = await LiveClient.open(service.url);
    await client.play(clip, 1600, { speed: 1 });
    await client.finish();
    const types = kinds(client);
    expect(types[0]).toBe('ready');
    expect(types.at(-1)).toBe('closed');
    expect(types.indexOf('speech_start')).toBeLessThan(types.indexOf('partial'));
    expect(types.indexOf('partial')).toBeLessThan(types.indexOf('speech_end'));
    expect(types.indexOf('speech_end')).toBeLessThan(types.indexOf('final'));
    const [final] = client.of('final');
    const partials = client.of('partial').filter((one) => one.utterance === final.utterance);
    const came = client.times.filter((_, index) => client.messages[index].type === 'partial');
    // For each second of speech: the final begins with 0.3 seconds of padding.
    const spoken = client.of('speech_end')[0].time - client.of('speech_start')[0].time - 0.3;
    expect(partials.length / spoken).toBeGreaterThanOrEqual(3);
    // By the clock on the wall, too, not in a burst at the end.
    expect((came.at(-1)! - came[0]) / 1000).toBeGreaterThan((final.end - final.start) / 2);
    const intents = client.of('intent').filter((one) => !one.tentative);
    expect(intents.map((one) => one.utterance)).toEqual(client.of('final').map((one) => one.utterance));
    expect(intents[0].intent).toBe(parseIntent(final.text, { words: final.words }).intent);
    for (const word of final.words) {
      expect(word.start).toBeGreaterThanOrEqual(final.start);
      expect(word.end).toBeLessThanOrEqual(final.end);
    }
    expect(client.of('closed')[0].audio_seconds).toBeCloseTo(clip.length / SECOND, 1);
  });

  it('gives the same text however the bytes are split', async () => {
    const { text } = await recognise(clip, 3200);
    expect(text).not.toBe('');
    expect((await recognise(clip, 1)).text).toBe(text);
    expect((await recognise(clip, 777)).text).toBe(text);
    expect((await recognise(clip, clip.length)).text).toBe(text);
  });

  it('takes frames of a megabyte', async () => {
    const dialogue = wavData(audio('dialogue.wav'));
    const frame = new Uint8Array(1_000_000);
    frame.set(dialogue.subarray(0, frame.length));
    const client = await recognise(frame, frame.length);
    expect(client.codes).toEqual([]);
    expect(client.of('final').length).toBeGreaterThan(3);
    expect(client.of('closed')[0].audio_seconds).toBeCloseTo(frame.length / SECOND, 1);
  });

  it('is near the offline transcript, in every encoding', async () => {
    const offline = await recognizer.transcribeFile(audio(CLIP));
    const samples = new Int16Array(clip.slice().buffer);
    const float = new Uint8Array(Float32Array.from(samples, (value) => value / 32768).buffer);
    const near = (text: string): void => {
      expect(rate(scoreCharacters(offline.text, text, { spaces: false }))).toBeLessThan(0.25);
    };
    near((await recognise(clip, 3200)).text);
    near((await recognise(float, 4001, { encoding: 'pcm_f32le' })).text);
    near((await recognise(float, 4001, { encoding: 'f32le' })).text);

    for (const [name, hello] of [
      ['extend-thirty.wav', { sample_rate: 22_050 }],
      ['return-27.wav', { sample_rate: 44_100, channels: 2 }],
    ] as const) {
      const expected = await recognizer.transcribeFile(audio(name));
      const { text } = await recognise(wavData(audio(name)), 5001, hello);
      expect(rate(scoreCharacters(expected.text, text, { spaces: false })), name).toBeLessThan(0.25);
    }
  });

  it.each([
    ['formats/opus-live.webm', 'webm_opus'],
    ['formats/opus-live.webm', 'opus-in-webm'],
    ['formats/opus.ogg', 'ogg_opus'],
  ])('takes what a MediaRecorder makes: %s as %s', async (name, encoding) => {
    const expected = await recognizer.transcribeFile(audio(name));
    const client = await LiveClient.open(service.url, { encoding, sample_rate: undefined });
    await client.play(readFileSync(audio(name)), 1000);
    expect(await client.finish()).toEqual({ code: 1000, reason: 'finished' });
    expect(client.of('closed')[0].audio_seconds).toBeCloseTo(expected.duration, 0);
    expect(rate(scoreCharacters(expected.text, client.text, { spaces: false }))).toBeLessThan(0.25);
  });

  it('does not lose the last word when the finish comes with the last sample', async () => {
    const offline = await recognizer.transcribeFile(audio(CLIP));
    const end = Math.ceil(offline.segments.at(-1)!.words.at(-1)!.end * 16_000 + 800) * 2;
    const client = await LiveClient.open(service.url);
    for (let from = 0; from < end; from += 640)
      client.socket.send(clip.subarray(from, Math.min(end, from + 640)));
    await client.finish();
    expect(client.text.slice(-2)).toBe(offline.text.slice(-2));
  });

  it('gives alternatives where the hello asks for them, and listens for hot words', async () => {
    const plain = await recognise(clip, 3200, { options: { alternatives: 3 } });
    const [final] = plain.of('final');
    expect(final.alternatives).toHaveLength(2);
    const rival = final.alternatives![0].text;
    // The phrases of the second hypothesis, asked for, and those of the first, avoided, make it the first.
    const wanted = rival.split(' ').filter((word) => !final.text.includes(word));
    const unwanted = final.text.split(' ').filter((word) => !rival.includes(word));
    const hot_words = [
      ...wanted.map((phrase) => ({ phrase, weight: 8 })),
      ...unwanted.map((phrase) => ({ phrase, weight: -8 })),
      { phrase: '없는 말' },
    ];
    const asked = await recognise(clip, 3200, { options: { hot_words } });
    expect(asked.of('final')[0].text).toBe(rival);
    expect(asked.of('final')[0].alternatives).toBeUndefined();
  });

  it('writes numbers as figures beside what was spoken, where the hello asks for it', async () => {
    const seven = wavData(audio('return-27.wav'));
    const stereo = { sample_rate: 44_100, channels: 2 };
    const asked = await recognise(seven, 17_640, { ...stereo, options: { format_numbers: true } });
    const [final] = asked.of('final').filter(({ text }) => text.includes('이십칠'));
    const { text, words } = final.written!;
    expect(final.text).not.toMatch(/\d/);
    expect(text).toBe(toWritten(final.text).text);
    expect(text).toContain('27');
    const figure = words.find(({ word }) => word.includes('27'))!;
    expect(figure.spoken).toContain('이십칠');
    const spoken = final.words.find(({ word }) => word.includes('이십칠'))!;
    expect(figure.start).toBeCloseTo(spoken.start, 2);
    expect(figure.confidence).toBeLessThanOrEqual(spoken.confidence);
    const plain = await recognise(seven, 17_640, { ...stereo, options: { words: false } });
    for (const { words: none, written } of plain.of('final')) {
      expect(none).toEqual([]);
      expect(written).toBeUndefined();
    }
    expect(plain.text).toBe(asked.text);
  });

  it('decodes finals from whole utterances where the hello asks for it', async () => {
    const asked: unknown[] = [];
    const watched = Object.create(recognizer) as Recognizer;
    watched.openStream = (options) => {
      asked.push(options.secondPass);
      return recognizer.openStream(options);
    };
    const other = await liveService(watched);
    try {
      for (const options of [{ second_pass: true }, { second_pass: false }, {}]) {
        const client = await LiveClient.open(other.url, { options });
        await client.play(clip, 3200);
        await client.finish();
        expect(client.text).toContain('자리');
        if (options.second_pass === true)
          expect(client.of('partial').every(({ stable }) => stable === 0)).toBe(true);
      }
    } finally {
      await other.close();
    }
    expect(asked).toEqual([true, false, undefined]);
  });

  it.each([
    [{ model: 7 }, 'model'],
    [{ venue: { id: 3 } }, 'venue'],
    [{ venue: 'nowhere' }, 'venue'],
    [{ resumable: 'yes' }, 'resumable'],
    [{ options: { hot_words: ['자리'] } }, 'options.hot_words.0'],
    [{ options: { hot_words: [{ phrase: '자리', weight: 'much' }] } }, 'options.hot_words.0.weight'],
    [{ options: { hot_words: [{ phrase: ' ' }] } }, 'options.hot_words.0.phrase'],
    [{ options: { alternatives: 21 } }, 'options.alternatives'],
    [{ options: { beam_width: 0 } }, 'options.beam_width'],
    [{ options: { words: 1 } }, 'options.words'],
    [{ options: { format_numbers: 'on' } }, 'options.format_numbers'],
    [{ options: { second_pass: null } }, 'options.second_pass'],
    [{ options: { partial_interval_ms: 10 } }, 'options.partial_interval_ms'],
    [{ options: { silence_ms: 1 } }, 'options.silence_ms'],
    [{ options: { intents: 'no' } }, 'options.intents'],
  ])('says which option is wrong: %j', async (hello, param) => {
    const client = await LiveClient.connect(service.url);
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, ...hello });
    expect((await client.closed).code).toBe(1008);
    const [{ error }] = client.of('error');
    expect(error.code).toBe('invalid_field');
    expect(error.param).toMatch(new RegExp(`^${param.replaceAll('.', '\\.')}(\\.|$)`));
    expect(error.message).toContain(param.split('.').at(-1));
  });

  it('finalises at a flush and goes on', async () => {
    const client = await LiveClient.open(service.url);
    await client.play(clip.subarray(0, 2 * SECOND), 3200);
    client.say({ type: 'flush' });
    await client.next('final');
    await client.play(clip, 3200);
    await client.finish();
    const numbers = client.of('final').map((final) => final.utterance);
    expect(numbers.length).toBeGreaterThanOrEqual(2);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(client.of('closed')[0].audio_seconds).toBeCloseTo(2 + clip.length / SECOND, 1);
  });

  it('follows the options of the hello', async () => {
    const quiet = await recognise(clip, 1600, { options: { intents: false, partial_interval_ms: 2000 } });
    expect(quiet.of('intent')).toEqual([]);
    const often = await recognise(clip, 1600, { options: { partial_interval_ms: 100 } });
    expect(often.of('partial').length).toBeGreaterThan(quiet.of('partial').length * 2);
    const deaf = await recognise(clip, 1600, { options: { threshold: 0.99, silence_ms: 64 } });
    const patient = await recognise(clip, 1600, { options: { silence_ms: 5000 } });
    expect(patient.of('final')).toHaveLength(1);
    expect(deaf.of('final').map((one) => one.end - one.start)).not.toEqual(
      patient.of('final').map((one) => one.end - one.start),
    );
  });

  it('checks seats against the venue of the hello', async () => {
    const venue = { id: 'tiny', name: 'Tiny', seats: { kind: 'number', count: 3 } };
    const client = await recognise(clip, 3200, { venue });
    const [final] = client.of('final');
    const expected = parseIntent(final.text, { words: final.words, venue: venue as never });
    const intent = client.of('intent').find((one) => !one.tentative)!;
    expect(intent.slots).toEqual(expected.slots);
    expect(intent.problems).toEqual(expected.problems);
  });
});

describe('what belongs to a session', () => {
  it('can be scored afterwards under its id', async () => {
    const client = await recognise(clip, 3200);
    const { session, model } = client.of('ready')[0];
    await until(() => service.app.hypotheses.find(session) !== undefined);
    expect(service.app.hypotheses.find(session)).toMatchObject({ model, text: client.text });
  });

  it('speaks WebSocket only', async () => {
    const response = await fetch(`http://${service.host}/v1/stream`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_request' } });
  });
});

describe('clients that make mistakes', () => {
  const openings: readonly (readonly [name: string, message: unknown, code: string])[] = [
    ['binary first', new Uint8Array(100), 'hello_required'],
    ['no JSON', '{hello', 'invalid_json'],
    ['no object', '17', 'invalid_message'],
    ['another first message', { type: 'finish' }, 'hello_required'],
    ['an unknown type', { type: 'bonjour' }, 'invalid_message'],
    ['no encoding', { type: 'hello', sample_rate: 16_000 }, 'missing_field'],
    ['no rate', { type: 'hello', encoding: 'pcm_s16le' }, 'missing_field'],
    ['an unknown encoding', { type: 'hello', encoding: 'mp3', sample_rate: 16_000 }, 'unsupported_encoding'],
    [
      'a prototype as encoding',
      { type: 'hello', encoding: 'toString', sample_rate: 16_000 },
      'unsupported_encoding',
    ],
    ['a rate of nonsense', { type: 'hello', encoding: 'pcm_s16le', sample_rate: -1 }, 'invalid_field'],
    [
      'a model that is not installed',
      { type: 'hello', encoding: 'alaw', sample_rate: 8000, model: 'x' },
      'model_not_found',
    ],
    [
      'a venue that is not there',
      { type: 'hello', encoding: 'alaw', sample_rate: 8000, venue: 'x' },
      'invalid_field',
    ],
    [
      'an option out of range',
      { type: 'hello', encoding: 'alaw', sample_rate: 8000, options: { silence_ms: 1 } },
      'invalid_field',
    ],
  ];
  it.each(openings)('closes after %s', async (_name, message, code) => {
    const client = await LiveClient.connect(service.url);
    if (message instanceof Uint8Array) client.socket.send(message);
    else client.say(message);
    const closing = await client.closed;
    expect(client.codes).toEqual([code]);
    expect(closing.reason).toBe(code);
    expect([1008, 1011]).toContain(closing.code);
    expect(kinds(client)).toEqual(['error', 'closed']);
  });

  it('names the option at fault', async () => {
    const client = await LiveClient.connect(service.url);
    client.say({ type: 'hello', encoding: 'alaw', sample_rate: 8000, options: { threshold: 5 } });
    await client.closed;
    expect(client.of('error')[0].error).toMatchObject({ code: 'invalid_field', param: 'options.threshold' });
  });

  it('goes on after messages that make no sense, up to a bound', async () => {
    const client = await LiveClient.open(service.url);
    client.say('nonsense');
    client.say({ type: 'dance' });
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000 });
    client.say({ type: 'ping', surplus: true });
    await client.next('pong');
    expect(client.codes).toEqual(['invalid_json', 'invalid_message', 'invalid_message']);
    await client.play(clip, 3200);
    client.say({ type: 'flush' });
    await client.next('final');
    for (let i = 0; i < 30; i += 1) client.say('nonsense');
    expect(await client.closed).toEqual({ code: 1008, reason: 'invalid_message' });
    expect(client.codes.length).toBeLessThan(30);
  });

  it('takes a late hello, refuses a later one', async () => {
    const late = await liveService(recognizer, { live: { helloTimeoutMs: 400 } });
    const client = await LiveClient.connect(late.url);
    await sleep(200);
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000 });
    await client.next('ready');
    const never = await LiveClient.connect(late.url);
    expect(await never.closed).toEqual({ code: 1008, reason: 'hello_timeout' });
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
    await client.finish();
    await late.close();
  });

  it('accepts audio sent right behind the hello, without waiting', async () => {
    const client = await LiveClient.connect(service.url);
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000 });
    await client.play(clip, 3200);
    await client.finish();
    expect(client.text).toBe((await recognise(clip, 3200)).text);
  });

  it('tells damaged containers', async () => {
    const client = await LiveClient.open(service.url, { encoding: 'webm_opus' });
    client.socket.send(Buffer.alloc(5000, 'this is no webm '));
    client.say({ type: 'finish' });
    expect(await client.closed).toEqual({ code: 1008, reason: 'audio_unrecognized' });
    expect(client.codes).toEqual(['audio_unrecognized']);
  });

  it('gives everything back when a client leaves in the middle of a word', async () => {
    const before = recognizer.stats().liveStreams;
    const clients = await Promise.all(Array.from({ length: 8 }, () => LiveClient.open(service.url)));
    for (const client of clients) {
      await client.play(clip.subarray(0, SECOND), 3200);
      client.socket.terminate();
    }
    await until(() => recognizer.stats().liveStreams === before);
    const metrics = await exposed(service);
    expect(metrics).not.toMatch(/malgwi_live_sessions_active/);
    expect(metrics).toMatch(/malgwi_websocket_closes_total\{protocol="stream",code="1006"\} [1-9]/);
  });

  it('closes with 1009 on a message that is too large', async () => {
    const client = await LiveClient.open(service.url);
    client.socket.send(new Uint8Array(service.config.live.maxMessageBytes + 1));
    expect((await client.closed).code).toBe(1009);
  });
});

describe('limits', () => {
  it('refuses further sessions with a time to come back', async () => {
    const small = await liveService(recognizer, { live: { maxSessions: 1 } });
    const first = await LiveClient.open(small.url);
    const second = await LiveClient.connect(small.url, { headers: { origin: `http://${small.host}` } });
    second.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000 });
    expect(await second.closed).toEqual({ code: 1013, reason: 'too_many_sessions' });
    expect(second.of('error')[0].error.retry_after).toBeGreaterThan(0);
    // A program, which sends no origin, need not open a socket to learn it.
    expect(await refusedHandshake(small.url)).toMatchObject({ status: 429, code: 'too_many_sessions' });
    await first.finish();
    await until(() => recognizer.stats().liveStreams === 0);
    const third = await LiveClient.open(small.url);
    await third.finish();
    expect(await exposed(small)).toMatch(/malgwi_admission_rejected_total\{reason="too_many_sessions"\} 2/);
    await small.close();
  });

  it('says so when audio comes faster than it is recognised, and counts what was not', async () => {
    const slow = await liveService(slowed(recognizer, 400), { live: { maxBacklogSeconds: 2 } });
    const client = await LiveClient.open(slow.url);
    await client.play(new Uint8Array(10 * SECOND), SECOND / 2);
    expect(await client.closed).toEqual({ code: 1013, reason: 'audio_backlog_full' });
    expect(client.codes).toEqual(['audio_backlog_full']);
    expect(await exposed(slow)).toMatch(/malgwi_audio_dropped_seconds_total\{reason="backlog"\} [1-9]/);
    await slow.close();
  });

  it('closes a session without audio or message, and one that is too long', async () => {
    const short = await liveService(recognizer, { live: { idleTimeoutMs: 300, maxSessionSeconds: 1 } });
    const idle = await LiveClient.open(short.url);
    expect(await idle.closed).toEqual({ code: 1011, reason: 'session_idle' });
    const long = await LiveClient.open(short.url);
    await long.play(clip, 1600, { speed: 1 }).catch(() => undefined);
    expect(await long.closed).toEqual({ code: 1008, reason: 'session_too_long' });
    // What came in time was recognised all the same.
    expect(long.of('closed')[0].audio_seconds).toBeGreaterThan(0.5);
    expect(long.of('final')).toHaveLength(1);
    await short.close();
  });

  it('cuts a client that does not read', async () => {
    const narrow = await liveService(recognizer, { live: { sendBufferBytes: 4096 } });
    const client = await LiveClient.open(narrow.url);
    const [server] = narrow.app.websocketServer.clients;
    // As if the kernel took no more: filling its own buffers of some megabytes would take the test ten seconds.
    (server as unknown as { _socket: Socket })._socket.cork();
    for (let i = 0; i < 2000; i += 1) client.say({ type: 'ping' });
    await until(() => narrow.app.websocketServer.clients.size === 0, 10_000);
    await client.closed;
    const metrics = await exposed(narrow);
    expect(metrics).toMatch(/malgwi_errors_total\{code="slow_reader",protocol="stream"\} 1/);
    expect(metrics).toMatch(/malgwi_websocket_closes_total\{protocol="stream",code="1013"\} 1/);
    await narrow.close();
  });

  it('tells a crash of the worker and closes with 1011', async () => {
    const broken = await liveService(crashing(recognizer));
    const client = await LiveClient.open(broken.url);
    client.socket.send(clip);
    expect(await client.closed).toEqual({ code: 1011, reason: 'worker_crashed' });
    expect(kinds(client).slice(-2)).toEqual(['error', 'closed']);
    await until(() => recognizer.stats().liveStreams === 0);
    await broken.close();
  });

  it('ends sessions with their last words when the service closes', async () => {
    const going = await liveService(recognizer);
    const client = await LiveClient.open(going.url);
    await client.play(clip.subarray(0, 2 * SECOND), 3200);
    await client.next('partial');
    const [closing] = await Promise.all([client.closed, going.close()]);
    expect(closing).toEqual({ code: 1012, reason: 'shutting_down' });
    expect(client.codes).toEqual(['shutting_down']);
    expect(client.of('final').length).toBeGreaterThan(0);
    expect(kinds(client).at(-1)).toBe('closed');
    await expect(LiveClient.connect(going.url)).rejects.toThrow();
  });
});

describe('who may connect', () => {
  const KEY = 'a/key+with=signs';
  let guarded: LiveService;
  beforeAll(async () => {
    guarded = await liveService(recognizer, {
      server: { apiKeys: ['first-key', KEY], corsOrigins: ['https://seats.example'] },
    });
  });
  afterAll(() => guarded.close());

  it('takes a key as a header or as a subprotocol', async () => {
    const header = await LiveClient.open(guarded.url, {}, { headers: { authorization: 'Bearer first-key' } });
    await header.finish();
    const encoded = Buffer.from(KEY).toString('base64url');
    const client = await LiveClient.connect(guarded.url, {}, ['malgwi', `malgwi-key.${encoded}`]);
    // The key is not repeated to whoever looks at the answer.
    expect(client.socket.protocol).toBe('malgwi');
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000 });
    await client.next('ready');
    await client.finish();
  });

  it.each([
    ['no key', {}, []],
    ['a wrong header', { headers: { authorization: 'Bearer wrong-key' } }, []],
    ['a wrong subprotocol', {}, ['malgwi', 'malgwi-key.d3Jvbmc']],
  ])('closes with 1008 for %s', async (_name, options, protocols) => {
    const client = await LiveClient.connect(guarded.url, options, protocols);
    expect(await client.closed).toEqual({ code: 1008, reason: 'invalid_api_key' });
    expect(kinds(client)).toEqual(['error', 'closed']);
  });

  it('never takes the key from the address', async () => {
    const client = await LiveClient.connect(`${guarded.url}?key=first-key`);
    expect((await client.closed).reason).toBe('invalid_api_key');
  });

  it('refuses pages of other origins before the handshake', async () => {
    const headers = { authorization: 'Bearer first-key' };
    const from = (origin: string): Promise<LiveClient> =>
      LiveClient.connect(guarded.url, { headers: { ...headers, origin } });
    await expect(from('https://evil.example')).rejects.toThrow('403');
    await expect(from('null')).rejects.toThrow('403');
    await (await from('https://seats.example')).socket.close();
    await (await from(`http://${guarded.host}`)).socket.close();
  });
});

/** The recogniser with every answer delayed: a machine that cannot keep up. */
function slowed(real: Recognizer, ms: number): Recognizer {
  return wrapped(real, (stream) => ({
    ...stream,
    feed: async (bytes) => {
      await sleep(ms);
      return stream.feed(bytes);
    },
  }));
}

/** The recogniser, its worker dying at the first audio. */
function crashing(real: Recognizer): Recognizer {
  return wrapped(real, (stream) => ({
    ...stream,
    feed: () => Promise.reject(new MalgwiError('worker_crashed')),
  }));
}

function wrapped(real: Recognizer, wrap: (stream: LiveStream) => LiveStream): Recognizer {
  return new Proxy(real, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'openStream') return value.bind(target) as unknown;
      return async (...args: Parameters<Recognizer['openStream']>) => wrap(await target.openStream(...args));
    },
  });
}
