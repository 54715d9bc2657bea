/**
 * One live session as a state machine without I/O: it takes what happened and the time, and says what is to be done.
 *
 *     waiting -> opening -> idle -> speech -> endpointing -> idle ... -> finishing -> closed
 *
 * Every protocol shares it; sockets, timers and threads belong to connection.ts.
 */
import { toPlainError } from '../errors.js';
import type { ErrorCode, PlainError } from '../errors.js';
import type { LiveFeedResult } from '../recognition/contract.js';
import { AudioQueue } from './audio-queue.js';
import type { LiveCommand, SessionEffect, SessionEvent, SessionInput, SessionOptions } from './contract.js';
import { isContainer } from './encodings.js';
import { closeCode, dropReason, plain, type Ending } from './endings.js';
import { Heard, type HearingState } from './heard.js';
import { SessionIntents, type IntentResolver } from './intents.js';
import {
  DRAIN_TIMEOUT_MS,
  FINISH_TIMEOUT_MS,
  MAX_INVALID_MESSAGES,
  OPEN_TIMEOUT_MS,
  type SessionLimits,
} from './limits.js';
import { SessionMeter, type DropReason } from './meter.js';
import { SettledAudio } from './settled.js';

export type SessionState = 'waiting' | 'opening' | HearingState | 'finishing' | 'closed';

/** Seconds of audio in one call of the recogniser: other sessions of the same worker wait no longer than it takes. */
const FEED_SECONDS = 1;

export class LiveSession {
  #state: SessionState = 'waiting';
  #options: SessionOptions | undefined;
  #intents: SessionIntents | undefined;
  #meter: SessionMeter | undefined;
  #heard: Heard | undefined;
  readonly #queue = new AudioQueue();
  #effects: SessionEffect[] = [];
  /** What the recogniser is at work on. */
  #busy: 'feed' | 'flush' | 'finish' | undefined;
  #busyBytes = 0;
  #recognizedBytes = 0;
  #settled = new SettledAudio();
  /** Until when a session without a connection is kept. */
  #detachedUntil = Infinity;
  #ending: Ending | undefined;
  #invalid = 0;
  #lastActivity: number;
  #readyAt = Infinity;
  /** When the present state is given up. */
  #stateDeadline: number;

  /**
   * @param now milliseconds of a clock that never steps back
   * @param resolveIntent makes the intent resolver of a session from its options; throws MalgwiError of its venue
   */
  constructor(
    private readonly limits: SessionLimits,
    private readonly resolveIntent: (options: SessionOptions) => IntentResolver,
    now: number,
  ) {
    this.#lastActivity = now;
    this.#stateDeadline = now + limits.helloTimeoutMs;
  }

  get state(): SessionState {
    return this.#state;
  }

  get receivedBytes(): number {
    return this.#meter?.receivedBytes ?? 0;
  }

  /** When a `tick` is due, in milliseconds of the clock. */
  get deadline(): number {
    if (this.#state === 'closed') return Infinity;
    const { idleTimeoutMs, maxSessionSeconds } = this.limits;
    const waitsForClient = this.#opened && this.#ending === undefined && this.#detachedUntil === Infinity;
    const session = this.#ending === undefined ? this.#readyAt + maxSessionSeconds * 1000 : Infinity;
    return Math.min(
      this.#stateDeadline,
      this.#detachedUntil,
      waitsForClient ? this.#lastActivity + idleTimeoutMs : Infinity,
      session,
    );
  }

  /** @returns what is to be done, in this order */
  handle(input: SessionInput, now: number): readonly SessionEffect[] {
    this.#effects = [];
    if (this.#state !== 'closed') this.#dispatch(input, now);
    return this.#effects;
  }

  get #opened(): boolean {
    return this.#readyAt !== Infinity;
  }

  #dispatch(input: SessionInput, now: number): void {
    switch (input.type) {
      case 'command':
        this.#lastActivity = now;
        return this.#command(input.command, now);
      case 'opened':
        return this.#onOpened(input.session, input.model, now);
      case 'recognized':
        return this.#onRecognized(input.result, now);
      case 'failed':
        return this.#fail(input.error);
      case 'tick':
        return this.#tick(now);
      case 'drain':
        if (!this.#handedOver()) this.#endEarly('shutting_down', now, DRAIN_TIMEOUT_MS);
        return;
      case 'slow_reader':
        return this.#fail(plain('slow_reader'));
      case 'detached':
        if (this.#options?.resumable !== true || !this.#opened) return this.#leave();
        this.#detachedUntil = now + this.limits.resumeMs;
        return;
      case 'attached':
        this.#detachedUntil = Infinity;
        this.#lastActivity = now;
        return;
      case 'disconnected':
        return this.#leave();
    }
  }

  /** Nothing more can be said to anyone. */
  #leave(): void {
    this.#drop('disconnected');
    this.#close();
  }

  /**
   * The service closes and the client can go on elsewhere: it is told from where. The utterance that is being spoken is not
   * cut in two; it is heard again, whole, by the next session.
   */
  #handedOver(): boolean {
    const { resumable = false, encoding } = this.#options ?? {};
    if (
      !resumable ||
      !this.#opened ||
      this.#ending !== undefined ||
      encoding === undefined ||
      isContainer(encoding)
    ) {
      return false;
    }
    this.#acknowledge('feed', this.#meter!.audioSeconds);
    this.#heard!.end();
    this.#emit({ type: 'error', error: plain('shutting_down') });
    this.#drop('handed_over');
    this.#ending = { reason: 'shutting_down', code: closeCode('shutting_down') };
    this.#end();
    return true;
  }

