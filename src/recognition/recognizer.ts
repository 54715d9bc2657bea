/** The recogniser of the service: model packages, worker threads, and the two pipelines over them. */
import { availableParallelism } from 'node:os';
import { MalgwiError } from '../errors.js';
import { ModelRegistry, type ModelPackage } from '../models/index.js';
import { SAMPLE_RATE } from '../audio/contract.js';
import type { EndpointConfig } from '../vad/contract.js';
import { DEFAULT_ENDPOINT, DEFAULT_LIVE_ENDPOINT } from '../vad/endpointer.js';
import type { WorkMeter } from '../workers/contract.js';
import { WorkerPool } from '../workers/pool.js';
import type {
  InstalledModel,
  LiveFeedResult,
  LiveOptions,
  LiveStream,
  PieceOptions,
  Priority,
  Recognizer,
  RecognizerStats,
  TranscribeOptions,
  Transcript,
  TranscriptPiece,
} from './contract.js';
import { resolveEndpoint } from './endpoint.js';
import { AdmissionGate } from './gate.js';
import type * as protocol from './protocol.js';
import { rehearse } from './rehearsal.js';
import { transcribe, transcribePieces, type TranscribeJob } from './transcribe.js';

export interface RecognizerOptions {
  /** Folder with one model package a sub-folder. */
  readonly modelsDir: string;
  readonly defaultModel?: string | undefined;
  /** Worker threads; as many as the machine has cores without it. */
  readonly workers?: number | undefined;
  /** Files that may wait for their turn; further ones are refused with queue_full. */
  readonly queueLimit?: number | undefined;
  /** Live streams open at once; further ones are refused with too_many_sessions. */
  readonly maxStreams?: number | undefined;
  /**
   * Whether live streams are to be expected: `start()` finds out what live audio costs, in about the time that some seconds of it
   * take, and the threads take the memory for many streams at a time.
   */
  readonly rehearse?: boolean;
  readonly onWorkerRestart?: (reason: string) => void;
  readonly onInternalError?: (method: string, stack: string) => void;
  readonly onQueueWait?: (seconds: number, priority: Priority) => void;
}

const DEFAULT_PARTIAL_INTERVAL_MS = 240;
/** Files worked on at once, for each worker: enough that a short one does not wait behind long ones. */
const FILES_PER_WORKER = 4;
/** Files of `transcribePieces` at a time, at most. */
const MAX_JOBS = 64;
const CHECK_TIMEOUT_MS = 5000;

/** Reads the model packages; `start()` starts the threads. @throws MalgwiError of a broken or missing default package */
export async function createRecognizer(options: RecognizerOptions): Promise<Recognizer> {
  const registry = await ModelRegistry.open(options.modelsDir, options.defaultModel);
  return new PooledRecognizer(registry, options);
}

/** Worker threads run compiled code; from a test, which runs the sources, that is the build beside them. */
function workerEntry(): URL {
  const here = import.meta.url;
  return here.endsWith('.ts')
    ? new URL('../../dist/recognition/worker.js', here)
    : new URL('./worker.js', here);
}

class PooledRecognizer implements Recognizer {
  private readonly pool: WorkerPool;
  private readonly gate: AdmissionGate;
  private readonly maxStreams: number;
  private liveStreams = 0;
  /** What the threads do for live streams. */
  private readonly liveWork: WorkMeter = { busySeconds: 0 };
  private liveCost: number | undefined;
  private closing = false;

  constructor(
    private readonly registry: ModelRegistry,
    private readonly options: RecognizerOptions,
  ) {
    const workers = options.workers ?? availableParallelism();
    const queueLimit = options.queueLimit ?? 100;
    this.maxStreams = options.maxStreams ?? 100;
    this.gate = new AdmissionGate(workers * FILES_PER_WORKER, queueLimit);
    const setup: protocol.WorkerSetup = {
      preload: registry.get(),
      models: registry.list(),
      live: options.rehearse === true,
    };
    this.pool = new WorkerPool({
      entry: workerEntry(),
      size: workers,
      // Every admitted file and stream has its calls bounded; this is the sum of those bounds.
      queueLimit: (workers * FILES_PER_WORKER + MAX_JOBS) * (workers + 2) + this.maxStreams * 3 + 100,
      workerData: setup,
      ...(options.onWorkerRestart === undefined ? {} : { onRestart: options.onWorkerRestart }),
      ...(options.onInternalError === undefined ? {} : { onInternalError: options.onInternalError }),
      ...(options.onQueueWait === undefined ? {} : { onQueueWait: options.onQueueWait }),
    });
  }

  get defaultModel(): string {
    return this.registry.defaultName;
  }

  models(): readonly InstalledModel[] {
    return this.registry.list().map((model) => describe(model, model.manifest.name === this.defaultModel));
  }

  async start(): Promise<void> {
    await this.pool.start();
    if (this.options.rehearse !== true) return;
    const options = { encoding: 'pcm_s16le', sampleRate: SAMPLE_RATE, channels: 1 } as const;
    // At a threshold of nothing everything is speech.
    const endpoint = { ...DEFAULT_LIVE_ENDPOINT, threshold: 0, negativeThreshold: 0 };
    this.liveCost = await rehearse(Math.min(this.pool.size, this.maxStreams), (meter) =>
      this.open(options, endpoint, meter),
    );
  }

  async check(): Promise<void> {
    const signal = AbortSignal.timeout(CHECK_TIMEOUT_MS);
    try {
      await this.pool.call('check', { model: this.defaultModel }, { priority: 'live', signal });
    } catch (error) {
      throw new MalgwiError('not_ready', {
        detail: 'The model does not answer.',
        cause: error,
        retryAfter: 1,
      });
    }
  }

