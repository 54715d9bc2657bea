import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from './config.js';
import { MalgwiError } from './errors.js';

/** Fields that could carry what someone said, or a key, wherever they turn up in a log record. */
const SECRET_FIELDS = [
  'authorization',
  'apiKey',
  'api_key',
  'text',
  'transcript',
  'reference',
  'prompt',
  'words',
  'body',
  'cookie',
];

/**
 * Options of the logger (pino). Requests are logged by method, path and status only: no query (it may hold a key),
 * no headers, no bodies. Errors with a code are logged without their stack, others with it.
 */
export function loggerOptions(config: Config): object {
  return {
    level: config.server.logLevel,
    redact: {
      paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
    serializers: {
      req: (request: FastifyRequest) => ({
        method: request.method,
        path: request.url.split('?', 1)[0].slice(0, 200),
        remoteAddress: request.ip,
      }),
      res: (reply: FastifyReply) => ({ statusCode: reply.statusCode }),
      err: serializeError,
    },
    ...(config.server.logPretty
      ? {
          transport: {
            target: 'pino-pretty',
            options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' },
          },
        }
      : {}),
  };
}

function serializeError(error: unknown): object {
  if (error instanceof MalgwiError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.cause === undefined ? {} : { cause: serializeError(error.cause) }),
    };
  }
  if (error instanceof Error) return { type: error.name, message: error.message, stack: error.stack };
  return { type: typeof error };
}
