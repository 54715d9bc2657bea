import type { ServerMessage } from '../../src/live/protocols/native-messages.js';

export interface ResumingOptions {
  /** A WebSocket, the browser's or that of the package ws. */
  readonly connect: () => unknown;
  readonly sampleRate: number;
  readonly hello?: object;
  readonly onMessage?: (message: ServerMessage) => void;
  readonly send?: (socket: never, bytes: Uint8Array) => void;
  readonly attempts?: number;
}
export class ResumingStream {
  constructor(options: ResumingOptions);
  readonly closed: Promise<void>;
  readonly unsettled: number;
  write(bytes: Uint8Array): void;
  finish(): Promise<void>;
}
