import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** Of resumable uploads. */
const TUS_REQUEST_HEADERS = ['tus-resumable', 'upload-length', 'upload-metadata', 'upload-offset'];
const TUS_ANSWER_HEADERS = [
  'tus-resumable',
  'tus-version',
  'tus-extension',
  'tus-max-size',
  'upload-expires',
  'upload-length',
  'upload-metadata',
  'upload-offset',
];

/**
 * Security headers for everything, CORS only for configured origins. The Content-Security-Policy lets the page load
 * its own scripts, styles and WebSockets and nothing else: no inline script, no other host, no frame around it.
 * Strict-Transport-Security is left to the proxy that ends TLS: only that one knows.
 */
export const securityPlugin = fp(
  async (app: FastifyInstance) => {
    await app.register(helmet, {
      global: true,
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'self'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          mediaSrc: ["'self'", 'blob:'],
          workerSrc: ["'self'"],
          connectSrc: ["'self'"],
          objectSrc: ["'none'"],
          baseUri: ["'none'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
        },
      },
      strictTransportSecurity: false,
      crossOriginResourcePolicy: {
        policy: app.config.server.corsOrigins.length > 0 ? 'cross-origin' : 'same-origin',
      },
      referrerPolicy: { policy: 'no-referrer' },
      xFrameOptions: { action: 'deny' },
    });
    app.addHook('onRequest', async (_request, reply) => {
      void reply.header('permissions-policy', 'microphone=(self), camera=(), geolocation=()');
    });
    const { corsOrigins } = app.config.server;
    if (corsOrigins.length === 0) return;
    await app.register(cors, {
      origin: corsOrigins.includes('*') ? '*' : [...corsOrigins],
      methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
      allowedHeaders: [
        'authorization',
        'content-type',
        'idempotency-key',
        'last-event-id',
        'range',
        ...TUS_REQUEST_HEADERS,
      ],
      exposedHeaders: [
        'x-request-id',
        'retry-after',
        'location',
        'content-disposition',
        'content-range',
        ...TUS_ANSWER_HEADERS,
      ],
      maxAge: 600,
    });
  },
  { name: 'malgwi-security' },
);
