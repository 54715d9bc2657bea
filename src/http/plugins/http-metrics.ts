import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** Times every HTTP answer by its route (never by its address: that would be one series for each address tried). */
export const httpMetricsPlugin = fp(
  async (app: FastifyInstance) => {
    app.addHook('onResponse', async (request, reply) => {
      app.metrics.observeHttp(reply.elapsedTime / 1000, {
        route: request.is404 ? 'unmatched' : (request.routeOptions.url ?? 'unmatched'),
        method: request.method,
        status: reply.statusCode,
      });
    });
  },
  { name: 'malgwi-http-metrics' },
);
