import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { MalgwiError } from '../../errors.js';
import { JOB_STATES, TERMINAL_STATES } from '../../jobs/contract.js';
import type { Job, JobState } from '../../jobs/contract.js';
import { viewJob, viewOutlook } from '../../jobs/view.js';
import { invalid, number } from '../forms/values.js';
import { ErrorSchema, responses } from '../schemas/common.js';
import {
  JobFormSchema,
  JobJsonSchema,
  JobListQuerySchema,
  JobListSchema,
  JobParamsSchema,
  JobSchema,
} from '../schemas/jobs.js';
import { JobAccess } from './access.js';
import { jobContentRoutes } from './content.js';
import { Estimator } from './estimate.js';
import { sourceKey } from './source.js';
import { Submissions } from './submit.js';
import { uploadRoutes } from './uploads.js';

const PAGE = 50;
const MAX_PAGE = 200;
const tags = ['jobs'];

/** `/v1/jobs`: transcriptions that are done when there is time, and survive whatever happens to the service. */
export async function jobRoutes(instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { jobs, storage } = app;
  const access = new JobAccess(instance);
  const submissions = new Submissions(instance);
  const estimator = new Estimator(jobs);
  app.addHook('onRequest', async (request) => void access.caller(request));

  const view = async (job: Job) => {
    const waiting = job.state === 'queued' ? await jobs.waiting(job.id) : undefined;
    const open = waiting !== undefined || job.state === 'active';
    const finish = open ? await estimator.finish(job, waiting?.ahead ?? 0) : undefined;
    return { ...viewJob(job), ...viewOutlook(waiting, finish) };
  };

  app.post(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'Takes a file, a URL or a complete upload to be transcribed later',
        description:
          'A form with the file, or JSON with `url` or `upload`. `Idempotency-Key` makes it safe to send again.',
        headers: Type.Object({ 'idempotency-key': Type.Optional(Type.String()) }),
        body: { content: { 'application/json': { schema: JobJsonSchema } } },
        response: { 202: JobSchema, '4xx': ErrorSchema, '5xx': ErrorSchema },
      },
      config: { multipartBody: JobFormSchema },
    },
    async (request, reply) => {
      const caller = access.caller(request);
      const job = request.isMultipart()
        ? await submissions.fromForm(request, reply, caller)
        : await submissions.fromJson(request, caller);
      const answer = await view(job);
      return reply.code(202).header('location', answer.links.self).send(answer);
    },
  );

  app.get(
    '/jobs',
    {
      schema: {
        tags,
        summary: 'Lists jobs, newest first',
        querystring: JobListQuerySchema,
        response: responses(JobListSchema),
      },
    },
    async (request) => {
      const { owner, admin } = access.caller(request);
      const { cursor, limit = String(PAGE), state } = request.query;
      const page = await jobs.list({
        ...(state === undefined ? {} : { states: statesOf(state) }),
        ...(admin ? {} : { owner }),
        ...(cursor === undefined ? {} : { cursor }),
        limit: number('limit', limit, [1, MAX_PAGE]),
      });
      return {
        object: 'list' as const,
        data: page.jobs.map((job) => viewJob(job)),
        ...(page.cursor === undefined ? {} : { next_cursor: page.cursor }),
      };
    },
  );

  const one = { tags, params: JobParamsSchema, response: responses(JobSchema) };

  app.get('/jobs/:job', { schema: { ...one, summary: 'How a job stands' } }, async (request) =>
    view(await access.job(request, request.params.job)),
  );

  app.post(
    '/jobs/:job/retry',
    { schema: { ...one, summary: 'Tries a failed or cancelled job once more, from where it stopped' } },
    async (request) => {
      const job = await access.job(request, request.params.job);
      const gone =
        job.spec.source.type === 'object' && (await storage.head(job.spec.source.key)) === undefined;
      if (gone) throw new MalgwiError('object_not_found');
      return view(await jobs.retry(job.id));
    },
  );

  app.delete(
    '/jobs/:job',
    {
      schema: {
        ...one,
        summary: 'Cancels a job that has not ended; forgets one that has, with its audio and result',
        querystring: Type.Object(
          {
            forget: Type.Optional(
              Type.Union([Type.Literal('true'), Type.Literal('false')], {
                description: '`true`: both at once.',
              }),
            ),
          },
          { additionalProperties: false },
        ),
      },
    },
    async (request) => {
      const job = await access.job(request, request.params.job);
      const ended = TERMINAL_STATES.includes(job.state);
      const cancelled = ended ? job : await jobs.cancel(job.id);
      if (!ended && request.query.forget !== 'true') return view(cancelled);
      // Files first: if this is cut off between the two, the job is still there to be deleted again.
      await storage.remove(sourceKey(cancelled));
      if (cancelled.resultKey !== undefined) await storage.remove(cancelled.resultKey);
      await jobs.remove(job.id);
      return viewJob(cancelled);
    },
  );

  await app.register(jobContentRoutes, { access });
  await app.register(uploadRoutes, { access });
}

/** @throws MalgwiError invalid_field */
function statesOf(text: string): JobState[] {
  return text.split(',').map((item) => {
    const state = item.trim() as JobState;
    if (JOB_STATES.includes(state)) return state;
    throw invalid('state', `state must be of ${JOB_STATES.join(', ')}.`);
  });
}
