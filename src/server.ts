import type { FastifyInstance } from 'fastify';
import { buildApp } from './app.js';
import type { Config } from './config.js';
import { openJobs, type Jobs } from './jobs/index.js';
import { Metrics } from './metrics/index.js';
import { processRecognizer } from './process-recognizer.js';
import type { Recognizer } from './recognition/contract.js';
import { VERSION } from './version.js';

export interface RunningServer {
  readonly app: FastifyInstance;
  readonly recognizer: Recognizer;
  readonly metrics: Metrics;
  /** `http://host:port` */
  readonly address: string;
  /** Resolves when the models are loaded and the service is ready; rejects when it never will be. */
  readonly ready: Promise<void>;
  /** Refuses new requests, lets those at work end for a while, then stops the workers. */
  close(): Promise<void>;
}

/** Jobs that do not end within this time of a stop are handed back; with their checkpoints they lose little. */
const JOB_GRACE_MS = 2000;

/**
 * Starts the service: listens at once (so that /healthz answers and /readyz says not_ready), loads the default model
 * meanwhile. Signals are the caller's: see {@link closeOnSignals}.
 * @throws MalgwiError of a broken model package, of jobs or a storage that cannot be opened, or the system's error when the address is taken
 */
export async function startServer(config: Config): Promise<RunningServer> {
  const metrics = new Metrics({ version: VERSION });
  let app: FastifyInstance | undefined;
  const recognizer = await processRecognizer(config, metrics, () => app?.log, config.live.maxSessions);
  let jobs: Jobs | undefined;
  const close = async (): Promise<void> => {
    // Both at the same time: while the last requests end, jobs are handed back.
    await Promise.all([app?.close(), jobs?.drain(JOB_GRACE_MS)]);
    await jobs?.close();
    await recognizer.close();
    metrics.close();
  };
  try {
    jobs = await openJobs({
      config,
      recognizer,
      metrics,
      onError: (error) => app?.log.error({ err: error }, 'a job met an unforeseen error'),
    });
    app = await buildApp({ config, recognizer, metrics, jobs });
    const address = await app.listen({ host: config.server.host, port: config.server.port });
    const { log } = app;
    if (config.server.apiKeys.length === 0 && !/^(127\.|::1$|localhost$)/.test(config.server.host)) {
      log.warn('the service listens beyond this machine and asks for no key: set MALGWI_API_KEYS');
    }
    const installed = new Set(recognizer.models().map(({ name }) => name));
    for (const [alias, model] of Object.entries(config.models.aliases)) {
      if (model !== '' && !installed.has(model))
        log.warn({ alias, model }, 'an alias in MALGWI_MODEL_ALIASES names a model that is not installed');
    }
    const opened = jobs;
    const ready = recognizer.start().then(
      async () => {
        await opened.begin();
        metrics.readinessChecked(true);
        log.info({ model: recognizer.defaultModel }, 'ready');
      },
      (error: unknown) => {
        log.fatal({ err: error }, 'the model could not be started');
        throw error;
      },
    );
    ready.catch(() => undefined);
    return { app, recognizer, metrics, address, ready, close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

/** Closes gracefully on SIGTERM and SIGINT; a second signal ends the process at once. */
export function closeOnSignals(server: RunningServer): void {
  let closing = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (closing) process.exit(130);
    closing = true;
    server.app.log.info({ signal }, 'closing');
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        server.app.log.error({ err: error }, 'closing failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}
