/** Owns one socket: carries out what the session core wants, and tells it what happens. */
import type { WebSocket } from 'ws';
import { toPlainError } from '../errors.js';
import type { PlainError } from '../errors.js';
import type { Metrics, RejectReason } from '../metrics/index.js';
import type { LiveFeedResult, LiveStream } from '../recognition/contract.js';
import type {
  LiveCommand,
  Measure,
  ProtocolAdapter,
  Reply,
  SessionEffect,
  SessionEvent,
  SessionOptions,
} from './contract.js';
import type { IntentResolver } from './intents.js';
import { LiveSession, type SessionLimits } from './session.js';

export interface ConnectionOptions {
  readonly socket: WebSocket;
  readonly adapter: ProtocolAdapter;
  readonly limits: SessionLimits;
  /** Bytes of events that may wait for the client to read them. */
  readonly sendBufferBytes: number;
  readonly metrics: Metrics;
  /** Opens the recogniser's stream and counts the session. @throws MalgwiError too_many_sessions ... */
  readonly open: (
    options: SessionOptions,
  ) => Promise<{ readonly session: string; readonly stream: LiveStream }>;
  readonly resolveIntent: (options: SessionOptions) => IntentResolver;
  /** Called at the end of a session that heard something, so that a reference text posted later can be scored. */
  readonly onTranscript: (session: string, model: string, text: string) => void;
  /** Called once, when the socket is closed and everything is given back. */
  readonly onClosed: () => void;
  readonly onInternalError: (error: unknown) => void;
}

/** Between pings of the server: proxies cut what is silent for a minute. */
const PING_MS = 15_000;
/** A client that does not answer a close has this long before its socket is destroyed. */
const CLOSE_GRACE_MS = 2000;
/** Finals of a session that are kept for scoring. */
const MAX_FINALS = 100;
const REJECTIONS = new Set<string>(['queue_full', 'too_many_sessions', 'shutting_down', 'not_ready']);

export class LiveConnection {
  readonly #session: LiveSession;
  #stream: LiveStream | undefined;
  #model = '';
  #sessionId = '';
  #finals: string[] = [];
  #counted = false;
  #closed = false;
  #closeSent: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #answered = true;
  readonly #pinger: NodeJS.Timeout;

