import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';
import type { Socket } from 'node:net';
import { MalgwiError } from '../../errors.js';

/** Time that requests at work have to end when the service closes; then they are cancelled with shutting_down. */
export const DRAIN_MS = 10_000;
/** Connections that are still open so much later are cut. */
const CUT_MS = 2000;
const SWEEP_MS = 100;

/**
 * Graceful closing: requests at work end, new ones are refused, and connections that nobody uses do not hold the
 * process. Node closes idle connections once; those that become idle later, and those that never sent a request, would
 * keep it waiting for their time-outs of a minute.
 */
export const drainPlugin = fp(
  async (app: FastifyInstance, options: { readonly closing: AbortController }) => {
    const fresh = new Set<Socket>();
    app.server.on('connection', (socket: Socket) => {
      fresh.add(socket);
      socket.once('close', () => fresh.delete(socket));
    });
    app.server.on('request', ({ socket }: { socket: Socket }) => fresh.delete(socket));
    app.server.on('upgrade', ({ socket }: { socket: Socket }) => fresh.delete(socket));

    const stop: (() => void)[] = [];
    let draining = false;
    app.addHook('preClose', async () => {
      draining = true;
      const sweep = setInterval(() => {
        app.server.closeIdleConnections();
        for (const socket of fresh) socket.destroy();
      }, SWEEP_MS);
      const cancel = setTimeout(() => options.closing.abort(new MalgwiError('shutting_down')), DRAIN_MS);
      const cut = setTimeout(() => app.server.closeAllConnections(), DRAIN_MS + CUT_MS);
      stop.push(() => {
        clearInterval(sweep);
        clearTimeout(cancel);
        clearTimeout(cut);
      });
    });
    app.addHook('onClose', async () => stop.forEach((end) => end()));
    app.addHook('onRequest', async () => {
      // A connection that was kept alive may still bring requests while those at work end.
      if (draining) throw new MalgwiError('shutting_down', { retryAfter: 5 });
    });
    app.addHook('onSend', async (_request, reply) => {
      if (draining) void reply.header('connection', 'close');
    });
  },
  { name: 'malgwi-drain' },
);
