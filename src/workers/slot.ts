/** One place in the pool: a thread, its generation, the calls it works on and the calls bound to it. */
import { Worker } from 'node:worker_threads';
import type { CallBatch, CallReply, CancelRequest, ReadyMessage, WorkMeter } from './contract.js';
import { fromPlainError, MalgwiError } from '../errors.js';
import { CallQueue, type PendingCall } from './queue.js';

export interface SlotEvents {
  /** The thread can take its next call. */
  readonly onIdle: (slot: WorkerSlot) => void;
  /** The thread died; everything on it was failed. */
  readonly onDeath: (slot: WorkerSlot, reason: string) => void;
  /** A thread that was given up has answered after all, and is gone. */
  readonly onReturn: (slot: WorkerSlot) => void;
  /** An error inside a worker that is no user's fault: for the log. */
  readonly onInternalError: (method: string, stack: string) => void;
}

/** How long a thread may take to answer its last call before it is ended all the same, when the pool closes. */
const LAST_CALL_MS = 3000;

/** Resolves with the thread's next message, its end, or after `limitMs`. */
function answered(worker: Worker, limitMs?: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = limitMs === undefined ? undefined : setTimeout(resolve, limitMs);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    worker.once('message', done);
    worker.once('exit', done);
  });
}

/**
 * onnxruntime's native library (1.30, Linux) sends its maker what it runs on, and leaves a log of each process in the temporary
 * folder, unless this is set before it is loaded. It reads the environment of the process, not a thread's copy of it, so it is
 * set where threads are started. Whoever wants the telemetry sets it to 0.
 */
process.env.ORT_DISABLE_TELEMETRY ??= '1';

/**
 * Megabytes of a thread's young objects, all semi-spaces together. What the work here makes is used once: with room for 48, as V8
 * would give, the garbage fills the processor's caches with new memory all the time, and the buffers that hang on it wait for their
 * collection with it. With 3 a thread takes 30 MB less, and a second of live audio a tenth less of the processor.
 */
const YOUNG_MB = 3;

export class WorkerSlot {
  /** Grows by one with each replacement: what was opened on an earlier thread is gone. */
  generation = 0;
  /** Streams and files whose state lives here. */
  reservations = 0;
  readonly bound = new CallQueue();
  /** Threads that were given up and have not come back. */
  abandoned = 0;
  private worker: Worker | undefined;
  /** What the thread works on: few, and no Map for the reason that {@link CallQueue} gives. */
  private readonly current: PendingCall[] = [];
  private dispatchedAt = 0;
  private readonly meters: WorkMeter[] = [];
  private timer: NodeJS.Timeout | undefined;
  private alive = false;
  /** No thread is here, and none is on its way. */
  vacant = false;
  private settleStart: ((error?: Error) => void) | undefined;

  constructor(
    readonly index: number,
    private readonly entry: URL,
    private readonly workerData: unknown,
    private readonly callTimeoutMs: number,
    private readonly events: SlotEvents,
    /** An idle thread does not keep the process from ending. */
    private readonly background = false,
  ) {}

  get idle(): boolean {
    return this.alive && this.current.length === 0;
  }

  get busy(): boolean {
    return this.current.length > 0;
  }

  /** A place without a thread comes last: whether it will have one again is not known. */
  get load(): number {
    if (!this.alive) return Infinity;
    return this.reservations + this.bound.size + this.current.length;
  }

