import type { EagerOutcome, LiveFeedResult } from '../recognition/contract.js';
import { ArrivalClock } from './arrivals.js';
import type { Measure, SessionOptions } from './contract.js';
import { bytesPerSecond, isContainer } from './encodings.js';

export type DropReason = Extract<Measure, { name: 'audio_dropped' }>['reason'];

const DEFAULT_PREFIX_PADDING_MS = 300;

/**
 * The accounts of one session: every second received becomes one processed or one dropped (an utterance is processed when
 * it is final, so one that is cut off was dropped, however far it had come), and latencies run from
 * the arrival of the sample in question. `now` is in milliseconds of the session's clock.
 */
export class SessionMeter {
  /** Bytes of audio that last a second; an estimate for containers. */
  readonly rate: number;
  /** Seconds of audio that went through the recogniser. */
  audioSeconds = 0;
  /** Seconds that were taken in, or refused, and are in no result: none of them to come either. */
  droppedSeconds = 0;
  /** Seconds of audio up to which everything is final. */
  #settledSeconds = 0;
  readonly #container: boolean;
  readonly #padding: number;
  readonly #arrivals = new ArrivalClock();
  #bytes = 0;
  #opened = false;
  #lastArrival = 0;
  #fedArrival = 0;
  #computeMs = 0;
  #speechStart: number | undefined;
  #lastFinalEnd = 0;

  constructor(
    options: SessionOptions,
    private readonly tell: (measure: Measure) => void,
  ) {
    this.rate = bytesPerSecond(options);
    this.#container = isContainer(options.encoding);
    this.#padding = (options.endpoint?.prefixPaddingMs ?? DEFAULT_PREFIX_PADDING_MS) / 1000;
  }

  /** Bytes of audio taken in. */
  get receivedBytes(): number {
    return this.#bytes;
  }

  received(bytes: number, now: number): void {
    this.#bytes += bytes;
    this.#lastArrival = now;
    if (this.#container) return;
    this.#arrivals.mark(this.#bytes / this.rate, now);
    if (this.#opened) this.tell({ name: 'audio_received', seconds: bytes / this.rate });
  }

  /** What came before the model was known is counted now. */
  opened(): void {
    this.#opened = true;
    if (!this.#container) this.tell({ name: 'audio_received', seconds: this.#bytes / this.rate });
  }

  /** All that was received so far is on its way to the recogniser, or right behind it. */
  fed(): void {
    this.#fedArrival = this.#lastArrival;
  }

  recognized(result: LiveFeedResult): void {
    const seconds = Math.max(0, result.audioSeconds - this.audioSeconds);
    this.audioSeconds += seconds;
    this.#computeMs += result.computeMs;
    if (this.#container) {
      this.#arrivals.mark(this.audioSeconds, this.#fedArrival);
      this.tell({ name: 'audio_received', seconds });
    }
  }

  /** Everything up to this second is in a final result, or was silence. */
  settled(second: number): void {
    const seconds = Math.min(second, this.audioSeconds) - this.#settledSeconds;
    if (seconds <= 0) return;
    this.#settledSeconds += seconds;
    this.tell({ name: 'audio_processed', seconds });
  }

  /** Audio that the recogniser never got. */
  dropped(bytes: number, reason: DropReason): void {
    this.#drop(bytes / this.rate, reason);
  }

  /** There will be no final result of what is being spoken. */
  abandoned(reason: DropReason): void {
    this.#drop(this.audioSeconds - this.#settledSeconds, reason);
    this.#settledSeconds = this.audioSeconds;
  }

  #drop(seconds: number, reason: DropReason): void {
    if (seconds <= 0) return;
    this.droppedSeconds += seconds;
    this.tell({ name: 'audio_dropped', seconds, reason });
  }

  speechStart(time: number): void {
    // An utterance starts its padding before the first speech, unless the previous one left no room for it.
    this.#speechStart = time <= this.#lastFinalEnd + 0.001 ? time : time + this.#padding;
  }

  partial(end: number, now: number): void {
    if (this.#speechStart !== undefined) this.#since('first_partial', this.#speechStart, now);
    this.#speechStart = undefined;
    this.#since('partial_lag', end, now);
  }

  speechEnd(time: number, now: number): void {
    this.#since('final_latency', time, now);
  }

  final(end: number): void {
    this.#lastFinalEnd = end;
  }

  eagerEnd(outcome: EagerOutcome | 'retracted'): void {
    this.tell({ name: 'eager_end', outcome });
  }

  close(): void {
    if (this.audioSeconds === 0) return;
    this.tell({ name: 'real_time_factor', ratio: this.#computeMs / 1000 / this.audioSeconds });
  }

  #since(name: 'first_partial' | 'partial_lag' | 'final_latency', moment: number, now: number): void {
    const arrived = this.#arrivals.at(moment);
    if (arrived !== undefined) this.tell({ name, seconds: Math.max(0, now - arrived) / 1000 });
  }
}
