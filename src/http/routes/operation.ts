import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { VERSION } from '../../version.js';
import { KeyRing, requireKey } from '../auth.js';
import { Readiness } from '../readiness.js';
import { responses } from '../schemas/common.js';

const StatusSchema = Type.Object({ status: Type.Literal('ok'), version: Type.String() });
const ReadySchema = Type.Object({
  status: Type.Literal('ready'),
  model: Type.String(),
  workers: Type.Integer(),
  queued: Type.Integer(),
  live_sessions: Type.Integer(),
});

/** `/healthz` (the process answers), `/readyz` (recognition works), `/metrics`. */
export async function operationRoutes(instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const readiness = new Readiness(app.recognizer, app.metrics);
  const { adminKey } = app.config.server;
  const tags = ['operation'];
  const quiet = { logLevel: 'warn' as const };

  app.get(
    '/healthz',
    {
      ...quiet,
      schema: {
        tags,
        summary: 'Whether the process answers',
        security: [],
        response: responses(StatusSchema),
      },
    },
    async () => ({ status: 'ok' as const, version: VERSION }),
  );

  app.get(
    '/readyz',
    {
      ...quiet,
      schema: {
        tags,
        summary: 'Whether recognition works, tried by a real inference (at most once a second)',
        security: [],
        response: responses(ReadySchema),
      },
    },
    async () => {
      await readiness.check();
      const { workers, queued, liveStreams } = app.recognizer.stats();
      return {
        status: 'ready' as const,
        model: app.recognizer.defaultModel,
        workers,
        queued,
        live_sessions: liveStreams,
      };
    },
  );

  app.get(
    '/metrics',
    {
      ...quiet,
      schema: {
        tags,
        summary: 'Metrics for Prometheus',
        security: adminKey === undefined ? [] : [{ key: [] }],
        response: { 200: { description: 'Metrics.', content: { 'text/plain': { schema: Type.String() } } } },
      },
      onRequest: requireKey(new KeyRing(adminKey === undefined ? [] : [adminKey])),
    },
    async (_request, reply) => {
      // A scrape is a heartbeat: malgwi_ready stays fresh without anybody asking /readyz. Not awaited, so that a dead
      // recogniser cannot take its metrics with it.
      readiness.check().catch(() => undefined);
      void reply.type(app.metrics.contentType);
      return app.metrics.expose();
    },
  );
}
