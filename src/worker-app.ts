import Fastify from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Config } from './config.js';
import { MalgwiError } from './errors.js';
import './http/decorations.js';
import { errorsPlugin } from './http/plugins/errors.js';
import { operationRoutes } from './http/routes/operation.js';
import type { JobQueue } from './jobs/contract.js';
import { loggerOptions } from './logging.js';
import type { Metrics } from './metrics/index.js';
import type { Recognizer } from './recognition/contract.js';

export interface WorkerAppOptions {
  readonly config: Config;
  readonly recognizer: Recognizer;
  readonly metrics: Metrics;
  /** Undefined until Redis was reached for the first time. */
  readonly queue: () => JobQueue | undefined;
  /** A logger, or false for silence; made from the configuration without it. */
  readonly logger?: FastifyBaseLogger | false;
}

/** What a worker answers: `/healthz`, `/readyz` and `/metrics`, as the service does. Ready is who can work: recognition and Redis. */
export async function buildWorkerApp(options: WorkerAppOptions): Promise<FastifyInstance> {
  const { config, recognizer, metrics, logger } = options;
  const app = Fastify({
    ...(logger ? { loggerInstance: logger } : { logger: logger === undefined && loggerOptions(config) }),
    forceCloseConnections: true,
  });
  app.decorate('config', config);
  app.decorate('recognizer', recognizer);
  app.decorate('metrics', metrics);
  await app.register(errorsPlugin);
  app.addHook('preHandler', async (request) => {
    if (request.routeOptions.url !== '/readyz') return;
    const queue = options.queue();
    if (queue === undefined) throw new MalgwiError('not_ready', { detail: 'Redis was not reached yet.' });
    await queue.stats();
  });
  await app.register(operationRoutes);
  metrics.setModels(recognizer.models());
  metrics.watchRecognizer(() => recognizer.stats());
  return app;
}
