/** The protocols of others, spoken by their own clients where one installs, and by their messages where none does. */
import { DeepgramClient } from '@deepgram/sdk';
import OpenAI from 'openai';
import { OpenAIRealtimeWS } from 'openai/realtime/ws';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer } from './http-support.js';
import { LiveClient, liveService, until, wavData, type LiveService } from './live-support.js';

/** Messages of others' protocols, read as they come: what is expected of them is said where it is expected. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Json = Record<string, any>;

const KEY = 'k-protocols';
const clip = (name: string): string => fileURLToPath(new URL(`../test-audio/${name}`, import.meta.url));
const DIALOGUE = wavData(clip('dialogue.wav'));
const RESERVE = wavData(clip('reserve-a3.wav'));
const RATE = 16_000;
const silence = (seconds: number): Uint8Array => new Uint8Array(Math.round(seconds * RATE) * 2);

let recognizer: Recognizer;
let service: LiveService;
/** What the native protocol hears in the dialogue, utterance by utterance. */
let heard: string[];

beforeAll(async () => {
  recognizer = await startRecognizer(1);
  service = await liveService(recognizer, { server: { apiKeys: [KEY] } });
  const client = await LiveClient.open(service.url, { options: { intents: false } }, AUTHORIZED);
  await client.play(DIALOGUE, 16_000);
  await client.finish();
  heard = client.of('final').map(({ text }) => text);
  expect(heard.length).toBeGreaterThan(3);
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

const AUTHORIZED = { headers: { authorization: `Bearer ${KEY}` } };
const ws = (path: string): string => `ws://${service.host}${path}`;

interface Told {
  readonly messages: Json[];
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
}

async function connect(path: string, protocols: string[] = [], options = AUTHORIZED): Promise<Told> {
  const socket = new WebSocket(ws(path), protocols, options);
  const messages: Json[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString())));
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return { messages, socket, closed };
}

/** 16 kHz to 24 kHz, by straight lines: enough for a test, and nothing of ours. */
function to24k(bytes: Uint8Array): Buffer {
  const source = new Int16Array(bytes.slice().buffer);
  const target = new Int16Array(Math.floor((source.length * 3) / 2));
  for (let i = 0; i < target.length; i++) {
    const at = (i * 2) / 3;
    const below = Math.floor(at);
    const next = source[Math.min(source.length - 1, below + 1)];
    target[i] = Math.round(source[below] + (next - source[below]) * (at - below));
  }
  return Buffer.from(target.buffer);
}