  /** Starts the thread; resolves when it announced itself ready. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      // Threads inherit Node's flags, of which this one is about a program on the command line and ends a thread.
      const inherit = !process.execArgv.some((flag) => flag.startsWith('--input-type'));
      const worker = new Worker(this.entry, {
        workerData: this.workerData,
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
        ...(inherit ? {} : { execArgv: [] }),
      });
      this.worker = worker;
      this.settleStart = (error) => {
        this.settleStart = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
      let reason = 'exited';
      worker.on('message', (message: CallReply | ReadyMessage) => {
        if ('ready' in message) {
          this.alive = true;
          this.letProcessEnd(worker);
          this.settleStart?.();
          this.events.onIdle(this);
        } else {
          this.finish(message);
        }
      });
      worker.on('error', (error) => {
        reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      });
      worker.on('exit', () => {
        if (this.worker === worker) this.die(reason);
      });
    });
  }

  /** @param calls at least one; several are worked on side by side */
  dispatch(calls: readonly PendingCall[]): void {
    const worker = this.worker!;
    this.dispatchedAt = performance.now();
    for (const call of calls) {
      this.current.push(call);
      call.startedAt = this.dispatchedAt;
      // Once for all calls that share it: they are worked on side by side.
      if (call.meter !== undefined && !this.meters.includes(call.meter)) this.meters.push(call.meter);
    }
    this.timer = setTimeout(
      () => {
        for (const call of this.current) call.settle(new MalgwiError('timeout'));
        this.abandon(worker);
      },
      Math.max(...calls.map(({ timeoutMs }) => timeoutMs ?? this.callTimeoutMs)),
    );
    this.timer.unref();
    worker.ref();
    try {
      const requests = calls.map(({ id, method, payload }) => ({ id, method, payload }));
      worker.postMessage(
        { calls: requests } satisfies CallBatch,
        calls.flatMap(({ transfer }) => [...transfer]),
      );
    } catch (error) {
      this.release();
      for (const call of calls) call.settle(new MalgwiError('internal_error', { cause: error }));
      this.events.onIdle(this);
    }
  }

  /** Tells the thread that nobody waits for this call any more, if it is one that it works on. */
  cancel(call: PendingCall): void {
    if (this.current.includes(call)) this.worker?.postMessage({ cancel: call.id } satisfies CancelRequest);
  }

  async stop(): Promise<void> {
    const worker = this.worker;
    const working = this.busy || !this.alive;
    this.worker = undefined;
    this.alive = false;
    this.failAll(new MalgwiError('shutting_down'));
    // A thread that is ended inside ONNX Runtime takes the whole process with it (an uncaught Napi::Error).
    if (worker !== undefined && working) await answered(worker, LAST_CALL_MS);
    await worker?.terminate();
  }

  /**
   * Gives up a thread that does not come back. Native code cannot be interrupted from outside, and ending the thread
   * inside it would end the process: it is left alone until it answers, while its replacement works.
   */
  private abandon(worker: Worker): void {
    worker.unref();
    this.abandoned += 1;
    void answered(worker).then(async () => {
      await worker.terminate();
      this.abandoned -= 1;
      this.events.onReturn(this);
    });
    this.die('a call took longer than its time-out');
  }

  private finish(reply: CallReply): void {
    const at = this.current.findIndex(({ id }) => id === reply.id);
    if (at === -1) return;
    const [call] = this.current.splice(at, 1) as [PendingCall];
    if (this.current.length === 0) this.release();
    if (reply.ok) {
      call.settle(undefined, reply.value);
    } else {
      if (reply.stack !== undefined) this.events.onInternalError(call.method, reply.stack);
      call.settle(fromPlainError(reply.error));
    }
    if (this.current.length === 0) this.events.onIdle(this);
  }

  private release(): void {
    clearTimeout(this.timer);
    this.current.length = 0;
    const busySeconds = (performance.now() - this.dispatchedAt) / 1000;
    for (const meter of this.meters) meter.busySeconds += busySeconds;
    this.meters.length = 0;
    if (this.worker !== undefined) this.letProcessEnd(this.worker);
  }

  private letProcessEnd(worker: Worker): void {
    if (this.background) worker.unref();
  }

  private die(reason: string): void {
    this.worker = undefined;
    this.alive = false;
    this.generation += 1;
    this.failAll(new MalgwiError('worker_crashed'));
    this.settleStart?.(new Error(`worker did not start: ${reason}`));
    this.events.onDeath(this, reason);
  }

  private failAll(error: MalgwiError): void {
    const calls = [...this.current];
    this.release();
    for (const call of calls) call.settle(error);
    for (const waiting of this.bound.drain()) waiting.settle(error);
  }
}