  #command(command: LiveCommand, now: number): void {
    if (this.#state === 'waiting') return this.#first(command, now);
    switch (command.type) {
      case 'open':
        return this.#refuse(plain('invalid_message', 'The session is open already.'));
      case 'invalid':
        return this.#refuse(command.error);
      case 'ping':
        return this.#emit({ type: 'pong' });
      case 'dialogue':
        if (this.#intents?.setPending(command.pending, now) === true) return;
        return this.#refuse(plain('invalid_message', 'This session was opened without options.dialogue.'));
      case 'audio':
        return this.#audio(command.bytes, now);
      case 'flush':
        if (this.#ending !== undefined) return;
        if (!this.#queue.mark('flush')) return this.#fail(plain('audio_backlog_full'));
        return this.#pump();
      case 'finish':
        if (this.#ending === undefined)
          this.#finish({ reason: 'finished', code: 1000 }, now, FINISH_TIMEOUT_MS);
    }
  }

  /** Nothing is known of a client before its hello, so nothing but a hello is forgiven. */
  #first(command: LiveCommand, now: number): void {
    if (command.type === 'ping') return this.#emit({ type: 'pong' });
    if (command.type !== 'open') {
      return this.#fail(command.type === 'invalid' ? command.error : plain('hello_required'), 1008);
    }
    const { options } = command;
    try {
      if (options.intents) {
        this.#intents = new SessionIntents(this.resolveIntent(options), options.dialogue === true, now);
      }
    } catch (error) {
      return this.#fail(toPlainError(error));
    }
    this.#options = options;
    const meter = new SessionMeter(options, (measure) => this.#effects.push({ type: 'measure', measure }));
    this.#meter = meter;
    this.#heard = new Heard(meter, this.#settled, this.#intents, (event) => this.#emit(event));
    this.#state = 'opening';
    this.#stateDeadline = now + OPEN_TIMEOUT_MS;
    this.#effects.push({ type: 'open', options });
  }

  #onOpened(session: string, model: string, now: number): void {
    const { sampleRate } = this.#options!;
    this.#readyAt = now;
    this.#enter('idle');
    if (this.#ending === undefined) this.#stateDeadline = Infinity;
    this.#emit({ type: 'ready', session, model, sampleRate });
    this.#meter!.opened();
    this.#pump();
  }

  #audio(bytes: Uint8Array, now: number): void {
    if (bytes.length === 0) return;
    const meter = this.#meter!;
    if (this.#ending !== undefined) {
      meter.dropped(bytes.length, this.#ending.code === 1000 ? 'refused' : 'session_limit');
      // After a `finish` it is the client's mistake; after anything else it was told already why this ends.
      if (this.#ending.code === 1000) this.#refuse(plain('invalid_message', 'Audio came after the finish.'));
      return;
    }
    const waiting = this.#queue.bytes + this.#busyBytes;
    // A message that is larger than the whole backlog is still taken when nothing else waits.
    if (waiting > 0 && waiting + bytes.length > this.limits.maxBacklogSeconds * meter.rate) {
      meter.dropped(bytes.length, 'backlog');
      return this.#fail(plain('audio_backlog_full'));
    }
    meter.received(bytes.length, now);
    this.#queue.push(bytes);
    this.#pump();
  }

  /** Hands the recogniser its next piece of work, if it has none. */
  #pump(): void {
    if (!this.#opened || this.#busy !== undefined) return;
    const item = this.#queue.shift(Math.max(1, Math.ceil(this.#meter!.rate * FEED_SECONDS)));
    if (item === undefined) return;
    if (item.type === 'audio') {
      this.#busy = 'feed';
      this.#busyBytes = item.bytes.length;
      this.#meter!.fed();
      this.#effects.push({ type: 'feed', bytes: item.bytes });
    } else {
      this.#busy = item.type;
      this.#effects.push({ type: item.type });
    }
  }

  #onRecognized(result: LiveFeedResult, now: number): void {
    const done = this.#busy;
    this.#busy = undefined;
    this.#meter!.recognized(result);
    this.#recognizedBytes += this.#busyBytes;
    this.#busyBytes = 0;
    for (const event of result.events) {
      const state = this.#heard!.take(event, result.events, now);
      if (state !== undefined) this.#enter(state);
    }
    this.#meter!.settled(this.#settled.seconds(result.audioSeconds));
    this.#acknowledge(done, result.audioSeconds);
    if (done === 'finish') return this.#end();
    this.#pump();
  }

  #acknowledge(done: 'feed' | 'flush' | 'finish' | undefined, audioSeconds: number): void {
    const settledBytes = this.#settled.bytes(audioSeconds, this.#options!);
    if (done === 'feed') {
      this.#emit({ type: 'acknowledged', bytes: this.#recognizedBytes, audioSeconds, settledBytes });
    }
    if (done === 'flush') this.#emit({ type: 'flushed' });
  }

  #tick(now: number): void {
    if (now >= this.#detachedUntil) return this.#leave();
    if (now >= this.#stateDeadline) {
      if (this.#state === 'waiting') return this.#fail(plain('hello_timeout'));
      // At the end of a drain or of a session's time the client was told already why it ends.
      if (this.#ending !== undefined && this.#ending.code !== 1000) return this.#end();
      return this.#fail(plain('timeout', 'The recogniser did not answer in time.'));
    }
    if (this.#ending !== undefined || !this.#opened) return;
    if (now >= this.#readyAt + this.limits.maxSessionSeconds * 1000) {
      return this.#endEarly('session_too_long', now, FINISH_TIMEOUT_MS);
    }
    if (now >= this.#lastActivity + this.limits.idleTimeoutMs) {
      this.#endEarly('session_idle', now, FINISH_TIMEOUT_MS);
    }
  }

  /** Says why, recognises what has come, and closes. */
  #endEarly(code: ErrorCode, now: number, timeoutMs: number): void {
    if (this.#ending !== undefined) {
      // It is ending already: the client waits for its last words, only less long.
      this.#stateDeadline = Math.min(this.#stateDeadline, now + timeoutMs);
      return;
    }
    this.#emit({ type: 'error', error: plain(code) });
    const ending = { reason: code, code: closeCode(code) };
    if (this.#opened) {
      this.#finish(ending, now, timeoutMs);
    } else {
      this.#ending = ending;
      this.#end();
    }
  }

  #finish(ending: Ending, now: number, timeoutMs: number): void {
    this.#ending = ending;
    if (this.#opened) this.#state = 'finishing';
    this.#stateDeadline = now + (this.#opened ? timeoutMs : OPEN_TIMEOUT_MS);
    this.#queue.mark('finish');
    this.#pump();
  }

  #enter(state: SessionState): void {
    this.#state = this.#ending === undefined ? state : 'finishing';
  }

  /** A mistake that the session survives, unless there were too many. */
  #refuse(error: PlainError): void {
    this.#invalid += 1;
    if (this.#invalid <= MAX_INVALID_MESSAGES) return this.#emit({ type: 'error', error });
    this.#fail(plain('invalid_message', 'Too many messages made no sense.'));
  }

  #fail(error: PlainError, code = closeCode(error.code)): void {
    this.#heard?.end();
    this.#emit({ type: 'error', error });
    this.#drop(this.#opened ? dropReason(error.code) : 'refused');
    this.#ending = { reason: error.code, code };
    this.#end();
  }

  #end(): void {
    const { reason, code } = this.#ending!;
    this.#drop('session_limit');
    this.#heard?.end();
    const { audioSeconds = 0, droppedSeconds = 0 } = this.#meter ?? {};
    this.#emit({ type: 'closed', reason, audioSeconds, droppedSeconds });
    this.#effects.push({ type: 'close', code, reason });
    this.#close();
  }

  #close(): void {
    this.#meter?.close();
    this.#state = 'closed';
    this.#effects.push({ type: 'release' });
  }

  /** Counts what was accepted and will not be recognised. */
  #drop(reason: DropReason): void {
    this.#meter?.dropped(this.#queue.bytes + this.#busyBytes, reason);
    this.#meter?.abandoned(reason);
    this.#queue.clear();
    this.#busyBytes = 0;
  }

  #emit(event: SessionEvent): void {
    this.#effects.push({ type: 'emit', event });
  }
}