describe('OpenAI Realtime', () => {
  /** The package insists on wss. This is its own socket, handshake and all, on a connection without the TLS. */
  class PlainAgent extends Agent {
    override createConnection(options: object): Socket {
      return netConnect(options as TcpNetConnectOpts);
    }
  }

  it('transcribes turns for the client of the openai package', async () => {
    const openai = new OpenAI({ apiKey: KEY, baseURL: `http://${service.host}/v1` });
    const client = await OpenAIRealtimeWS.create(openai, {
      model: 'malgwi-ko',
      options: { agent: new PlainAgent() },
    });
    const messages: Json[] = [];
    client.on('event', (event) => messages.push(event));
    await once(client.socket, 'open');
    const closed = once(client.socket, 'close');
    client.send({
      type: 'session.update',
      session: {
        type: 'transcription',
        audio: {
          input: {
            format: { type: 'audio/pcm', rate: 24_000 },
            transcription: { model: 'malgwi-ko', language: 'ko' },
            turn_detection: { type: 'server_vad', silence_duration_ms: 420 },
          },
        },
      },
    });
    const audio = to24k(DIALOGUE);
    for (let from = 0; from < audio.length; from += 9_601) {
      const piece = audio.subarray(from, from + 9_601).toString('base64');
      client.send({ type: 'input_audio_buffer.append', audio: piece });
    }
    const rest = Buffer.alloc(48_000 * 2).toString('base64');
    client.send({ type: 'input_audio_buffer.append', audio: rest });
    const done = 'conversation.item.input_audio_transcription.completed';
    const completed = () => messages.filter(({ type }) => type === done);
    await until(() => completed().length >= heard.length, 30_000);
    client.close();
    await closed;

    expect(messages[0]).toMatchObject({ type: 'session.created', session: { type: 'transcription' } });
    expect(messages[1].type).toBe('session.updated');
    expect(completed()).toHaveLength(heard.length);
    // Another rate, so now and then another syllable; the turns are the same.
    const texts = completed().map(({ transcript }) => transcript as string);
    expect(texts.filter((text, n) => text === heard[n]).length).toBeGreaterThanOrEqual(heard.length - 2);
    let previous: string | null = null;
    for (const [n, item] of completed().entries()) {
      const own = messages.filter((message) => message.item_id === item.item_id);
      const types = own.map(({ type }) => String(type).split('.').at(-1));
      expect(types.filter((type) => type !== 'delta')).toEqual([
        'speech_started',
        'speech_stopped',
        'committed',
        'completed',
      ]);
      const deltas = own.filter(({ type }) => String(type).endsWith('.delta')).map(({ delta }) => delta);
      expect(deltas.join('')).toBe(texts[n]);
      expect(item.usage.seconds).toBeGreaterThan(0.2);
      const committed = own.find(({ type }) => String(type).endsWith('.committed'));
      expect(committed!.previous_item_id).toBe(previous);
      previous = item.item_id;
    }
    expect(new Set(messages.map(({ event_id }) => event_id)).size).toBe(messages.length);
  });

  it('leaves the end of a turn to clients that commit themselves, and forgets what they clear', async () => {
    const { messages, socket, closed } = await connect('/v1/realtime?intent=transcription&model=malgwi-ko');
    const send = (event: object): void => socket.send(JSON.stringify(event));
    send({
      type: 'transcription_session.update',
      session: { input_audio_format: 'pcm16', turn_detection: null },
    });
    const append = (bytes: Uint8Array): void =>
      send({ type: 'input_audio_buffer.append', audio: to24k(bytes).toString('base64') });
    append(DIALOGUE.subarray(0, 32_000 * 3));
    send({ type: 'input_audio_buffer.clear' });
    send({ type: 'input_audio_buffer.commit', event_id: 'mine' });
    append(RESERVE);
    append(silence(1));
    append(RESERVE);
    send({ type: 'input_audio_buffer.commit' });
    const last = () => messages.at(-1)!;
    await until(() => String(last()?.type).endsWith('.completed'), 20_000);
    socket.close();
    await closed;
    const types = messages.map(({ type }) => type as string);
    expect(types).toContain('transcription_session.updated');
    expect(types).toContain('input_audio_buffer.cleared');
    expect(types.some((type) => type.includes('speech_'))).toBe(false);
    expect(messages.find(({ type }) => type === 'error')!.error).toMatchObject({
      code: 'audio_empty',
      event_id: 'mine',
    });
    expect(types.filter((type) => type.endsWith('.committed'))).toHaveLength(1);
    expect(types.filter((type) => type.endsWith('.completed'))).toHaveLength(1);
    expect((last().transcript as string).match(/예약/g)).toHaveLength(2);
    expect(last().transcript).not.toContain('안녕');
  });

  it('takes the key as browsers send it, and answers mistakes with OpenAI’s error event', async () => {
    const { messages, socket, closed } = await connect(
      '/v1/realtime?intent=transcription',
      ['realtime', `openai-insecure-api-key.${KEY}`],
      { headers: {} } as never,
    );
    for (const message of ['{', '[]', '{"type":"response.create","event_id":"e1"}']) socket.send(message);
    socket.send(JSON.stringify({ type: 'input_audio_buffer.append', audio: '***' }));
    socket.send(Buffer.alloc(10));
    await until(() => messages.length >= 6);
    expect(messages.slice(1).map(({ type }) => type)).toEqual(Array(5).fill('error'));
    expect(messages.slice(1).map(({ error }) => error.code)).toEqual([
      'invalid_json',
      'invalid_message',
      'invalid_message',
      'invalid_field',
      'invalid_message',
    ]);
    expect(messages[3].error.event_id).toBe('e1');
    socket.close();
    await closed;
    const wrong = await connect('/v1/realtime', ['realtime', 'openai-insecure-api-key.no'], {
      headers: {},
    } as never);
    expect(await wrong.closed).toBe(1008);
  });
});

