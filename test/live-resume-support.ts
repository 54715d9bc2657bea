/** A client that does not give up, and a network that does. */
import { connect as netConnect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { ServerMessage } from '../src/live/protocols/native-messages.js';

const RATE = 32_000;

/** Sends 16 kHz PCM to wherever it can, keeps what may be needed again, and collects one transcript. */
export class ResilientClient {
  readonly finals: { utterance: number; start: number; end: number; text: string }[] = [];
  readonly errors: string[] = [];
  connections = 0;
  /** Sessions that were begun anew, behind a restart. */
  restarts = 0;
  #session: { id: string; token: string } | undefined;
  #seq = 0;
  /** Of the whole audio: what the server has of it, what it needs no more, and where the present session began. */
  #sent = 0;
  #settled = 0;
  #base = 0;
  #closed = false;

  constructor(
    private readonly url: () => string,
    private readonly audio: Uint8Array,
    private readonly pieceBytes = 3200,
    /** Milliseconds between two pieces. */
    private readonly paceMs = 0,
  ) {}

  get text(): string[] {
    return this.finals.map(({ text }) => text);
  }

  /** Until everything is final. @throws when it takes longer than the limit */
  async run(limitMs: number): Promise<void> {
    const limit = performance.now() + limitMs;
    while (!this.#closed) {
      if (performance.now() > limit) throw new Error(`not done: ${JSON.stringify([this.errors, this.text])}`);
      await this.#connection();
      if (!this.#closed) await sleep(20);
    }
  }

  async #connection(): Promise<void> {
    const socket = new WebSocket(this.url());
    this.connections += 1;
    const gone = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => undefined);
    let ready = false;
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as ServerMessage & { seq?: number };
      this.#take(message);
      ready ||= message.type === 'ready' || message.type === 'resumed';
    });
    await Promise.race([new Promise((resolve) => socket.once('open', resolve)), gone]);
    if (socket.readyState !== WebSocket.OPEN) return;
    if (this.#session === undefined) {
      this.#base = Math.max(this.#settled, Math.ceil((this.finals.at(-1)?.end ?? 0) * 16_000) * 2);
      this.#sent = this.#base;
      this.#seq = 0;
      if (this.#base > 0) this.restarts += 1;
      const going = { time: this.#base / RATE, utterance: (this.finals.at(-1)?.utterance ?? -1) + 1 };
      const hello = { type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, resumable: true };
      socket.send(JSON.stringify({ ...hello, continue: going, options: { intents: false } }));
    } else {
      const { id, token } = this.#session;
      socket.send(JSON.stringify({ type: 'resume', session: id, token, seq: this.#seq }));
    }
    while (!ready && socket.readyState === WebSocket.OPEN) await Promise.race([sleep(5), gone]);
    while (this.#sent < this.audio.length && socket.readyState === WebSocket.OPEN) {
      const to = Math.min(this.audio.length, this.#sent + this.pieceBytes);
      socket.send(this.audio.subarray(this.#sent, to));
      this.#sent = to;
      if (this.paceMs > 0 || this.#sent % 64_000 < this.pieceBytes) await sleep(this.paceMs);
    }
    if (socket.readyState === WebSocket.OPEN) socket.send('{"type":"finish"}');
    await gone;
  }

  #take(message: ServerMessage & { seq?: number }): void {
    if (message.seq !== undefined) this.#seq = message.seq;
    switch (message.type) {
      case 'ready':
        this.#session = { id: message.session, token: message.resume!.token };
        return;
      case 'resumed':
        this.#sent = this.#base + message.bytes;
        return;
      case 'ack':
        this.#settled = this.#base + message.bytes;
        return;
      case 'final': {
        const { utterance, start, end, text } = message;
        this.finals.push({ utterance, start, end, text });
        return;
      }
      case 'error':
        this.errors.push(message.error.code);
        // That session is over; what it did not settle is told to another one.
        if (['session_not_found', 'shutting_down'].includes(message.error.code)) this.#session = undefined;
        return;
      case 'closed':
        this.#closed = message.reason === 'finished';
    }
  }
}

export interface Proxy {
  readonly port: number;
  readonly drops: number;
  close(): void;
}

/** A TCP proxy that breaks connections after a random number of bytes, and passes what it passes in small pieces. */
export async function flakyProxy(
  target: () => number,
  random: () => number,
  options: { readonly dropBytes: number; readonly piece: number; readonly delayMs?: number },
): Promise<Proxy> {
  let drops = 0;
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = netConnect({ port: target(), host: '127.0.0.1' });
    let left = Math.floor(random() * 2 * options.dropBytes);
    let broken = false;
    const kill = (): void => {
      client.destroy();
      upstream.destroy();
    };
    const pass = (from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => {
        if (broken) return;
        left -= chunk.length;
        if (left < 0) {
          broken = true;
          drops += 1;
          // A part of it arrives, as it does in life.
          to.write(chunk.subarray(0, Math.floor(random() * chunk.length)));
          return void setTimeout(kill, Math.floor(random() * (options.delayMs ?? 5)));
        }
        for (let at = 0; at < chunk.length; at += options.piece)
          to.write(chunk.subarray(at, at + options.piece));
      });
      from.on('error', kill);
      from.on('close', kill);
    };
    client.setNoDelay(true);
    upstream.setNoDelay(true);
    pass(client, upstream);
    pass(upstream, client);
    open.add(client).add(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    get drops() {
      return drops;
    },
    close: () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
