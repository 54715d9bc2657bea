import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { MalgwiError, toOpenAiError } from '../../errors.js';
import type { BullmqQueue } from '../../jobs/bullmq/index.js';
import type { JobQueue } from '../../jobs/contract.js';
import { bearerToken, KeyRing } from '../auth.js';

export const BOARD_PATH = '/admin/queues';

/** The password of `Authorization: Basic`: what a browser asks for and sends. Any user name will do. */
function basicPassword(header: string | undefined): string | undefined {
  const encoded = /^Basic +([A-Za-z0-9+/=]{1,1024})$/i.exec(header?.trim() ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString();
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}

/**
 * Bull Board at {@link BOARD_PATH}, for administrators, where BullMQ keeps the jobs. Without an admin key there is none: it
 * shows names of files. Registered before the page, whose decorators it repeats in its own scope.
 */
export const boardPlugin = fp(
  async (app: FastifyInstance, { queue }: { readonly queue: JobQueue }) => {
    const { adminKey } = app.config.server;
    if (queue.adapter !== 'bullmq') return;
    if (adminKey === undefined) {
      app.log.info(`${BOARD_PATH} is off: it needs MALGWI_ADMIN_KEY`);
      return;
    }
    const keys = new KeyRing([adminKey]);
    const onlyAdministrators = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
      const { authorization } = request.headers;
      if (keys.accepts(bearerToken(authorization) ?? basicPassword(authorization))) return undefined;
      // Answered here: the board's own error handler knows neither this error nor its status.
      return reply
        .code(401)
        .header('www-authenticate', 'Basic realm="Malgwi", charset="UTF-8"')
        .send(toOpenAiError(new MalgwiError('invalid_api_key')));
    };
    // Loaded here: without Redis nobody needs it.
    const { registerBoard } = await import('../../jobs/bullmq/board.js');
    await app.register(async (scope) => {
      scope.addHook('onRequest', onlyAdministrators);
      await registerBoard(scope, { queues: (queue as BullmqQueue).boards, path: BOARD_PATH });
    });
  },
  { name: 'malgwi-board' },
);
