/**
 * A fixed set of worker threads behind one queue. onnxruntime-node blocks the thread that calls it, so every
 * inference, feature extraction and audio decoding of the service runs here and the event loop stays free.
 *
 * - A call without a reservation goes to whichever worker is idle first; one with a reservation (an open file, a
 *   live stream) goes to the worker that holds the state.
 * - Calls of one worker that say what they work on (live streams) are given to it together, as many as wait: it batches
 *   what they have in common. Nothing waits for company, so that only a busy worker batches.
 * - The queue has a bound: beyond it a call fails at once with queue_full.
 * - Cancelling takes a waiting call out of the queue; a running one is answered at once with `cancelled`, and its
 *   worker told, which ends it after the piece it is on (native code cannot be interrupted; pieces are kept short).
 * - A worker that dies, or holds one call for longer than the time-out, is replaced; its calls fail with
 *   worker_crashed or timeout, and reservations on it fail from then on. A thread that hangs is left alone until it
 *   answers (ending it inside native code would end the process), so it goes on holding its memory; no more than
 *   {@link MAX_ABANDONED} of them are replaced in one place, which stays empty until one of them answers.
 */
import { MalgwiError } from '../errors.js';
import { PRIORITIES, type Priority, type WorkMeter } from './contract.js';
import { CallQueue, type PendingCall } from './queue.js';
import { WorkerSlot } from './slot.js';

export interface PoolOptions {
  readonly entry: URL;
  readonly size: number;
  /** Calls that may wait, over all workers. */
  readonly queueLimit: number;
  readonly callTimeoutMs?: number;
  readonly workerData?: unknown;
  /** Threads that have nothing to do let the process end. */
  readonly background?: boolean;
  readonly onRestart?: (reason: string) => void;
  readonly onInternalError?: (method: string, stack: string) => void;
  /** Seconds a call waited before a worker took it. */
  readonly onQueueWait?: (seconds: number, priority: Priority) => void;
}

export interface CallOptions {
  readonly priority?: Priority;
  readonly signal?: AbortSignal | undefined;
  readonly transfer?: readonly ArrayBuffer[];
  readonly reservation?: Reservation;
  /** In place of the pool's time-out, for a piece of work that is known to be long. */
  readonly timeoutMs?: number;
  /**
   * What the call works on. Calls of one reservation with different subjects that wait at the same time are given to the worker
   * together, which works on them side by side; those with the same subject go one after the other.
   */
  readonly subject?: number;
  /** Takes up the time that a worker spends on this call. Several calls may share one. */
  readonly meter?: WorkMeter;
  /** Gives something back: never refused for a full queue, or it would be kept for good. */
  readonly release?: boolean;
}

/** A claim on one worker thread, for state that lives in it. Release it when the state is gone. */
export interface Reservation {
  readonly slot: number;
  readonly generation: number;
  release(): void;
}

export const DEFAULT_CALL_TIMEOUT_MS = 120_000;
const MAX_RESTART_DELAY_MS = 5000;
const MAX_ABANDONED = 3;
/** A call that comes just after others were given out waits for all of them. */
const MAX_SIDE_BY_SIDE = 32;

export class WorkerPool {
  private readonly slots: WorkerSlot[];
  private readonly shared = new CallQueue();
  private nextId = 1;
  private closed = false;
  private restartCount = 0;
  private consecutiveDeaths = 0;

  constructor(private readonly options: PoolOptions) {
    this.slots = Array.from(
      { length: options.size },
      (_, index) =>
        new WorkerSlot(
          index,
          options.entry,
          options.workerData,
          options.callTimeoutMs ?? DEFAULT_CALL_TIMEOUT_MS,
          {
            onIdle: (slot) => this.feed(slot),
            onDeath: (slot, reason) => this.replace(slot, reason),
            onReturn: (slot) => {
              if (slot.vacant) this.restart(slot);
            },
            onInternalError: (method, stack) => options.onInternalError?.(method, stack),
          },
          options.background,
        ),
    );
  }

  get size(): number {
    return this.slots.length;
  }

  get busy(): number {
    return this.slots.filter((slot) => slot.busy).length;
  }

  get queued(): number {
    return this.slots.reduce((sum, slot) => sum + slot.bound.size, this.shared.size);
  }

  get restarts(): number {
    return this.restartCount;
  }

  async start(): Promise<void> {
    await Promise.all(this.slots.map((slot) => slot.start()));
  }

