/** What stands behind a {@link Model}: its worker threads, its settings, and its open streams. */
import { MalgwiError } from '../errors.js';
import { WorkerPool, type Reservation } from '../workers/pool.js';
import { Backlog } from './backlog.js';
import { createFailure } from './errors.js';
import type * as protocol from './protocol.js';
import { StreamCore, type StreamHost } from './stream-core.js';

export interface ModelOptions {
  /** Worker threads, each with the model in memory; 1 without it. A stream stays on the thread it was opened on. */
  readonly threads?: number;
  /** Streams open at once, `stt` calls under way included; 100 without it. Further ones are refused. */
  readonly maxStreams?: number;
  /** Audio that waits for the model, of all streams together; 600 s without it. More is refused. */
  readonly maxBacklogSeconds?: number;
}

const DEFAULT_MAX_STREAMS = 100;
const DEFAULT_MAX_BACKLOG_SECONDS = 600;
const BYTES_PER_SECOND = 32_000;

/** Worker threads run compiled code; from a test, which runs the sources, that is the build beside them. */
function workerEntry(): URL {
  const here = import.meta.url;
  return here.endsWith('.ts')
    ? new URL('../../dist/coqui-stt/worker.js', here)
    : new URL('./worker.js', here);
}

export class ModelCore implements StreamHost {
  readonly pool: WorkerPool;
  readonly backlog: Backlog;
  readonly description: Promise<protocol.ModelDescription>;
  beamWidth: number | undefined;
  scorer: protocol.ScorerSettings | undefined;
  readonly hotWords = new Map<string, number>();
  private readonly streams = new Set<StreamCore>();
  private readonly maxStreams: number;
  private nextHandle = 1;
  private nextScorer = 1;
  private last: Promise<unknown>;
  private freed: Promise<void> | undefined;

  constructor(directory: string, options: ModelOptions) {
    const setup: protocol.WorkerSetup = { directory };
    this.maxStreams = options.maxStreams ?? DEFAULT_MAX_STREAMS;
    this.backlog = new Backlog((options.maxBacklogSeconds ?? DEFAULT_MAX_BACKLOG_SECONDS) * BYTES_PER_SECOND);
    const size = options.threads ?? 1;
    // A stream has one call under way; settings reach every thread in a call each.
    const queueLimit = this.maxStreams * 2 + size * 4;
    this.pool = new WorkerPool({
      entry: workerEntry(),
      size,
      queueLimit,
      workerData: setup,
      background: true,
    });
    this.description = this.load();
    this.last = this.description.catch(() => undefined);
  }

  /** The calls that change or read settings take effect in the order in which they are made. */
  inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.last.then(async () => {
      await this.description;
      this.refuseWhenFreed();
      return work();
    });
    this.last = result.catch(() => undefined);
    return result;
  }

  get settled(): Promise<unknown> {
    return this.last;
  }

  /** Settles when everything asked of the streams so far is done. */
  idle(): Promise<unknown> {
    return Promise.all([...this.streams].map((stream) => stream.settled));
  }

  async setScorer(path: string | undefined): Promise<void> {
    const old = this.scorer;
    if (path !== undefined) {
      const scorer = { id: this.nextScorer++, path };
      try {
        await this.pool.broadcast('loadScorer', scorer);
      } catch (error) {
        await this.pool.broadcast('dropScorer', scorer).catch(() => undefined); // of the threads that have it
        throw error;
      }
      this.scorer = scorer;
    } else {
      this.scorer = undefined;
    }
    if (old !== undefined) await this.pool.broadcast('dropScorer', old);
  }

  async setWeights(alpha: number, beta: number): Promise<void> {
    const scorer = { ...this.scorer!, weights: { alpha, beta } };
    await this.pool.broadcast('setWeights', scorer);
    this.scorer = scorer;
  }

  /** @throws MalgwiError too_many_sessions, and those of the worker pool */
  openStream(): Promise<StreamCore> {
    return this.inTurn(async () => {
      if (this.streams.size >= this.maxStreams) {
        const detail = `All ${String(this.maxStreams)} streams of this model are taken: finish or free one, or raise maxStreams.`;
        throw new MalgwiError('too_many_sessions', { detail });
      }
      const { beamWidth } = await this.description;
      const handle = this.nextHandle++;
      const reservation: Reservation = this.pool.reserve();
      const stream = new StreamCore(this, handle, reservation, () => this.streams.delete(stream));
      this.streams.add(stream);
      const call: protocol.OpenCall = {
        handle,
        beamWidth: this.beamWidth ?? beamWidth,
        ...(this.scorer === undefined ? {} : { scorer: this.scorer }),
        hotWords: [...this.hotWords],
      };
      try {
        await this.pool.call('open', call, { reservation });
      } catch (error) {
        stream.free();
        throw error;
      }
      return stream;
    });
  }

  /** Ends the threads. What is under way, and every later call, fails with shutting_down. */
  free(): Promise<void> {
    this.freed ??= this.description
      .then(
        () => undefined,
        () => undefined,
      )
      .then(() => this.pool.close());
    return this.freed;
  }

  refuseWhenFreed(): void {
    if (this.freed !== undefined) throw new MalgwiError('shutting_down', { detail: 'The model was freed.' });
  }

  private async load(): Promise<protocol.ModelDescription> {
    try {
      await this.pool.start();
      await this.pool.broadcast('describe', null);
      return await this.pool.call<protocol.ModelDescription>('describe', null);
    } catch (error) {
      await this.pool.close();
      throw createFailure(error);
    }
  }
}
