/** Durable transcription jobs: the queue that the configuration asks for, and what works on it. */
import { join } from 'node:path';
import type { Config } from '../config.js';
import { MalgwiError } from '../errors.js';
import type { Metrics } from '../metrics/index.js';
import { GuardedHttp } from '../net/fetch.js';
import type { Recognizer } from '../recognition/contract.js';
import type { ObjectStorage } from '../storage/contract.js';
import { openStorage } from '../storage/index.js';
import type { JobHandlers, JobLease, JobOutcome, JobQueue, QueueWorker } from './contract.js';
import { JobRunner } from './runner.js';
import { Sweeper } from './sweeper.js';
import { webhookNotifier } from './webhook.js';

export interface JobsOptions {
  readonly config: Config;
  readonly recognizer: Pick<Recognizer, 'transcribePieces'>;
  readonly metrics?: Metrics;
  /** What happens beside the calls: for the log. */
  readonly onError?: (error: unknown) => void;
}

/** Downloads may be slow, and large. */
const FETCH_MS = 3600_000;

/** @throws MalgwiError config_invalid | job_queue_unavailable */
export async function openJobQueue(
  config: Config,
  onError: (error: unknown) => void = () => undefined,
): Promise<JobQueue> {
  const { redis, jobs } = config;
  const limits = { maxQueued: jobs.maxQueued, maxAttempts: jobs.maxAttempts, onError };
  // Each adapter is loaded by those who use it.
  if (redis.url !== undefined) {
    const { openBullmqQueue } = await import('./bullmq/index.js');
    const { url, prefix, timeoutMs, leaseMs } = redis;
    return openBullmqQueue({ ...limits, url, prefix, timeoutMs, leaseMs });
  }
  const { openEmbeddedQueue } = await import('./embedded/index.js');
  return openEmbeddedQueue({ ...limits, dir: join(config.data.dir, 'jobs') });
}

/**
 * Opens queue and storage; `begin` starts the work.
 * @throws MalgwiError config_invalid | job_queue_unavailable | storage_unavailable
 */
export async function openJobs(options: JobsOptions): Promise<Jobs> {
  const storage = await openStorage(options.config);
  const queue = await openJobQueue(options.config, options.onError);
  return new Jobs(options, queue, storage);
}

export class Jobs {
  readonly #http: GuardedHttp;
  readonly #sweeper: Sweeper;
  readonly #handlers: JobHandlers;
  #worker: QueueWorker | undefined;
  #unwatch: () => void = () => undefined;

  constructor(
    private readonly options: JobsOptions,
    readonly queue: JobQueue,
    readonly storage: ObjectStorage,
  ) {
    const { config, recognizer, metrics, onError } = options;
    const http = new GuardedHttp(config.net);
    this.#http = http;
    const { maxBytes, maxSeconds, webhookSecret } = config.jobs;
    const runner = new JobRunner({
      recognizer,
      storage,
      maxSeconds,
      fetchToStorage: (url, key, signal) =>
        http.fetchToStorage(url, storage, key, { maxBytes, timeoutMs: FETCH_MS, signal }),
      onTranscribed: ({ spec }, { duration, stages }) => {
        metrics?.audioProcessed(duration, { model: spec.model, kind: 'batch' });
        metrics?.observeStages(stages, 'batch');
      },
    });
    this.#handlers = {
      transcribe: (lease) => this.#measured(lease, () => runner.transcribe(lease)),
      notify:
        webhookSecret === undefined
          ? async () => {
              throw new MalgwiError('config_invalid', {
                detail: 'Webhooks are signed, and there is no secret.',
              });
            }
          : webhookNotifier(http, webhookSecret),
    };
    this.#sweeper = new Sweeper({
      queue,
      storage,
      resultMs: config.jobs.resultExpirySeconds * 1000,
      audioMs: config.jobs.audioExpirySeconds * 1000,
      unclaimedMs: config.jobs.uploadExpirySeconds * 1000,
      ...(onError === undefined ? {} : { onError }),
    });
    if (metrics !== undefined) this.#unwatch = metrics.watchJobs(() => queue.stats());
  }

  /** Starts the work, when the models are ready, and the sweeps. */
  async begin(): Promise<void> {
    const { config, onError } = this.options;
    this.#sweeper.start();
    const { concurrency } = config.jobs;
    if (concurrency === 0) return;
    this.#worker = await this.queue.work(this.#handlers, {
      concurrency,
      ...(onError === undefined ? {} : { onError }),
    });
  }

  /** Takes nothing more; what does not end within `graceMs` is handed back. */
  async drain(graceMs: number): Promise<void> {
    await Promise.all([this.#worker?.drain(graceMs), this.#sweeper.stop()]);
  }

  /** After `drain`, when nobody asks the queue any more. */
  async close(): Promise<void> {
    this.#unwatch();
    await this.#sweeper.stop();
    await this.queue.close();
    await this.#http.close();
  }

  async #measured(lease: JobLease, run: () => Promise<JobOutcome>): Promise<JobOutcome> {
    const { metrics } = this.options;
    const began = performance.now();
    const ended = (outcome: 'completed' | 'yielded' | 'failed' | 'cancelled'): void =>
      metrics?.jobRan((performance.now() - began) / 1000, outcome);
    try {
      const outcome = await run();
      ended(outcome.type);
      return outcome;
    } catch (error) {
      ended(lease.signal.aborted ? 'cancelled' : 'failed');
      throw error;
    }
  }
}
