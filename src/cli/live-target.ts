/** Where live audio goes: the recogniser in this process, or a running service. Both answer with the same messages. */
import type { WebSocket as Socket } from 'ws';
import type { Config } from '../config.js';
import { ERRORS, MalgwiError, type ErrorCode } from '../errors.js';
import { parseIntent } from '../intents/index.js';
import type { SessionEvent } from '../live/contract.js';
import type { ServerMessage } from '../live/protocols/native-messages.js';
import { NativeProtocol } from '../live/protocols/native.js';
import type { LiveEvent, LiveOptions } from '../recognition/contract.js';
import { startRecognizer } from './recognizer.js';

export type { ServerMessage };
export type OnMessage = (message: ServerMessage) => void;

export interface LiveTarget {
  /** Resolves when more may come: the microphone is read no faster than it is recognised. */
  feed(bytes: Uint8Array): Promise<void>;
  /** End of the audio; resolves when the last words were delivered. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface LiveAudio extends Pick<LiveOptions, 'sampleRate' | 'channels'> {
  readonly encoding: 'pcm_s16le';
  /** Whether intents are looked for. */
  readonly intents: boolean;
}

/** @throws MalgwiError of the models */
export async function openLocalTarget(
  config: Config,
  audio: LiveAudio,
  onMessage: OnMessage,
): Promise<LiveTarget> {
  const { intents, ...format } = audio;
  const protocol = new NativeProtocol(config.live);
  const emit = (event: SessionEvent): void => {
    for (const text of protocol.encode(event)) onMessage(JSON.parse(text) as ServerMessage);
  };
  const deliver = (event: LiveEvent): void => {
    emit(event);
    if (event.type !== 'final' || !intents || event.segment.text === '') return;
    const { text, words } = event.segment;
    const result = parseIntent(text, {
      words,
      ...(config.venue === undefined ? {} : { venue: config.venue }),
    });
    emit({ type: 'intent', utterance: event.utterance, result, tentative: false });
  };
  // One voice needs one thread; each further one would load the model once more.
  const recognizer = await startRecognizer({ ...config, workers: { ...config.workers, count: 1 } });
  try {
    const { partialIntervalMs } = config.live;
    const stream = await recognizer.openStream({ ...format, partialIntervalMs });
    return {
      feed: async (bytes) => (await stream.feed(bytes)).events.forEach(deliver),
      finish: async () => (await stream.finish()).events.forEach(deliver),
      close: async () => {
        stream.close();
        await recognizer.close();
      },
    };
  } catch (error) {
    await recognizer.close();
    throw error;
  }
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * A session on a running service (`/v1/stream`, docs/reference/live.md).
 * @param model the service's default without it
 * @throws MalgwiError not_ready when nothing answers, or what the service refuses the session with
 */
export async function openServerTarget(
  service: URL,
  audio: LiveAudio & { readonly model?: string | undefined },
  key: string | undefined,
  onMessage: OnMessage,
): Promise<LiveTarget> {
  const { WebSocket } = await import('ws');
  const url = new URL(service);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/stream`;
  const socket = new WebSocket(url, 'malgwi', {
    handshakeTimeout: CONNECT_TIMEOUT_MS,
    perMessageDeflate: false,
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
  });
  const session = new ServerSession(socket, service.origin, onMessage);
  await session.open({
    type: 'hello',
    encoding: audio.encoding,
    sample_rate: audio.sampleRate,
    channels: audio.channels,
    ...(audio.model === undefined ? {} : { model: audio.model }),
    options: { intents: audio.intents },
  });
  return session;
}

class ServerSession implements LiveTarget {
  private failure: MalgwiError | undefined;
  private readonly ready: Promise<void>;
  private readonly closed: Promise<void>;

  constructor(
    private readonly socket: Socket,
    private readonly origin: string,
    onMessage: OnMessage,
  ) {
    let isReady: () => void;
    this.ready = new Promise((resolve) => (isReady = resolve));
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString('utf8')) as ServerMessage;
      if (message.type === 'error') this.failure ??= toError(message.error);
      else onMessage(message);
      if (message.type === 'ready') isReady();
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => resolve());
      socket.once('error', (cause) => {
        const detail = `No service answers at ${this.origin}.`;
        this.failure ??= new MalgwiError('not_ready', { detail, cause });
        resolve();
      });
    });
  }

  async open(hello: object): Promise<void> {
    this.socket.once('open', () => this.socket.send(JSON.stringify(hello)));
    await Promise.race([this.ready, this.failed()]);
  }

  async feed(bytes: Uint8Array): Promise<void> {
    // Called back when the bytes left, and also when they never will.
    await new Promise<void>((resolve) => this.socket.send(bytes, () => resolve()));
    if (this.socket.readyState !== this.socket.OPEN) await this.failed();
  }

  async finish(): Promise<void> {
    this.socket.send(JSON.stringify({ type: 'finish' }));
    await this.closed;
    if (this.failure !== undefined) throw this.failure;
  }

  close(): Promise<void> {
    this.socket.close();
    return Promise.resolve();
  }

  /** Never resolves; rejects once the session has ended without being asked to. */
  private async failed(): Promise<never> {
    await this.closed;
    throw this.failure ?? new MalgwiError('not_ready', { detail: `${this.origin} ended the session.` });
  }
}

function toError(error: { readonly code: string; readonly message: string }): MalgwiError {
  const code = Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'internal_error';
  return new MalgwiError(code, { detail: error.message });
}
