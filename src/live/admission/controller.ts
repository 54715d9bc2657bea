/**
 * Who may open a live session. Three bounds, the first that is reached says no: sessions of one key, sessions in all, and
 * what the machine carries, as it was measured:
 *
 *     load + reserved + one more  <=  1 - headroom        in shares of all worker threads
 *
 * `load` is what the open sessions were seen to take over the last seconds: one that hears silence takes little. But never
 * less than if some of them spoke, for they will. `reserved` is for those who came just now and have not shown what they
 * take: full at first, fading as the measurement takes over. So of many who come at once as many get in as will fit, and
 * more follow as the load turns out to be less. While recognition lags behind the audio nobody gets in.
 *
 * Logic only: the clock is the caller's (milliseconds, never stepping back).
 */
import { MalgwiError } from '../../errors.js';
import { LiveLoad, type LiveWork, type StreamAccount } from './load.js';
import { RetryTimes } from './retry.js';

export interface AdmissionLimits {
  readonly maxSessions: number;
  /** Of one key, or of one address where there are no keys; Infinity for no limit. */
  readonly maxSessionsPerKey: number;
  /** Whether the measured capacity counts, or only the two limits. */
  readonly measured: boolean;
  /** Share of the threads that is kept free, 0 to 1. */
  readonly headroom: number;
  /** Beyond this lag nobody is let in. */
  readonly maxLagMs: number;
}

export type RefusalCode = 'too_many_sessions_for_key' | 'too_many_sessions' | 'overloaded';

export interface AdmissionState {
  readonly sessions: number;
  /** Sessions that could be open now: those that are, and those that would be let in. */
  readonly capacity: number;
  /** Share of the threads that is taken or reserved. */
  readonly load: number;
  readonly lagSeconds: number;
  /** Thread seconds for a second of audio. */
  readonly cost: number;
}

/** A place that a session holds. */
export interface Ticket {
  /** The recogniser was given a piece of work for this session ... */
  asked(now: number): void;
  /** ... and answered it. @param audioSeconds recognised so far; undefined when it failed */
  answered(audioSeconds: number | undefined, now: number): void;
  /** Gives the place back; once. */
  release(now: number): void;
}

/** Reservations fade with this time constant: slower than load is measured, so that people have time to begin to speak. */
const RESERVED_MS = 15_000;
/** A lag has its cause in what goes on just now; if it stays, the load says so. */
const LAG_PASSES_SECONDS = 5;
/** So much of the open sessions is expected to speak at any time, however quiet they are. */
const LEAST_SPEAKING = 0.2;

export class AdmissionController {
  readonly #load: LiveLoad;
  readonly #ofKey = new Map<string, number>();
  #sessions = 0;
  /** Streams' worth of reservations, at the moment `#reservedAt`. */
  #reserved = 0;
  #reservedAt: number;

  constructor(
    private readonly limits: AdmissionLimits,
    private readonly work: () => LiveWork,
    now: number,
    private readonly retry = new RetryTimes(),
  ) {
    this.#load = new LiveLoad(work, now);
    this.#reservedAt = now;
  }

  /**
   * @param key whose session it is
   * @throws MalgwiError too_many_sessions_for_key | too_many_sessions | overloaded, with the time to come again
   */
  admit(key: string, now: number): Ticket {
    const refused = this.refusal(key, now);
    if (refused !== undefined) throw refused;
    this.#sessions += 1;
    this.#ofKey.set(key, (this.#ofKey.get(key) ?? 0) + 1);
    this.#reserved = this.#reservedNow(now) + 1;
    return this.#ticket(key, now);
  }

  /** What {@link admit} would throw; takes no place. */
  refusal(key: string, now: number): MalgwiError | undefined {
    const { maxSessions, maxSessionsPerKey } = this.limits;
    const own = this.#ofKey.get(key) ?? 0;
    if (own >= maxSessionsPerKey) return this.#refused('too_many_sessions_for_key', own, now);
    if (this.#sessions >= maxSessions) return this.#refused('too_many_sessions', this.#sessions, now);
    if (!this.limits.measured || this.#sessions + 1 <= this.#room(now)) return undefined;
    return new MalgwiError('overloaded', { retryAfter: this.#untilCarried(now) });
  }

  state(now: number): AdmissionState {
    const { maxSessions, measured } = this.limits;
    const room = measured ? Math.max(this.#sessions, this.#room(now)) : Infinity;
    return {
      sessions: this.#sessions,
      capacity: Math.min(maxSessions, room),
      load: this.#taken(now),
      lagSeconds: this.#load.lagMs / 1000,
      cost: this.#load.cost,
    };
  }

  #refused(code: RefusalCode, sessions: number, now: number): MalgwiError {
    return new MalgwiError(code, { retryAfter: this.retry.whenOneEnds(sessions, now) });
  }

  /** So many sessions fit, by what was measured. */
  #room(now: number): number {
    this.#load.measure(now);
    if (this.#load.lagMs > this.limits.maxLagMs) return 0;
    const free = 1 - this.limits.headroom - this.#taken(now);
    const fit = this.#sessions + Math.floor(free / this.#load.share + 1e-9);
    // However slow a model is, each thread takes one stream on.
    return Math.max(fit, this.work().threads);
  }

  #taken(now: number): number {
    this.#load.measure(now);
    const { load, share } = this.#load;
    const reserved = this.#reservedNow(now);
    return Math.max(load, (this.#sessions - reserved) * LEAST_SPEAKING * share) + reserved * share;
  }

  #reservedNow(now: number): number {
    this.#reserved *= Math.exp((this.#reservedAt - now) / RESERVED_MS);
    this.#reservedAt = now;
    return this.#reserved;
  }

  /** Seconds until the reservations have faded so far that one more fits; if they are not the cause, until a session ends. */
  #untilCarried(now: number): number {
    const { share, lagMs } = this.#load;
    if (lagMs > this.limits.maxLagMs) return this.retry.after(LAG_PASSES_SECONDS);
    const reserved = this.#reservedNow(now) * share;
    const settled = this.#taken(now) - reserved;
    const free = 1 - this.limits.headroom - settled - share;
    if (free <= 0) return this.retry.whenOneEnds(this.#sessions, now);
    return this.retry.after((RESERVED_MS / 1000) * Math.log(Math.max(1, reserved / free)));
  }

  #ticket(key: string, opened: number): Ticket {
    const account: StreamAccount = this.#load.open(opened);
    let held = true;
    return {
      asked: (now) => this.#load.asked(account, now),
      answered: (audioSeconds, now) => this.#load.answered(account, audioSeconds, now),
      release: (now) => {
        if (!held) return;
        held = false;
        this.#load.close(account);
        this.#sessions -= 1;
        const left = (this.#ofKey.get(key) ?? 1) - 1;
        if (left === 0) this.#ofKey.delete(key);
        else this.#ofKey.set(key, left);
        const own = Math.exp((opened - now) / RESERVED_MS);
        this.#reserved = Math.max(0, this.#reservedNow(now) - own);
        this.retry.sessionEnded((now - opened) / 1000);
      },
    };
  }
}