describe('Deepgram', () => {
  it('transcribes for the Deepgram SDK', async () => {
    const client = new DeepgramClient({
      apiKey: KEY,
      environment: { base: `http://${service.host}`, production: ws(''), agent: ws('') } as never,
    });
    const connection = await client.listen.v1.connect({
      model: 'malgwi-ko',
      language: 'ko',
      encoding: 'linear16',
      sample_rate: 16_000,
      interim_results: 'true',
      vad_events: 'true',
      utterance_end_ms: '1000',
      endpointing: 420,
      punctuate: 'true',
      Authorization: `Token ${KEY}`,
      reconnectAttempts: 0,
      queryParams: { no_delay: 'true', filler_words: 'true' },
    } as never);
    const messages: Json[] = [];
    connection.on('message', (message) => messages.push(message));
    const closed = new Promise((resolve) => connection.on('close', resolve));
    connection.connect();
    await connection.waitForOpen();
    for (let from = 0; from < DIALOGUE.length; from += 3201) {
      connection.sendMedia(DIALOGUE.slice(from, from + 3201));
      if (from % 32_010 === 0) connection.sendKeepAlive({ type: 'KeepAlive' });
    }
    connection.sendMedia(silence(2));
    connection.sendCloseStream({ type: 'CloseStream' });
    await closed;
    const finals = messages.filter(({ type, is_final }) => type === 'Results' && is_final);
    expect(finals.map(({ channel }) => channel.alternatives[0].transcript)).toEqual(heard);
    for (const final of finals) {
      expect(final.speech_final).toBe(true);
      expect(final.metadata.request_id).toMatch(/^[0-9a-f-]{36}$/);
      expect(final.metadata.model_info.name).toBe('malgwi-ko');
      const { words, transcript } = final.channel.alternatives[0];
      expect(words.map(({ word }: Json) => word).join(' ')).toBe(transcript);
      expect(words[0].start).toBeGreaterThanOrEqual(final.start);
    }
    expect(messages.some(({ is_final }) => is_final === false)).toBe(true);
    expect(messages.filter(({ type }) => type === 'SpeechStarted')).toHaveLength(heard.length);
    expect(messages.some(({ type }) => type === 'UtteranceEnd')).toBe(true);
    expect(messages.at(-1)).toMatchObject({ type: 'Metadata', channels: 1 });
    expect(messages.at(-1)!.duration).toBeCloseTo(DIALOGUE.length / 32_000 + 2, 1);
  });

  it('answers Finalize at once, also when there is nothing to finalise', async () => {
    const { messages, socket, closed } = await connect(
      '/v1/listen?encoding=linear16&sample_rate=22050&endpointing=false&smart_format=true',
    );
    socket.send(wavData(clip('extend-thirty.wav')));
    socket.send(JSON.stringify({ type: 'Finalize' }));
    await until(() => messages.length > 0, 10_000);
    expect(messages[0]).toMatchObject({ type: 'Results', is_final: true, from_finalize: true });
    const { transcript, words } = messages[0].channel.alternatives[0];
    expect(transcript).toMatch(/^30분/);
    expect(words[0].word).not.toBe(words[0].punctuated_word);
    socket.send(JSON.stringify({ type: 'Finalize' }));
    await until(() => messages.length > 1);
    expect(messages[1]).toMatchObject({
      from_finalize: true,
      channel: { alternatives: [{ transcript: '' }] },
    });
    socket.send(JSON.stringify({ type: 'CloseStream' }));
    expect(await closed).toBe(1000);
  });

  it('finds out itself what a container or a WAV file is', async () => {
    for (const name of ['return-27.wav', 'status.webm', 'cancel.ogg']) {
      const { messages, socket, closed } = await connect('/v1/listen?model=malgwi-ko', ['token', KEY], {
        headers: {},
      } as never);
      const file = readFileSync(clip(name));
      // Byte by byte at first: the header comes in pieces.
      for (let at = 0; at < 60; at++) socket.send(file.subarray(at, at + 1));
      socket.send(file.subarray(60));
      socket.send(JSON.stringify({ type: 'CloseStream' }));
      expect(await closed, name).toBe(1000);
      const text = messages
        .filter(({ type }) => type === 'Results')
        .map(({ channel }) => channel.alternatives[0].transcript)
        .join(' ');
      expect(text, name).not.toBe('');
    }
  });

  it('refuses what it cannot do with a reason, and ends where nothing is said', async () => {
    for (const [query, code] of [
      ['encoding=linear16', 'missing_field'],
      ['encoding=speex&sample_rate=8000', 'unsupported_encoding'],
      ['encoding=linear16&sample_rate=16000&language=en-US', 'invalid_field'],
      ['encoding=linear16&sample_rate=16000&model=nova-9', 'model_not_found'],
      ['encoding=linear16&sample_rate=16000&endpointing=soon', 'invalid_field'],
    ]) {
      const { messages, closed } = await connect(`/v1/listen?${query}`);
      expect(await closed, query).toBe(1008);
      expect(messages[0], query).toMatchObject({ type: 'Error', variant: code });
    }
    const { messages, socket, closed } = await connect('/v1/listen');
    socket.send(Buffer.from('%PDF-1.7 no audio at all'));
    expect(await closed).toBe(1008);
    expect(messages[0]).toMatchObject({ variant: 'unsupported_encoding' });
    const silent = await connect('/v1/listen?encoding=linear16&sample_rate=16000');
    silent.socket.send(JSON.stringify({ type: 'CloseStream' }));
    expect(await silent.closed).toBe(1000);
    expect(silent.messages.at(-1)).toMatchObject({ type: 'Metadata', duration: 0 });
  });
});

