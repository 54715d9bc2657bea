/** The worker's side of the pool: answers calls one at a time, in the order they come. */
import { parentPort } from 'node:worker_threads';
import { MalgwiError, toPlainError } from '../errors.js';
import { Transferred, type CallReply, type CallRequest, type ReadyMessage } from './contract.js';

export type Handler = (payload: never) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;

/** Serves `handlers` on this thread's port. Call it once, after the set-up; it announces that the worker is ready. */
export function serveWorker(handlers: Handlers): void {
  const port = parentPort;
  if (port === null) throw new Error('serveWorker runs in a worker thread');
  let last = Promise.resolve();
  const answer = async (request: CallRequest): Promise<void> => {
    try {
      const handler = handlers[request.method];
      if (handler === undefined) throw new Error(`no handler for ${request.method}`);
      const result = await handler(request.payload as never);
      if (result instanceof Transferred) {
        port.postMessage({ id: request.id, ok: true, value: result.value } satisfies CallReply, [
          ...result.buffers,
        ]);
      } else {
        port.postMessage({ id: request.id, ok: true, value: result } satisfies CallReply);
      }
    } catch (error) {
      const reply: CallReply = {
        id: request.id,
        ok: false,
        error: toPlainError(error),
        ...(error instanceof MalgwiError || !(error instanceof Error) ? {} : { stack: error.stack }),
      };
      port.postMessage(reply);
    }
  };
  port.on('message', (request: CallRequest) => {
    last = last.then(() => answer(request));
  });
  port.postMessage({ ready: true } satisfies ReadyMessage);
}
