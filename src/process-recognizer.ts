import type { FastifyBaseLogger } from 'fastify';
import type { Config } from './config.js';
import type { Metrics } from './metrics/index.js';
import type { Recognizer } from './recognition/contract.js';
import { createRecognizer } from './recognition/index.js';

/**
 * The recogniser of a process of the service, as it is configured, told about and measured.
 * @param log asked for when there is something to say: the recogniser is there before the log is
 * @throws MalgwiError of a broken or missing default package
 */
export function processRecognizer(
  config: Config,
  metrics: Metrics,
  log: () => FastifyBaseLogger | undefined,
  maxStreams: number,
): Promise<Recognizer> {
  return createRecognizer({
    modelsDir: config.models.dir,
    defaultModel: config.models.default,
    workers: config.workers.count,
    queueLimit: config.workers.queueLimit,
    maxStreams,
    rehearse: maxStreams > 0,
    onWorkerRestart: (reason) => log()?.error({ reason }, 'a worker died and was replaced'),
    onInternalError: (method, stack) => log()?.error({ method, stack }, 'a worker met an unforeseen error'),
    onQueueWait: (seconds, priority) => metrics.observeQueueWait(seconds, priority),
  });
}