describe('Vosk', () => {
  /** As the sample client of vosk-server (python/test.py): one frame, one answer, never more. */
  async function lockstep(told: Told, audio: Uint8Array, frame: number): Promise<Json[]> {
    for (let from = 0; from < audio.length; from += frame) {
      const before = told.messages.length;
      told.socket.send(audio.subarray(from, from + frame));
      await until(() => told.messages.length > before, 10_000);
      expect(told.messages.length).toBe(before + 1);
    }
    return told.messages;
  }

  it('answers each frame once, and ends with what is left', async () => {
    const told = await connect('/v1/vosk');
    told.socket.send(JSON.stringify({ config: { sample_rate: 16_000, words: 1 } }));
    const file = readFileSync(clip('dialogue.wav'));
    await lockstep(told, file, 8000);
    told.socket.send('{"eof" : 1}');
    expect(await told.closed).toBe(1000);
    const frames = Math.ceil(file.length / 8000);
    expect(told.messages).toHaveLength(frames + 1);
    const results = told.messages.filter((message) => 'text' in message && message.text !== '');
    expect(results.map(({ text }) => text)).toEqual(heard);
    for (const { text, result } of results) {
      expect(result.map(({ word }: Json) => word).join(' ')).toBe(text);
      expect(result[0]).toMatchObject({ conf: expect.any(Number), start: expect.any(Number) });
    }
    expect(told.messages.some(({ partial }) => typeof partial === 'string' && partial !== '')).toBe(true);
  });

  it('gives a result at a reset and goes on; the rate is 8 kHz unless said', async () => {
    const told = await connect('/v1/vosk');
    const half = new Int16Array(new Int16Array(RESERVE.slice().buffer).filter((_, n) => n % 2 === 0));
    const audio = new Uint8Array(half.buffer);
    await lockstep(told, audio, 4001);
    told.socket.send('{"reset" : 1}');
    const frames = Math.ceil(audio.length / 4001);
    await until(() => told.messages.length === frames + 1, 10_000);
    const said = told.messages.map(({ text = '' }) => text as string).join(' ');
    expect(said).toContain('예약');
    await lockstep(told, audio, 4000);
    told.socket.send('{"eof" : 1}');
    expect(await told.closed).toBe(1000);
  });

  it('offers alternatives, refuses a model in the configuration, and answers empty frames', async () => {
    const told = await connect('/v1/vosk?model=malgwi-ko');
    told.socket.send(
      JSON.stringify({
        config: { sample_rate: 16_000, max_alternatives: 3, phrase_list: ['자리 예약', '[unk]'] },
      }),
    );
    told.socket.send(Buffer.alloc(0));
    await until(() => told.messages.length === 1);
    expect(told.messages[0]).toEqual({ partial: '' });
    await lockstep(told, RESERVE, 16_000);
    told.socket.send('{"eof" : 1}');
    await told.closed;
    const last = told.messages.find((message) => message.alternatives?.[0].text)!;
    expect(last.alternatives.length).toBeGreaterThan(1);
    expect(last.alternatives[0].text).toContain('예약');
    const refused = await connect('/v1/vosk');
    refused.socket.send(JSON.stringify({ config: { model: '/etc/passwd' } }));
    expect(await refused.closed).toBe(1008);
    expect(refused.messages[0]).toMatchObject({ code: 'invalid_field' });
    const empty = await connect('/v1/vosk');
    empty.socket.send('{"eof":1}');
    expect(await empty.closed).toBe(1000);
    expect(empty.messages).toEqual([{ text: '' }]);
  });
});

