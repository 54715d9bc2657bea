/** Owns one session, and the socket it is heard and told on: carries out what the core wants, and tells it what happens. */
import type { WebSocket } from 'ws';
import { MalgwiError, toPlainError } from '../errors.js';
import type { PlainError } from '../errors.js';
import { isRejectReason, type LiveState, type Metrics } from '../metrics/index.js';
import type { LiveFeedResult, LiveStream } from '../recognition/contract.js';
import type {
  AdapterOutput,
  Measure,
  ProtocolAdapter,
  Resume,
  SessionEffect,
  SessionEvent,
  SessionOptions,
} from './contract.js';
import type { IntentResolver } from './intents.js';
import { SocketLink } from './link.js';
import type { SessionLimits } from './limits.js';
import { LiveSession } from './session.js';

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
  /** The session that this connection asks for; undefined when there is none. */
  readonly find: (wanted: Resume) => LiveConnection | undefined;
  /** Called once the session can be taken up by another connection, under this id. */
  readonly onResumable: (session: string) => void;
  /** Called at the end of a session that heard something, so that a reference text posted later can be scored. */
  readonly onTranscript: (session: string, model: string, text: string) => void;
  /** Called once, when the socket is closed and everything is given back. */
  readonly onClosed: (session: string) => void;
  readonly onInternalError: (error: unknown) => void;
}

/** The close code of a connection that ended without one (RFC 6455, 7.4.1). */
const BROKEN = 1006;
/** Finals of a session that are kept for scoring. */
const MAX_FINALS = 100;

export class LiveConnection {
  readonly #session: LiveSession;
  #link: SocketLink | undefined;
  #stream: LiveStream | undefined;
  #model = '';
  #sessionId = '';
  #finals: string[] = [];
  #counted = false;
  #closed = false;
  /** How the session ended, for a client that could not be told. */
  #ending: { readonly code: number; readonly reason: string } | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Infinity;
  #kept: NodeJS.Timeout | undefined;

