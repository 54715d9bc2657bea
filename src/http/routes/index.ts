import type { FastifyInstance } from 'fastify';
import { requireKey } from '../auth.js';
import { jobRoutes } from '../jobs/routes.js';
import { evaluationRoutes, feedbackRoutes } from './accuracy.js';
import { intentRoutes } from './intents.js';
import { modelRoutes } from './models.js';
import { operationRoutes } from './operation.js';
import { transcriptionRoutes } from './transcriptions.js';

/** Every HTTP route: those of operation are open (or the administrator's), those under /v1 take an API key. */
export async function registerRoutes(app: FastifyInstance): Promise<void> {
  await app.register(operationRoutes);
  await app.register(
    async (api) => {
      api.addHook('onRequest', requireKey(app.apiKeys));
      await api.register(transcriptionRoutes);
      await api.register(modelRoutes);
      await api.register(intentRoutes);
      await api.register(feedbackRoutes);
    },
    { prefix: '/v1' },
  );
  await app.register(evaluationRoutes, { prefix: '/v1' });
  // The administrator's key sees everybody's jobs: these routes ask for keys themselves.
  if (app.hasDecorator('jobs')) await app.register(jobRoutes, { prefix: '/v1' });
}
