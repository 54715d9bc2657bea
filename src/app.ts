import multipart from '@fastify/multipart';
import Fastify from 'fastify';
import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Config } from './config.js';
import { ERRORS, toOpenAiError, MalgwiError } from './errors.js';
import { KeyRing } from './http/auth.js';
import './http/decorations.js';
import { Hypotheses } from './http/hypotheses.js';
import { boardPlugin } from './http/plugins/board.js';
import { answerError, errorsPlugin } from './http/plugins/errors.js';
import { docsPlugin } from './http/plugins/docs.js';
import { drainPlugin } from './http/plugins/drain.js';
import { httpMetricsPlugin } from './http/plugins/http-metrics.js';
import { pagePlugin } from './http/plugins/page.js';
import { securityPlugin } from './http/plugins/security.js';
import { registerRoutes } from './http/routes/index.js';
import { UploadStore } from './http/uploads.js';
import type { JobQueue } from './jobs/contract.js';
import { livePlugin } from './live/plugin.js';
import { loggerOptions } from './logging.js';
import type { Metrics } from './metrics/index.js';
import { GuardedHttp } from './net/fetch.js';
import type { Recognizer } from './recognition/contract.js';
import { ResumableUploads } from './resumable/index.js';
import type { ObjectStorage } from './storage/contract.js';
import { VERSION } from './version.js';

export interface JobServices {
  readonly queue: JobQueue;
  readonly storage: ObjectStorage;
}

export interface AppOptions {
  readonly config: Config;
  readonly recognizer: Recognizer;
  readonly metrics: Metrics;
  /** Without them the service offers no jobs. They belong to the caller. */
  readonly jobs?: JobServices;
  /** A logger, or false for silence; made from the configuration without it. */
  readonly logger?: FastifyBaseLogger | false;
}

/** Largest JSON body. */
const MAX_JSON_BYTES = 256 * 1024;
/** Fields beside the file, and how long each may be. */
const MULTIPART_LIMITS = {
  fields: 400,
  files: 1,
  parts: 401,
  fieldSize: 64 * 1024,
  fieldNameSize: 128,
  headerPairs: 32,
};

/**
 * Builds the service: plugins of others, its own plugins, then routes. It does not listen and starts no worker;
 * the recogniser belongs to the caller.
 */
export async function buildApp({
  config,
  recognizer,
  metrics,
  jobs,
  logger,
}: AppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    ...(logger ? { loggerInstance: logger } : { logger: logger === undefined && loggerOptions(config) }),
    // Ours alone: feedback finds hypotheses by it, so a client must not be able to choose it.
    genReqId: () => `req_${randomUUID()}`,
    requestIdHeader: false,
    bodyLimit: MAX_JSON_BYTES,
    requestTimeout: config.uploads.timeoutMs,
    trustProxy: config.server.trustProxy.length > 0 ? [...config.server.trustProxy] : false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: true, allErrors: false },
    },
    routerOptions: { maxParamLength: 200 },
    frameworkErrors: (error, request, reply) => void answerError(error, request as never, reply as never),
    clientErrorHandler: refuseMalformedHttp,
  });
  const closing = new AbortController();
  const uploads = new UploadStore(config.uploads.dir, config.uploads.maxActive);
  await uploads.open();
  app.decorate('config', config);
  app.decorate('recognizer', recognizer);
  app.decorate('metrics', metrics);
  app.decorate('apiKeys', new KeyRing(config.server.apiKeys));
  app.decorate('hypotheses', new Hypotheses());
  app.decorate('uploads', uploads);
  app.decorate('closing', closing.signal);
  if (jobs !== undefined) await offerJobs(app, jobs);
  app.addHook('onClose', () => uploads.close());
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });

  await app.register(errorsPlugin);
  await app.register(drainPlugin, { closing });
  await app.register(securityPlugin);
  await app.register(httpMetricsPlugin);
  await app.register(docsPlugin, { version: VERSION });
  await app.register(multipart, {
    limits: { ...MULTIPART_LIMITS, fileSize: config.uploads.maxBytes },
    throwFileSizeLimit: true,
  });
  await app.register(livePlugin, { recognizer, metrics, config });
  await app.register(registerRoutes);
  if (jobs !== undefined) await app.register(boardPlugin, { queue: jobs.queue });
  await app.register(pagePlugin);
  metrics.setModels(recognizer.models());
  metrics.watchRecognizer(() => recognizer.stats());
  return app;
}

async function offerJobs(app: FastifyInstance, { queue, storage }: JobServices): Promise<void> {
  const { config } = app;
  const net = new GuardedHttp(config.net);
  const resumable = await ResumableUploads.open(storage, {
    dir: join(config.data.dir, 'uploads'),
    keepFreeBytes: config.storage.keepFreeBytes,
    expiryMs: config.jobs.uploadExpirySeconds * 1000,
    maxUnfinished: config.jobs.maxUnfinishedUploads,
  });
  app.decorate('jobs', queue);
  app.decorate('storage', storage);
  app.decorate('net', net);
  app.decorate('resumable', resumable);
  app.addHook('onClose', () => net.close());
}

/** Bytes that are no HTTP never reach a route; they are answered in the same shape. */
function refuseMalformedHttp(this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const timedOut = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
  const code = timedOut ? 'timeout' : 'invalid_request';
  this.metrics.errorAnswered(code, 'http');
  const body = JSON.stringify(toOpenAiError(new MalgwiError(code)));
  const status = timedOut ? '408 Request Timeout' : `${ERRORS.invalid_request.status} Bad Request`;
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
