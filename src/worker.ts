import type { FastifyInstance } from 'fastify';
import type { Config } from './config.js';
import { MalgwiError } from './errors.js';
import { openJobs, type Jobs } from './jobs/index.js';
import { Metrics } from './metrics/index.js';
import { processRecognizer } from './process-recognizer.js';
import type { RunningServer } from './server.js';
import { VERSION } from './version.js';
import { buildWorkerApp } from './worker-app.js';

/** How long jobs at work may go on when the worker is told to end. */
const DRAIN_MS = 10_000;

/**
 * Starts a worker: answers probes at once, takes jobs from Redis as soon as the default model is loaded.
 * @throws MalgwiError config_invalid: no Redis is configured; of a broken model package; the system's error when the address
 *   is taken
 */
export async function startWorker(config: Config): Promise<RunningServer> {
  if (config.redis.url === undefined) {
    throw new MalgwiError('config_invalid', {
      detail:
        'A worker takes its jobs from Redis: set REDIS_URL. Without Redis the service itself works on them.',
    });
  }
  if (config.jobs.concurrency === 0) {
    throw new MalgwiError('config_invalid', {
      detail:
        'A worker that works on no job at a time does nothing: set MALGWI_JOBS_CONCURRENCY to 1 or more.',
    });
  }
  const metrics = new Metrics({ version: VERSION });
  let app: FastifyInstance | undefined;
  let jobs: Jobs | undefined;
  const recognizer = await processRecognizer(config, metrics, () => app?.log, 0);
  const close = async (): Promise<void> => {
    // Probes are answered until the last job has ended or was handed back.
    await jobs?.drain(DRAIN_MS);
    await app?.close();
    await jobs?.close();
    await recognizer.close();
    metrics.close();
  };
  try {
    app = await buildWorkerApp({ config, recognizer, metrics, queue: () => jobs?.queue });
    const { log } = app;
    const onError = (error: unknown): void => log.error({ err: error }, 'a job met an unforeseen error');
    const address = await app.listen({ host: config.server.host, port: config.worker.port });
    const work = async (): Promise<void> => {
      // Redis may come up later than its workers do.
      [jobs] = await Promise.all([openJobs({ config, recognizer, metrics, onError }), recognizer.start()]);
      await jobs.begin();
      metrics.readinessChecked(true);
      log.info({ model: recognizer.defaultModel }, 'ready');
    };
    const ready = work().catch((error: unknown) => {
      log.fatal({ err: error }, 'the worker could not be started');
      throw error;
    });
    ready.catch(() => undefined);
    return { app, recognizer, metrics, address, ready, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}
