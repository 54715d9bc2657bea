/** What the tests of the live socket share: a listening service, and a client that checks every message it gets. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Value } from 'typebox/value';
import { WebSocket } from 'ws';
import type { ClientOptions } from 'ws';
import type { ConfigOverrides } from '../src/config.js';
import { SERVER_MESSAGES } from '../src/live/protocols/native-messages.js';
import type { ServerMessage } from '../src/live/protocols/native-messages.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { testService } from './http-support.js';
import type { TestService } from './http-support.js';

export interface LiveService extends TestService {
  /** `host:port` */
  readonly host: string;
  readonly url: string;
}

/** The service on a free port. */
export async function liveService(
  recognizer: Recognizer,
  overrides: ConfigOverrides = {},
): Promise<LiveService> {
  const service = await testService(recognizer, overrides);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = service.app.server.address() as AddressInfo;
  const host = `127.0.0.1:${String(port)}`;
  return { ...service, host, url: `ws://${host}/v1/stream` };
}

/** What a program reads in the answer to a handshake that is refused. */
export async function refusedHandshake(
  url: string,
  options: ClientOptions = {},
): Promise<{ readonly status: number; readonly retryAfter: number; readonly code: string }> {
  const socket = new WebSocket(url, options);
  socket.on('error', () => undefined);
  return new Promise((resolve, reject) => {
    socket.once('open', () => reject(new Error('it was let in')));
    socket.once('unexpected-response', (_request, response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          retryAfter: Number(response.headers['retry-after']),
          code: (JSON.parse(body) as { error: { code: string } }).error.code,
        }),
      );
    });
  });
}

export type MessageOf<Type extends ServerMessage['type']> = Extract<ServerMessage, { type: Type }>;
export interface Closing {
  readonly code: number;
  readonly reason: string;
}

export class LiveClient {
  readonly messages: ServerMessage[] = [];
  /** When each came, in milliseconds. */
  readonly times: number[] = [];
  readonly closed: Promise<Closing>;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) throw new Error('the service sends text only');
      const message = JSON.parse(data.toString()) as ServerMessage;
      const schema = SERVER_MESSAGES[message.type];
      if (!Value.Check(schema, message)) throw new Error(`not as described: ${data.toString()}`);
      this.messages.push(message);
      this.times.push(performance.now());
      for (const wake of this.#waiting) wake();
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.#isClosed = true;
        for (const wake of this.#waiting) wake();
        resolve({ code, reason: reason.toString() });
      });
    });
    socket.on('error', () => undefined);
  }

  /** @throws with the status of a refused handshake */
  static async connect(
    url: string,
    options: ClientOptions = {},
    protocols: string[] = [],
  ): Promise<LiveClient> {
    const socket = new WebSocket(url, protocols, options);
    const client = new LiveClient(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) =>
        reject(new Error(`status ${response.statusCode}`)),
      );
    });
    return client;
  }

  /** Connects, says hello, and waits for ready. */
  static async open(url: string, hello: object = {}, options: ClientOptions = {}): Promise<LiveClient> {
    const client = await LiveClient.connect(url, options);
    client.say({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, ...hello });
    await client.next('ready');
    return client;
  }

  say(message: unknown): void {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  of<Type extends ServerMessage['type']>(type: Type): MessageOf<Type>[] {
    return this.messages.filter((message): message is MessageOf<Type> => message.type === type);
  }

  /** The first message of this type, waited for. */
  async next<Type extends ServerMessage['type']>(type: Type, count = 1): Promise<MessageOf<Type>> {
    for (;;) {
      const found = this.of(type);
      if (found.length >= count) return found[count - 1];
      if (this.#isClosed) throw new Error(`closed without ${type}: ${JSON.stringify(this.messages.at(-1))}`);
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          resolve();
        };
        this.#waiting.add(wake);
      });
    }
  }

  /** Sends audio in pieces; `speed` times as fast as it plays (0: at once). */
  async play(
    bytes: Uint8Array,
    pieceBytes: number,
    options: { speed?: number; rate?: number } = {},
  ): Promise<void> {
    const { speed = 0, rate = 32_000 } = options;
    const started = performance.now();
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      this.socket.send(bytes.subarray(from, from + pieceBytes));
      if (speed === 0) continue;
      const due = started + ((from + pieceBytes) / rate / speed) * 1000;
      if (due > performance.now()) await sleep(due - performance.now());
    }
  }

  /** Ends the audio and waits for the end. */
  async finish(): Promise<Closing> {
    this.say({ type: 'finish' });
    return this.closed;
  }

  get text(): string {
    return this.of('final')
      .map((final) => final.text)
      .filter((text) => text !== '')
      .join(' ');
  }

  get codes(): string[] {
    return this.of('error').map((message) => message.error.code);
  }
}

/** Samples of a canonical wav file. */
export function wavData(file: string): Uint8Array {
  const bytes = readFileSync(file);
  const at = bytes.indexOf('data');
  const length = bytes.readUInt32LE(at + 4);
  return new Uint8Array(bytes.subarray(at + 8, at + 8 + length));
}

/**
 * The clip as someone would say it who stops to think: silence in the quietest moment of its middle third, and a second at its end.
 * @param bytes 16-bit samples, 16 kHz
 */
export function withPause(bytes: Uint8Array, seconds: number): Uint8Array {
  const samples = new Int16Array(bytes.slice().buffer);
  const level = (at: number): number =>
    samples.subarray(at, at + 480).reduce((sum, value) => sum + Math.abs(value), 0);
  let quietest = Math.round(samples.length / 3);
  for (let at = quietest; at < (samples.length * 2) / 3; at += 160)
    if (level(at) < level(quietest)) quietest = at;
  const cut = quietest + 240;
  const pause = Math.round(seconds * 16_000);
  const paused = new Int16Array(samples.length + pause + 16_000);
  paused.set(samples.subarray(0, cut));
  paused.set(samples.subarray(cut), cut + pause);
  return new Uint8Array(paused.buffer);
}

/** Waits until the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const limit = performance.now() + timeoutMs;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error('it never came true');
    await sleep(10);
  }
}
