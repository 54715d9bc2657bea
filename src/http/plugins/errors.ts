import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import fp from 'fastify-plugin';
import { MalgwiError, toOpenAiError } from '../../errors.js';
import { isRejectReason } from '../../metrics/index.js';
import { retryAfterOf, toMalgwiError } from '../errors.js';

/** Answers one error: OpenAI's shape, Retry-After where it helps, details of the inside only in the log. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = withExpectedType(toMalgwiError(error), request);
  const { status } = known.entry;
  request.server.metrics.errorAnswered(known.code, 'http');
  if (isRejectReason(known.code)) request.server.metrics.admissionRejected(known.code);
  if (status >= 500) request.log.error({ err: known, code: known.code }, 'request failed');
  else request.log.info({ code: known.code }, 'request refused');
  // Addresses that cannot be decoded never reach the hook that sets it.
  void reply.header('x-request-id', request.id);
  const wait = retryAfterOf(known);
  if (wait !== undefined) void reply.header('retry-after', String(wait));
  if (known.code === 'invalid_api_key') void reply.header('www-authenticate', 'Bearer');
  return reply.code(status).type('application/json; charset=utf-8').send(toOpenAiError(known));
}

/** The framework refuses a content type before the route is asked; only the route knows which one it takes. */
function withExpectedType(error: MalgwiError, request: FastifyRequest): MalgwiError {
  if (error.code !== 'unsupported_media_type') return error;
  const { config, schema } = request.routeOptions;
  const expected = [
    ...(config.multipartBody === undefined ? [] : ['multipart/form-data']),
    ...(config.multipartBody === undefined || schema?.body !== undefined ? ['application/json'] : []),
  ].join(' or ');
  return new MalgwiError(error.code, { detail: `The body must be ${expected}.`, cause: error.cause });
}

/** Which methods an address has, for 405 instead of 404. */
class MethodTable {
  readonly #routes: { readonly pattern: RegExp; readonly methods: Set<string> }[] = [];

  add(url: string, methods: readonly string[]): void {
    if (url.includes('*')) return;
    const source = url
      .split('/')
      .map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
      .join('/');
    const pattern = new RegExp(`^${source}/?$`);
    const known = this.#routes.find((route) => route.pattern.source === pattern.source);
    if (known === undefined) this.#routes.push({ pattern, methods: new Set(methods) });
    else for (const method of methods) known.methods.add(method);
  }

  allowed(path: string): string[] {
    return this.#routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods]);
  }
}

/** The one error handler and the one not-found handler. */
export const errorsPlugin = fp(
  async (app: FastifyInstance) => {
    const methods = new MethodTable();
    app.addHook('onRoute', (route) => methods.add(route.url, [route.method].flat()));
    app.setErrorHandler(answerError);
    app.setNotFoundHandler((request, reply) => {
      const allowed = methods.allowed(request.url.split('?', 1)[0]);
      if (allowed.length === 0) return answerError(new MalgwiError('not_found'), request, reply);
      void reply.header('allow', [...new Set(allowed)].join(', '));
      return answerError(new MalgwiError('method_not_allowed'), request, reply);
    });
  },
  { name: 'malgwi-errors' },
);
