/** One open stream: its calls in their order, on the thread that holds its state. */
import { MalgwiError } from '../errors.js';
import type { Reservation, WorkerPool } from '../workers/pool.js';
import type * as protocol from './protocol.js';

/** Audio that a worker takes at once: the other streams on its thread wait no longer than for this. */
const PIECE_BYTES = 5 * 32_000;

/** What a stream needs of its model. */
export interface StreamHost {
  readonly pool: WorkerPool;
  /** Settles when all settings asked for so far are in effect. */
  readonly settled: Promise<unknown>;
  /** @throws MalgwiError shutting_down */
  refuseWhenFreed(): void;
}

export class StreamCore {
  private last: Promise<unknown> = Promise.resolve();
  private failure: unknown;
  private ended = false;

  constructor(
    private readonly model: StreamHost,
    private readonly handle: number,
    private readonly reservation: Reservation,
    private readonly onEnd: () => void,
  ) {}

  get settled(): Promise<unknown> {
    return this.last;
  }

  /**
   * @param pcm int16 samples; must not change before the promise is settled
   * @throws MalgwiError of the worker pool or the model; after one of them every later call fails with it
   */
  feed(pcm: Uint8Array): Promise<void> {
    return this.inTurn(async () => {
      for (let at = 0; at < pcm.length; at += PIECE_BYTES) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, pcm.length - at));
        piece.set(pcm.subarray(at, at + piece.length));
        const call: protocol.FeedCall = { handle: this.handle, pcm: piece.buffer };
        await this.call('feed', call, [piece.buffer]);
      }
    });
  }

  /** The result for what was fed so far. `finish` ends the stream. */
  result(kind: protocol.ResultKind, results: number): Promise<protocol.TranscriptReply[]> {
    const call: protocol.ResultCall = { handle: this.handle, kind, results };
    const result = this.inTurn(() => this.call<protocol.TranscriptReply[]>('result', call));
    if (kind === 'finish') {
      this.last = result.then(
        () => this.end(),
        () => this.drop(),
      );
    }
    return result;
  }

  /** Gives the stream up; what was asked of it before is still answered. */
  free(): void {
    this.last = this.last.then(() => this.drop());
  }

  /** Audio was lost on its way: whatever is asked from now on fails. */
  fail(error: unknown): void {
    this.last = this.last.then(() => {
      this.failure ??= error;
    });
  }

  /** Ends a stream whose state is still in the worker. */
  private drop(): void {
    if (this.ended) return;
    const call: protocol.HandleCall = { handle: this.handle };
    const options = { reservation: this.reservation, release: true };
    this.model.pool.call('close', call, options).catch(() => undefined); // a thread that is gone holds nothing
    this.end();
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.reservation.release();
    this.onEnd();
  }

  private call<T>(method: string, payload: unknown, transfer: readonly ArrayBuffer[] = []): Promise<T> {
    return this.model.pool.call<T>(method, payload, { reservation: this.reservation, transfer });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const settings = this.model.settled;
    const result = this.last.then(async () => {
      await settings;
      this.model.refuseWhenFreed();
      if (this.failure !== undefined) throw this.failure;
      if (this.ended) throw new MalgwiError('invalid_request', { detail: 'The stream has ended.' });
      try {
        return await work();
      } catch (error) {
        this.failure = error;
        throw error;
      }
    });
    this.last = result.catch(() => undefined);
    return result;
  }
}