  async transcribeFile(path: string, options: TranscribeOptions = {}): Promise<Transcript> {
    const job = this.jobOf(path, options);
    const leave = await this.gate.enter(options.signal);
    try {
      return await transcribe(this.pool, job);
    } finally {
      leave();
    }
  }

  async *transcribePieces(
    path: string,
    options: Omit<TranscribeOptions, 'metadata'>,
    pieces: PieceOptions,
  ): AsyncGenerator<TranscriptPiece, Transcript, void> {
    return yield* transcribePieces(this.pool, this.jobOf(path, options), pieces);
  }

  private jobOf(path: string, options: TranscribeOptions): TranscribeJob {
    this.refuseWhenClosing();
    const { manifest } = this.registry.get(options.model);
    const whole = (options.segmentation ?? manifest.segmentation) === 'none';
    return {
      path,
      model: manifest.name,
      language: manifest.language,
      endpoint: resolveEndpoint(DEFAULT_ENDPOINT, options.endpoint, longestPieceMs(manifest)),
      // Weights of the caller's own change what a text is worth.
      ...(options.lmAlpha === undefined && options.lmBeta === undefined
        ? { rejection: manifest.decoder.rejection }
        : {}),
      ...(whole ? { wholeSamples: longestPieceSamples(manifest) } : {}),
      options,
    };
  }

  async openStream(options: LiveOptions): Promise<LiveStream> {
    return this.open(options, DEFAULT_LIVE_ENDPOINT, this.liveWork);
  }

  private async open(options: LiveOptions, defaults: EndpointConfig, meter: WorkMeter): Promise<LiveStream> {
    this.refuseWhenClosing();
    const { manifest } = this.registry.get(options.model);
    const endpoint = resolveEndpoint(defaults, options.endpoint, longestPieceMs(manifest));
    if (this.liveStreams >= this.maxStreams) throw new MalgwiError('too_many_sessions', { retryAfter: 5 });
    this.liveStreams += 1;
    const reservation = this.pool.reserve();
    const release = once(() => {
      this.liveStreams -= 1;
      reservation.release();
    });
    const call: protocol.OpenStreamCall = {
      model: manifest.name,
      encoding: options.encoding,
      sampleRate: options.sampleRate,
      channels: options.channels,
      endpoint,
      partialIntervalMs: options.partialIntervalMs ?? DEFAULT_PARTIAL_INTERVAL_MS,
      ...(options.decoding === undefined ? {} : { decoding: options.decoding }),
      ...(options.secondPass === undefined ? {} : { secondPass: options.secondPass }),
    };
    const bound = { priority: 'live', reservation, meter } as const;
    let handle: number;
    try {
      ({ handle } = await this.pool.call<{ handle: number }>('openStream', call, bound));
    } catch (error) {
      release();
      throw error;
    }
    const closing = new AbortController();
    const working = { ...bound, signal: closing.signal, subject: handle };
    const ask = (method: string): Promise<LiveFeedResult> =>
      this.pool.call<LiveFeedResult>(method, { handle }, working);
    const close = once(() => {
      closing.abort();
      void this.pool.call('closeStream', { handle }, { ...bound, release: true }).catch(() => undefined);
      release();
    });
    return {
      model: manifest.name,
      feed: (bytes) =>
        this.pool.call<LiveFeedResult>('feed', { handle, bytes } satisfies protocol.FeedCall, working),
      flush: () => ask('flush'),
      finish: () => ask('finish').finally(close),
      close,
    };
  }

  stats(): RecognizerStats {
    return {
      workers: this.pool.size,
      busy: this.pool.busy,
      queued: this.gate.queued,
      queueLimit: this.gate.limit,
      liveStreams: this.liveStreams,
      liveBusySeconds: this.liveWork.busySeconds,
      liveCost: this.liveCost,
      restarts: this.pool.restarts,
    };
  }

  async close(): Promise<void> {
    this.closing = true;
    await this.pool.close();
  }

  private refuseWhenClosing(): void {
    if (this.closing) throw new MalgwiError('shutting_down', { retryAfter: 5 });
  }
}

/** Milliseconds of audio that the model takes in one piece. */
function longestPieceMs({ encoder, frontEnd }: ModelPackage['manifest']): number {
  return encoder.maxFrames * hopMsOf(frontEnd);
}

/** Front ends with centred frames give one more than whole hops, Coqui's up to two. */
function longestPieceSamples({ encoder, frontEnd }: ModelPackage['manifest']): number {
  const hop = Math.floor((hopMsOf(frontEnd) * frontEnd.sampleRate) / 1000);
  return Math.max(1, encoder.maxFrames - 2) * hop;
}

function hopMsOf(frontEnd: ModelPackage['manifest']['frontEnd']): number {
  return frontEnd.kind === 'coqui-mfcc'
    ? (frontEnd.stepSamples * 1000) / frontEnd.sampleRate
    : frontEnd.hopMs;
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (done) return;
    done = true;
    action();
  };
}

function describe({ manifest }: ModelPackage, isDefault: boolean): InstalledModel {
  return {
    name: manifest.name,
    version: manifest.version,
    description: manifest.description,
    language: manifest.language,
    family: manifest.family,
    architecture: manifest.architecture.name,
    parameters: manifest.architecture.parameters,
    license: manifest.license.weights,
    isDefault,
    bytes: Object.values(manifest.files).reduce((sum, file) => sum + file.bytes, 0),
    metrics: manifest.metrics,
    ...(manifest.measurements === undefined ? {} : { measurements: manifest.measurements }),
  };
}
