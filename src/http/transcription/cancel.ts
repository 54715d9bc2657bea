import type { FastifyReply } from 'fastify';
import { MalgwiError } from '../../errors.js';

export interface Cancellation {
  /** Aborted with a MalgwiError: cancelled, timeout or shutting_down. */
  readonly signal: AbortSignal;
  dispose(): void;
}

/**
 * One signal for everything that ends a request early: its client left, its time is over, the service closes.
 * (Fastify's `request.signal` aborts as soon as the body is read, which is when the work begins.)
 */
export function cancellationOf(reply: FastifyReply, timeoutMs: number, closing: AbortSignal): Cancellation {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new MalgwiError('timeout')), timeoutMs);
  timer.unref();
  const onClose = (): void => {
    if (!reply.raw.writableFinished) controller.abort(new MalgwiError('cancelled'));
  };
  const onClosing = (): void => controller.abort(new MalgwiError('shutting_down'));
  reply.raw.on('close', onClose);
  if (closing.aborted) onClosing();
  else closing.addEventListener('abort', onClosing, { once: true });
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      reply.raw.off('close', onClose);
      closing.removeEventListener('abort', onClosing);
    },
  };
}
