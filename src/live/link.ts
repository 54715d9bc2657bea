/** One socket: what goes out on it, whether anyone reads it, and whether anyone is there. */
import type { WebSocket } from 'ws';

import { Pace } from './pace.js';

export interface LinkEvents {
  onText(message: string): void;
  onBinary(bytes: Uint8Array): void;
  /** More waits to be read than may wait. */
  onSlow(): void;
  onTooLarge(): void;
  /**
   * Once, when the socket is closed, however that came.
   * @param code ours, if we closed it
   * @param received the client's own close code; 1006 where the connection broke
   */
  onGone(code: number, received: number): void;
}

/** Between pings of the server: proxies cut what is silent for a minute. */
const PING_MS = 15_000;
/** A client that does not answer a close has this long before its socket is destroyed. */
const CLOSE_GRACE_MS = 2000;

export class SocketLink {
  #answered = true;
  #closeSent: number | undefined;
  #released = false;
  readonly #pace = new Pace(performance.now());
  #resting: NodeJS.Timeout | undefined;
  readonly #pinger: NodeJS.Timeout;
  readonly #listeners: readonly (readonly [string, (...values: never[]) => void])[];

  constructor(
    private readonly socket: WebSocket,
    private readonly sendBufferBytes: number,
    private readonly events: LinkEvents,
  ) {
    this.#listeners = [
      [
        'message',
        (data: Buffer, isBinary: boolean) => {
          this.#answered = true;
          this.#keepPace(data.length);
          if (isBinary) events.onBinary(data);
          else events.onText(data.toString());
        },
      ],
      [
        'ping',
        (data: Buffer) => {
          this.#keepPace(data.length);
          this.checkReader();
        },
      ],
      ['pong', () => (this.#answered = true)],
      // ws closes by itself after a broken frame or a message that is too large; 'close' follows.
      [
        'error',
        (error: Error & { code?: string }) => {
          if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') events.onTooLarge();
        },
      ],
      ['close', (code: number) => this.#gone(code)],
    ];
    for (const [name, listener] of this.#listeners) socket.on(name, listener as () => void);
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
  }

  /** Half of what may wait does: what the next message will say anyway need not be said now. */
  get busy(): boolean {
    return this.socket.bufferedAmount > this.sendBufferBytes / 2;
  }

  get open(): boolean {
    return this.socket.readyState === this.socket.OPEN && this.#closeSent === undefined;
  }

  send(messages: readonly string[]): void {
    if (!this.open) return;
    for (const message of messages) this.socket.send(message);
  }

  checkReader(): void {
    if (this.socket.bufferedAmount <= this.sendBufferBytes) return;
    // Not from within the effects of another input.
    queueMicrotask(() => this.events.onSlow());
  }

  close(code: number, reason: string): void {
    this.#closeSent = code;
    // The answer to a close must be read.
    this.#goOn();
    this.socket.close(code, reason);
    setTimeout(() => this.socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  /** Lets go of the socket without closing it: it belongs to someone else now. */
  release(): WebSocket {
    this.#released = true;
    this.#goOn();
    clearInterval(this.#pinger);
    for (const [name, listener] of this.#listeners) this.socket.off(name, listener as () => void);
    return this.socket;
  }

  /** Who writes too fast is read later: its own socket fills up, and nobody else is the later for it. */
  #keepPace(bytes: number): void {
    const wait = this.#pace.took(bytes, performance.now());
    if (wait === 0 || this.#resting !== undefined || !this.open) return;
    this.socket.pause();
    this.#resting = setTimeout(() => this.#goOn(), wait);
  }

  #goOn(): void {
    if (this.#resting === undefined) return;
    clearTimeout(this.#resting);
    this.#resting = undefined;
    this.socket.resume();
  }

  #gone(code: number): void {
    clearInterval(this.#pinger);
    clearTimeout(this.#resting);
    if (!this.#released) this.events.onGone(this.#closeSent ?? code, code);
  }

  #ping(): void {
    // Two intervals without a sign of life: nobody is there, and no close will ever come.
    if (!this.#answered) return this.socket.terminate();
    this.#answered = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }
}
