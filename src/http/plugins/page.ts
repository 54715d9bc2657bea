import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** The built page: three levels above both src/http/plugins and dist/http/plugins, then dist/web. */
const PAGE = fileURLToPath(new URL('../../../dist/web', import.meta.url));

/** Serves the page at `/` and that of jobs at `/jobs`. Without a build of it the API works alone. */
export const pagePlugin = fp(
  async (app: FastifyInstance) => {
    if (!existsSync(PAGE)) {
      app.log.warn('the page was not built (npm run build): / answers not_found');
      return;
    }
    await app.register(fastifyStatic, {
      root: PAGE,
      prefix: '/',
      // Listed once at start: an address is looked up among routes, never on the disk.
      wildcard: false,
      index: ['index.html'],
      dotfiles: 'ignore',
      cacheControl: true,
      maxAge: '5m',
    });
    app.get('/jobs', { schema: { hide: true } }, async (_request, reply) => reply.sendFile('jobs.html'));
  },
  { name: 'malgwi-page' },
);
