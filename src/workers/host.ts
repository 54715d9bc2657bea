/** The worker's side of the pool: answers what it is given, one batch at a time, in the order they come. */
import { parentPort } from 'node:worker_threads';
import { MalgwiError, toPlainError } from '../errors.js';
import {
  Transferred,
  type CallBatch,
  type CallReply,
  type CallRequest,
  type CancelRequest,
  type ReadyMessage,
} from './contract.js';

/**
 * `signal` is aborted when the caller cancels the call. A handler hears of it as soon as it awaits anything that lets
 * the event loop turn; what it answers then is not looked at.
 */
export type Handler = (payload: never, signal: AbortSignal) => unknown;
export type Handlers = Readonly<Record<string, Handler>>;

/** Serves `handlers` on this thread's port. Call it once, after the set-up; it announces that the worker is ready. */
export function serveWorker(handlers: Handlers): void {
  const port = parentPort;
  if (port === null) throw new Error('serveWorker runs in a worker thread');
  let last = Promise.resolve();
  /** Few, and no Map for the reason that CallQueue gives. */
  const running: { readonly id: number; readonly controller: AbortController }[] = [];
  const answer = async (request: CallRequest, signal: AbortSignal): Promise<void> => {
    try {
      const handler = handlers[request.method];
      if (handler === undefined) throw new Error(`no handler for ${request.method}`);
      const result = await handler(request.payload as never, signal);
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
  port.on('message', (message: CallBatch | CancelRequest) => {
    if ('cancel' in message) {
      running.find(({ id }) => id === message.cancel)?.controller.abort();
      return;
    }
    const batch = message.calls.map((request) => ({
      request,
      id: request.id,
      controller: new AbortController(),
    }));
    running.push(...batch);
    last = last.then(async () => {
      await Promise.all(
        batch.map(async (call) => {
          await answer(call.request, call.controller.signal);
          running.splice(running.indexOf(call), 1);
        }),
      );
    });
  });
  port.postMessage({ ready: true } satisfies ReadyMessage);
}
