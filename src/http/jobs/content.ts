import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { MalgwiError } from '../../errors.js';
import { invalid } from '../forms/values.js';
import { ErrorSchema } from '../schemas/common.js';
import { JobParamsSchema, JobResultQuerySchema } from '../schemas/jobs.js';
import type { JobAccess } from './access.js';
import { audioOf } from './audio.js';
import { streamEvents } from './events.js';
import { resultOf } from './result.js';

const EVENT_ID = /^[\x21-\x7e]{1,128}$/;
const tags = ['jobs'];
const text = { schema: Type.String() };
const errors = { '4xx': ErrorSchema, '5xx': ErrorSchema };

/** What belongs to a job and is not JSON: its result, its audio, its events. */
export async function jobContentRoutes(
  instance: FastifyInstance,
  { access }: { readonly access: JobAccess },
): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { maxEventStreams } = app.config.jobs;
  let listening = 0;

  app.get(
    '/jobs/:job/result',
    {
      schema: {
        tags,
        summary: 'The transcript of a completed job',
        params: JobParamsSchema,
        querystring: JobResultQuerySchema,
        response: {
          200: {
            description: 'json is as verbose_json of a transcription, with words.',
            content: {
              'application/json': { schema: Type.Object({}, { additionalProperties: true }) },
              'text/plain': text,
              'application/x-subrip': text,
              'text/vtt': text,
            },
          },
          ...errors,
        },
      },
      serializerCompiler: () => (data) => JSON.stringify(data),
    },
    async (request, reply) => {
      const job = await access.job(request, request.params.job);
      const format = (request.query.format ?? job.spec.outputs[0]) as (typeof job.spec.outputs)[number];
      const { body, disposition, type } = await resultOf(instance, job, format);
      void reply.header('content-disposition', disposition).header('cache-control', 'private, no-store');
      return reply.type(type).send(body as never);
    },
  );

  app.route({
    method: ['GET', 'HEAD'],
    url: '/jobs/:job/audio',
    // The framework's own HEAD would read the file to learn its length.
    exposeHeadRoute: false,
    schema: {
      tags,
      summary: 'The audio of a job; takes Range',
      params: JobParamsSchema,
      response: {
        200: { description: 'The file as it was given.', content: { 'audio/*': text } },
        206: { description: 'A range of it.', content: { 'audio/*': text } },
        ...errors,
      },
    },
    handler: async (request, reply) => {
      const job = await access.job(request, request.params.job);
      const { body, headers, status } = await audioOf(app.storage, job, {
        range: request.headers.range,
        head: request.method === 'HEAD',
      });
      void reply.code(status).headers(headers);
      return reply.send((body ?? null) as never);
    },
  });

  app.get(
    '/jobs/:job/events',
    {
      schema: {
        tags,
        summary: 'What happens to a job, as server-sent events; goes on behind Last-Event-ID',
        params: JobParamsSchema,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
        response: {
          200: { description: 'Events, until the job ends.', content: { 'text/event-stream': text } },
          ...errors,
        },
      },
    },
    async (request, reply) => {
      const job = await access.job(request, request.params.job);
      const after = request.headers['last-event-id'];
      if (after !== undefined && !EVENT_ID.test(after))
        throw invalid('Last-Event-ID', 'Last-Event-ID is not one of an event.');
      if (listening >= maxEventStreams) throw new MalgwiError('queue_full', { retryAfter: 5 });
      listening += 1;
      const controller = new AbortController();
      const signal = AbortSignal.any([controller.signal, app.closing]);
      const stream = streamEvents(
        app.jobs.events(job.id, { signal, ...(after === undefined ? {} : { after }) }),
        () => {
          listening -= 1;
          controller.abort();
        },
      );
      reply.raw.once('close', () => stream.destroy());
      void reply.header('cache-control', 'no-cache, no-transform').header('x-accel-buffering', 'no');
      return reply.type('text/event-stream; charset=utf-8').send(stream as never);
    },
  );
}