it('keeps a Realtime client that connects long before it speaks', async () => {
  const brief = await liveService(recognizer, { live: { helloTimeoutMs: 1000 } });
  try {
    const socket = new WebSocket(`ws://${brief.host}/v1/realtime?intent=transcription`);
    let closed = false;
    socket.on('close', () => (closed = true));
    await sleep(1600);
    expect(closed).toBe(false);
    socket.close();
  } finally {
    await brief.close();
  }
});

describe('docs/reference/live-compatible.md', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const page = readFileSync(join(root, 'docs/reference/live-compatible.md'), 'utf8');

  /** Runs the example of this name as the program it is, with audio to send. */
  async function run(name: string, prelude: string): Promise<string> {
    const [, program] = new RegExp(`^\`\`\`js ${name}\\n(.*?)^\`\`\``, 'ms').exec(page)!;
    const open = await liveService(recognizer);
    // Beside the tests, where its imports are found.
    const file = join(root, 'node_modules', `.example-${name}.mjs`);
    const audio = join(root, 'test-audio/reserve-a3.wav');
    writeFileSync(file, `${prelude.replaceAll('AUDIO', JSON.stringify(audio))}\n${program}`);
    try {
      return await new Promise((resolve, reject) => {
        const env = {
          ...process.env,
          BASE_URL: `http://${open.host}${name === 'realtime' ? '/v1' : ''}`,
          WS_URL: `ws://${open.host}`,
        };
        execFile(process.execPath, [file], { env, timeout: 20_000 }, (error, stdout, stderr) => {
          if (error) reject(new Error(stderr));
          else resolve(stdout);
        });
      });
    } finally {
      rmSync(file);
      await open.close();
    }
  }
  const AUDIO =
    "const { readFileSync } = await import('node:fs'); globalThis.audio = readFileSync(AUDIO).subarray(44);";

  it('has programs that print what was said', async () => {
    expect(await run('vosk', AUDIO)).toContain('예약');
    expect(await run('deepgram', AUDIO)).toContain('예약');
    const realtime = `${AUDIO}
      const https = await import('node:https'); const net = await import('node:net');
      class Plain extends https.Agent { createConnection(options) { return net.connect(options); } }
      globalThis.socketOptions = { agent: new Plain() };
      const wide = Buffer.concat([globalThis.audio, Buffer.alloc(64000)]); const out = Buffer.alloc(wide.length / 2 * 3);
      for (let i = 0; i < out.length / 2; i++) out.writeInt16LE(wide.readInt16LE(Math.floor(i * 2 / 3) * 2), i * 2);
      globalThis.pieces = [out.toString('base64')];`;
    expect(await run('realtime', realtime)).toContain('예약');
  });
});