  constructor(private readonly options: ConnectionOptions) {
    const { socket, adapter, limits, resolveIntent } = options;
    const { idleTimeoutMs = limits.idleTimeoutMs, patient = false } = adapter;
    const helloTimeoutMs = patient ? idleTimeoutMs : limits.helloTimeoutMs;
    this.#session = new LiveSession(
      { ...limits, idleTimeoutMs, helloTimeoutMs },
      resolveIntent,
      performance.now(),
    );
    this.#link = this.#connect(socket);
    this.#arm();
    const first = adapter.open?.();
    if (first !== undefined) this.#take(first);
  }

  get resumeToken(): string | undefined {
    return this.options.adapter.resumeToken;
  }

  get state(): LiveState {
    return this.#link === undefined && this.#session.state !== 'closed' ? 'detached' : this.#session.state;
  }

  /** The service closes: what has come is recognised, then the socket is closed with 1012. */
  drain(): void {
    this.#input({ type: 'drain' });
    // Nobody is there to be told; whoever comes back will find another service, and begin where it knows to begin.
    if (this.#link === undefined) this.#end();
  }

  /** Closes at once, without a session: refused at the door. */
  refuse(error: PlainError): void {
    this.#input({ type: 'failed', error });
  }

  #connect(socket: WebSocket): SocketLink {
    const { adapter, sendBufferBytes } = this.options;
    const link: SocketLink = new SocketLink(socket, sendBufferBytes, {
      onText: (message) => this.#take(adapter.text(message)),
      onBinary: (bytes) => this.#take(adapter.binary(bytes)),
      onSlow: () => this.#input({ type: 'slow_reader' }),
      onTooLarge: () => this.#countError('message_too_large'),
      onGone: (code, received) => {
        if (this.#link === link) this.#onGone(code, received);
      },
    });
    return link;
  }

  /**
   * Goes on with the socket of another connection, from behind message `seq`.
   * @returns false when the messages since then are not kept any more: the socket is not taken
   */
  #adopt(from: LiveConnection, seq: number): boolean {
    const { adapter } = this.options;
    const messages = adapter.resumed?.(seq, this.#session.receivedBytes);
    if (messages === undefined) return false;
    const socket = from.#surrender();
    clearTimeout(this.#kept);
    // A connection that is only half gone must not be heard any more.
    this.#link?.release().terminate();
    this.#link = this.#connect(socket);
    this.#link.send(messages);
    this.#input({ type: 'attached' });
    if (this.#ending !== undefined) this.#link.close(this.#ending.code, this.#ending.reason);
    return true;
  }

  /** The socket for someone else; this connection never had a session. */
  #surrender(): WebSocket {
    const socket = this.#link!.release();
    this.#link = undefined;
    this.#end();
    return socket;
  }

  #take(wanted: readonly AdapterOutput[]): void {
    for (const item of wanted) {
      if (item.type === 'reply') {
        this.#link?.send([item.message]);
        this.#link?.checkReader();
      } else if (item.type === 'resume') {
        if (this.#resume(item)) return;
      } else {
        this.#input({ type: 'command', command: item });
      }
    }
  }

  #resume(wanted: Resume): boolean {
    const found = this.#session.state === 'waiting' ? this.options.find(wanted) : undefined;
    if (found !== undefined && found !== this && found.#adopt(this, wanted.seq)) return true;
    this.#input({ type: 'failed', error: toPlainError(new MalgwiError('session_not_found')) });
    return false;
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
        this.#ending = { code: effect.code, reason: effect.reason };
        return this.#link?.close(effect.code, effect.reason);
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
      if (this.resumeToken !== undefined) this.options.onResumable(session);
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
    const { adapter } = this.options;
    if (event.type === 'error') this.#countError(event.error.code);
    if (event.type === 'final') this.#remember(event.segment.text);
    const link = this.#link;
    // The next partial says all that this one does: a slow reader misses nothing without it.
    const superseded =
      event.type === 'partial' || (event.type === 'intent' && event.tentative && event.eager !== true);
    if (superseded && link?.busy === true) return;
    // Encoded also when the socket is gone or going: the adapter keeps what a client must be told when it comes back.
    const messages = adapter.encode(event);
    if (link === undefined) return;
    link.send(messages);
    if (event.type !== 'closed' && event.type !== 'error') link.checkReader();
  }

  /** Long sessions are not scored, so no more of them is kept than is needed to know that. */
  #remember(text: string): void {
    if (text !== '' && this.#finals.length <= MAX_FINALS) this.#finals.push(text);
  }

  #onGone(code: number, received: number): void {
    const { metrics, adapter, limits } = this.options;
    metrics.socketClosed(adapter.protocol, code);
    this.#link = undefined;
    // A client that closes in good order has heard what it wanted to hear.
    const left = received === 1000 || (this.#ending !== undefined && received !== BROKEN);
    if (left || adapter.resumeToken === undefined) return this.#end();
    this.#input({ type: 'detached' });
    // Also when the session is over: its last words may not have arrived.
    this.#kept = setTimeout(() => this.#end(), limits.resumeMs + 100);
  }

  /** The session is over and nobody can come back to it. */
  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#kept);
    this.#input({ type: 'disconnected' });
    clearTimeout(this.#timer);
    const { metrics, adapter, onTranscript, onClosed } = this.options;
    if (this.#counted) metrics.sessionEnded(adapter.protocol);
    if (this.#finals.length > 0 && this.#finals.length <= MAX_FINALS) {
      onTranscript(this.#sessionId, this.#model, this.#finals.join(' '));
    }
    onClosed(this.#sessionId);
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
    if (isRejectReason(code)) metrics.admissionRejected(code);
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
      case 'eager_end':
        return metrics.eagerEnd(measure.outcome);
      case 'real_time_factor':
        return metrics.observeRealTimeFactor(measure.ratio, kind);
    }
  }
}