  /** Claims the worker with the least on it. */
  reserve(): Reservation {
    const slot = this.slots.reduce((best, candidate) => (candidate.load < best.load ? candidate : best));
    const generation = slot.generation;
    slot.reservations += 1;
    let released = false;
    return {
      slot: slot.index,
      generation,
      release: () => {
        if (released) return;
        released = true;
        slot.reservations -= 1;
      },
    };
  }

  /** Runs `method` once on every worker (loading a model, for one). */
  async broadcast(method: string, payload: unknown): Promise<void> {
    await Promise.all(
      this.slots.map((slot) =>
        this.call(method, payload, {
          priority: 'live',
          reservation: { slot: slot.index, generation: slot.generation, release: () => undefined },
        }),
      ),
    );
  }

  /** Rejects with a MalgwiError: queue_full, cancelled, timeout, worker_crashed, shutting_down, or the handler's own. */
  call<T>(method: string, payload: unknown, options: CallOptions = {}): Promise<T> {
    const { signal, reservation } = options;
    return new Promise<T>((resolve, reject) => {
      if (this.closed) return reject(new MalgwiError('shutting_down'));
      if (signal?.aborted) return reject(new MalgwiError('cancelled'));
      const slot = reservation === undefined ? undefined : this.slots[reservation.slot]!;
      if (slot !== undefined && (slot.vacant || slot.generation !== reservation!.generation)) {
        return reject(new MalgwiError('worker_crashed'));
      }
      if (options.release !== true && this.queued >= this.options.queueLimit)
        return reject(new MalgwiError('queue_full', { retryAfter: 1 }));
      const queue = slot?.bound ?? this.shared;
      let settled = false;
      const onAbort = (): void => {
        if (!queue.remove(call)) for (const one of this.slots) one.cancel(call);
        call.settle(new MalgwiError('cancelled'));
      };
      const call: PendingCall = {
        id: this.nextId++,
        method,
        payload,
        transfer: options.transfer ?? [],
        priority: options.priority ?? 'interactive',
        queuedAt: performance.now(),
        startedAt: undefined,
        ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
        ...(options.subject === undefined ? {} : { subject: options.subject }),
        ...(options.meter === undefined ? {} : { meter: options.meter }),
        settle: (error, value) => {
          if (settled) return;
          settled = true;
          signal?.removeEventListener('abort', onAbort);
          if (error === undefined) resolve(value as T);
          else reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(call);
      if (slot !== undefined) this.feed(slot);
      else for (const candidate of this.slots) this.feed(candidate);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const call of this.shared.drain()) call.settle(new MalgwiError('shutting_down'));
    await Promise.all(this.slots.map((slot) => slot.stop()));
  }

  private feed(slot: WorkerSlot): void {
    if (!slot.idle || this.closed) return;
    const own = slot.bound.peek();
    const any = this.shared.peek();
    const queue = preferred(own, any) === own ? slot.bound : this.shared;
    const call = queue.peek();
    if (call === undefined) return;
    const calls = queue.companions(call, MAX_SIDE_BY_SIDE);
    const now = performance.now();
    for (const one of calls) {
      queue.remove(one);
      this.options.onQueueWait?.((now - one.queuedAt) / 1000, one.priority);
    }
    slot.dispatch(calls);
  }

  private replace(slot: WorkerSlot, reason: string): void {
    if (this.closed) return;
    this.restartCount += 1;
    this.consecutiveDeaths += 1;
    this.options.onRestart?.(reason);
    // Threads that hang hold memory; beyond a few of them the machine needs help, and readiness says so.
    slot.vacant = slot.abandoned > MAX_ABANDONED;
    if (!slot.vacant) this.restart(slot);
  }

  private restart(slot: WorkerSlot): void {
    slot.vacant = false;
    // A worker that cannot even start must not spin: the delay doubles up to a bound.
    const delay =
      this.consecutiveDeaths <= 1 ? 0 : Math.min(MAX_RESTART_DELAY_MS, 50 * 2 ** this.consecutiveDeaths);
    setTimeout(() => {
      if (this.closed) return;
      slot.start().then(
        () => {
          this.consecutiveDeaths = 0;
        },
        () => undefined, // its death was reported and another replacement is under way
      );
    }, delay);
  }
}

function preferred(a: PendingCall | undefined, b: PendingCall | undefined): PendingCall | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const byPriority = PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority);
  return byPriority < 0 || (byPriority === 0 && a.id < b.id) ? a : b;
}
