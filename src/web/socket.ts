import { base64url, getKey } from './key.js';
import type { Hello, ServerMessage } from './protocol.js';

export interface LiveEvents {
  onMessage(message: ServerMessage): void;
  /** @param clean whether the service said that the session is over */
  onClose(code: number, clean: boolean): void;
}

/** Audio that may wait in the browser; beyond it the network is too slow for live recognition. */
const MAX_WAITING_BYTES = 4_000_000;

/** One live session of the page. */
export class LiveSocket {
  private readonly socket: WebSocket;
  private clean = false;

  constructor(hello: Hello, events: LiveEvents) {
    const url = new URL('v1/stream', location.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    url.search = url.hash = '';
    const key = getKey();
    this.socket = new WebSocket(url, key === null ? ['malgwi'] : ['malgwi', `malgwi-key.${base64url(key)}`]);
    this.socket.binaryType = 'arraybuffer';
    this.socket.onopen = () => {
      this.socket.send(JSON.stringify(hello));
      for (const waiting of this.waiting.splice(0)) this.socket.send(waiting);
    };
    this.socket.onmessage = ({ data }: MessageEvent<string>) => {
      const message = JSON.parse(data) as ServerMessage;
      if (message.type === 'closed') this.clean = true;
      events.onMessage(message);
    };
    this.socket.onclose = ({ code }) => events.onClose(code, this.clean);
  }

  /** Said before the socket was open. */
  private readonly waiting: (ArrayBuffer | string)[] = [];

  /** False when the network does not keep up. */
  send(pcm: ArrayBuffer): boolean {
    this.put(pcm);
    return this.socket.bufferedAmount < MAX_WAITING_BYTES;
  }

  finish(): void {
    this.put(JSON.stringify({ type: 'finish' }));
  }

  close(): void {
    this.socket.close();
  }

  private put(data: ArrayBuffer | string): void {
    if (this.socket.readyState === WebSocket.CONNECTING) this.waiting.push(data);
    else if (this.socket.readyState === WebSocket.OPEN) this.socket.send(data);
  }
}
