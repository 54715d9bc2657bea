/** A client that does not give up, and a network that does. */
import { connect as netConnect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { ResumingStream } from '../scripts/lib/resuming-stream.mjs';

/** The service takes 30 s of audio beforehand. */
const AHEAD_BYTES = 25 * 32_000;

/** Plays 16 kHz PCM with the client of the guide, and collects one transcript. */
export class ResilientClient {
  readonly finals: { utterance: number; start: number; end: number; text: string }[] = [];
  readonly errors: string[] = [];
  #sessions = 0;

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

  /** Sessions that were begun anew, behind a restart. */
  get restarts(): number {
    return this.#sessions - 1;
  }

  /** Until everything is final. @throws when it takes longer than the limit */
  async run(limitMs: number): Promise<void> {
    const stream = new ResumingStream({
      connect: () => new WebSocket(this.url()),
      sampleRate: 16_000,
      hello: { options: { intents: false } },
      onMessage: (message) => {
        if (message.type === 'ready') this.#sessions += 1;
        if (message.type === 'error') this.errors.push(message.error.code);
        if (message.type !== 'final') return;
        const { utterance, start, end, text } = message;
        this.finals.push({ utterance, start, end, text });
      },
    });
    const late = sleep(limitMs, undefined, { ref: false }).then(() => {
      throw new Error(`not done: ${JSON.stringify([this.errors, this.text])}`);
    });
    await Promise.race([this.#play(stream), late]);
  }

  async #play(stream: ResumingStream): Promise<void> {
    for (let at = 0; at < this.audio.length; at += this.pieceBytes) {
      stream.write(this.audio.subarray(at, at + this.pieceBytes));
      if (this.paceMs > 0 || at % 64_000 < this.pieceBytes) await sleep(this.paceMs);
      while (stream.unsettled > AHEAD_BYTES) await sleep(5);
    }
    await stream.finish();
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
