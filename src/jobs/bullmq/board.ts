/**
 * Bull Board: BullMQ's queues to look at. Read-only, because its buttons know nothing of the records beside the queues; jobs
 * are cancelled and tried again through the API.
 */
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { FastifyAdapter } from '@bull-board/fastify';
import type { FastifyInstance } from 'fastify';
import type { Queue } from 'bullmq';

/** Its page has styles of its own in itself, a base address, and fonts of another host, which it does without. */
const POLICY =
  "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; " +
  "object-src 'none'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

/**
 * Registers the board at `path` of `app`.
 * @param app a scope of its own, with a hook that lets only administrators in
 */
export async function registerBoard(
  app: FastifyInstance,
  { queues, path }: { readonly queues: readonly Queue[]; readonly path: string },
): Promise<void> {
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(path);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, allowRetries: false })),
    serverAdapter,
    options: { uiConfig: { boardTitle: 'Malgwi', hideRedisDetails: true } },
  });
  app.addHook('onSend', async (_request, reply, payload) => {
    void reply.header('content-security-policy', POLICY);
    return payload;
  });
  await app.register(serverAdapter.registerPlugin(), { prefix: path });
}