  constructor(private readonly options: ConnectionOptions) {
    const { socket, adapter, limits, resolveIntent } = options;
    const { idleTimeoutMs = limits.idleTimeoutMs, patient = false } = adapter;
    const helloTimeoutMs = patient ? idleTimeoutMs : limits.helloTimeoutMs;
    this.#session = new LiveSession(
      { ...limits, idleTimeoutMs, helloTimeoutMs },
      resolveIntent,
      performance.now(),
    );
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#answered = true;
      this.#take(isBinary ? adapter.binary(data) : adapter.text(data.toString()));
    });
    socket.on('ping', () => this.#checkReader());
    socket.on('pong', () => (this.#answered = true));
    // ws closes by itself after a broken frame or a message that is too large; 'close' follows.
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#countError('message_too_large');
    });
    socket.on('close', (code: number) => this.#onClose(code));
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
    this.#arm();
    const first = adapter.open?.();
    if (first !== undefined) this.#take(first);
  }

  /** The service closes: what has come is recognised, then the socket is closed with 1012. */
  drain(): void {
    this.#input({ type: 'drain' });
  }

  /** Closes at once, without a session: refused at the door. */
  refuse(error: PlainError): void {
    this.#input({ type: 'failed', error });
  }

  #take(wanted: readonly (LiveCommand | Reply)[]): void {
    for (const item of wanted) {
      if (item.type === 'reply') this.#say([item.message]);
      else this.#input({ type: 'command', command: item });
    }
  }

  #say(messages: readonly string[]): void {
    const { socket } = this.options;
    if (socket.readyState !== socket.OPEN || this.#closeSent !== undefined) return;
    for (const message of messages) socket.send(message);
    this.#checkReader();
  }

  #input(input: Parameters<LiveSession['handle']>[0]): void {
    let effects: readonly SessionEffect[];
    try {
      effects = this.#session.handle(input, performance.now());
    } catch (error) {
      this.options.onInternalError(error);
      effects = this.#session.handle({ type: 'failed', error: toPlainError(error) }, performance.now());
    }
    for (const effect of effects) this.#apply(effect);
    this.#arm();
  }

  #apply(effect: SessionEffect): void {
    switch (effect.type) {
      case 'emit':
        return this.#send(effect.event);
      case 'open':
        return void this.#open(effect.options);
      case 'feed':
        return this.#ask((stream) => stream.feed(effect.bytes));
      case 'flush':
        return this.#ask((stream) => stream.flush());
      case 'finish':
        return this.#ask((stream) => stream.finish());
      case 'release':
        this.#stream?.close();
        this.#stream = undefined;
        return;
      case 'close':
        return this.#closeSocket(effect.code, effect.reason);
      case 'measure':
        return this.#measure(effect.measure);
    }
  }

  async #open(options: SessionOptions): Promise<void> {
    try {
      const { session, stream } = await this.options.open(options);
      // The socket may have gone while the stream was opened.
      if (this.#session.state === 'closed') return stream.close();
      this.#stream = stream;
      this.#model = stream.model;
      this.#sessionId = session;
      this.#counted = true;
      this.options.metrics.sessionOpened(this.options.adapter.protocol);
      this.#input({ type: 'opened', session, model: stream.model });
    } catch (error) {
      this.#failed(error);
    }
  }

  #ask(call: (stream: LiveStream) => Promise<LiveFeedResult>): void {
    call(this.#stream!).then(
      (result) => this.#input({ type: 'recognized', result }),
      (error: unknown) => this.#failed(error),
    );
  }

  #failed(error: unknown): void {
    const plain = toPlainError(error);
    if (plain.code === 'internal_error') this.options.onInternalError(error);
    this.#input({ type: 'failed', error: plain });
  }

  #send(event: SessionEvent): void {
    const { socket, adapter, sendBufferBytes } = this.options;
    if (socket.readyState !== socket.OPEN || this.#closeSent !== undefined) return;
    if (event.type === 'error') this.#countError(event.error.code);
    if (event.type === 'final') this.#remember(event.segment.text);
    // The next partial says all that this one does: a slow reader misses nothing without it.
    const superseded = event.type === 'partial' || (event.type === 'intent' && event.tentative);
    if (superseded && socket.bufferedAmount > sendBufferBytes / 2) return;
    for (const message of adapter.encode(event)) socket.send(message);
    if (event.type !== 'closed' && event.type !== 'error') this.#checkReader();
  }

  /** Long sessions are not scored, so no more of them is kept than is needed to know that. */
  #remember(text: string): void {
    if (text !== '' && this.#finals.length <= MAX_FINALS) this.#finals.push(text);
  }

  #checkReader(): void {
    if (this.options.socket.bufferedAmount <= this.options.sendBufferBytes) return;
    // Not from within the effects of another input.
    queueMicrotask(() => this.#input({ type: 'slow_reader' }));
  }

  #closeSocket(code: number, reason: string): void {
    const { socket } = this.options;
    this.#closeSent = code;
    socket.close(code, reason);
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref();
  }

  #onClose(code: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#input({ type: 'disconnected' });
    clearInterval(this.#pinger);
    clearTimeout(this.#timer);
    const { metrics, adapter, onTranscript, onClosed } = this.options;
    if (this.#finals.length > 0 && this.#finals.length <= MAX_FINALS) {
      onTranscript(this.#sessionId, this.#model, this.#finals.join(' '));
    }
    const counted = this.#closeSent ?? code;
    if (this.#counted) metrics.sessionClosed(adapter.protocol, counted);
    else metrics.socketClosed(adapter.protocol, counted);
    onClosed();
  }

  #ping(): void {
    const { socket } = this.options;
    // Two intervals without a sign of life: nobody is there, and no close will ever come.
    if (!this.#answered) return socket.terminate();
    this.#answered = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }

  /** One timer, set anew only when the session's deadline comes nearer; a tick that comes too early does nothing. */
  #arm(): void {
    const { deadline } = this.#session;
    if (this.#closed || deadline === Infinity) return;
    if (this.#timer !== undefined && this.#timerAt <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#input({ type: 'tick' });
      },
      Math.min(2 ** 31 - 1, Math.max(1, Math.ceil(deadline - performance.now()))),
    );
  }

  #countError(code: PlainError['code']): void {
    const { metrics, adapter } = this.options;
    metrics.errorAnswered(code, adapter.protocol);
    if (REJECTIONS.has(code)) metrics.admissionRejected(code as RejectReason);
  }

  #measure(measure: Measure): void {
    const { metrics, adapter } = this.options;
    const labels = { model: this.#model, protocol: adapter.protocol };
    const kind = { model: this.#model, kind: 'live' } as const;
    switch (measure.name) {
      case 'audio_received':
        return metrics.audioReceived(measure.seconds, kind);
      case 'audio_processed':
        return metrics.audioProcessed(measure.seconds, kind);
      case 'audio_dropped':
        return metrics.audioDropped(measure.seconds, measure.reason);
      case 'first_partial':
        return metrics.observeFirstPartial(measure.seconds, labels);
      case 'partial_lag':
        return metrics.observePartialLag(measure.seconds, labels);
      case 'final_latency':
        return metrics.observeFinalLatency(measure.seconds, labels);
      case 'real_time_factor':
        return metrics.observeRealTimeFactor(measure.ratio, kind);
    }
  }
}
