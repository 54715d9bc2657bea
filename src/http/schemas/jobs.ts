import Type from 'typebox';
import { ERRORS } from '../../errors.js';
import { JOB_PRIORITIES, JOB_STATES, OUTPUT_FORMATS } from '../../jobs/contract.js';
import { MAX_NAME } from '../jobs/fields.js';
import { MAX_URL } from '../../net/url.js';
import { oneOf } from './common.js';
import { TranscriptionBodySchema } from './transcriptions.js';

const Time = Type.String({ description: 'ISO 8601.' });
const Seconds = Type.Number({ description: 'Seconds of audio.' });
const { file, model, language, prompt, temperature, beam_width, alternatives, lm_alpha, lm_beta } =
  TranscriptionBodySchema.properties;
const { chunking_strategy } = TranscriptionBodySchema.properties;
const Languages = TranscriptionBodySchema.properties['languages[]'];
const Keywords = TranscriptionBodySchema.properties['keywords[]'];

const Priority = oneOf(JOB_PRIORITIES, {
  default: 'normal',
  description: 'Jobs of a higher priority are taken first; within one, jobs share the workers in turn.',
});
const Webhook = Type.String({
  default: '',
  maxLength: MAX_URL,
  description: 'Told of the end of the job, by a signed POST request.',
});
const JobName = Type.String({
  default: '',
  maxLength: 4 * MAX_NAME,
  description: "What to call it; the file's name without it.",
});
const Outputs = Type.Array(oneOf(OUTPUT_FORMATS), {
  default: ['json'],
  maxItems: 16,
  description: 'Formats of the result.',
});

/** The form, for the API description; `src/http/jobs/fields.ts` reads and checks it. */
export const JobFormSchema = Type.Object({
  file,
  model,
  language,
  'languages[]': Languages,
  prompt,
  temperature,
  'keywords[]': Keywords,
  beam_width,
  alternatives,
  lm_alpha,
  lm_beta,
  chunking_strategy,
  'outputs[]': Type.Optional(Outputs),
  priority: Type.Optional(Priority),
  webhook: Type.Optional(Webhook),
  name: Type.Optional(JobName),
});

const NumberOrText = Type.Union([Type.Number(), Type.String({ maxLength: 32 })]);
const Words = Type.Array(Type.String({ maxLength: 1000 }), { maxItems: 1000 });

/** The same as JSON, with where the audio is in place of the file. */
export const JobJsonSchema = Type.Object(
  {
    url: Type.Optional(
      Type.String({ maxLength: MAX_URL, description: 'Fetched when the job is begun; http or https.' }),
    ),
    upload: Type.Optional(
      Type.String({ maxLength: 512, description: 'Id, or address, of a complete resumable upload.' }),
    ),
    model: Type.Optional(Type.String({ maxLength: 200 })),
    language: Type.Optional(Type.String({ maxLength: 64 })),
    languages: Type.Optional(Words),
    prompt: Type.Optional(Type.String()),
    temperature: Type.Optional(NumberOrText),
    keywords: Type.Optional(Words),
    beam_width: Type.Optional(NumberOrText),
    alternatives: Type.Optional(NumberOrText),
    lm_alpha: Type.Optional(NumberOrText),
    lm_beta: Type.Optional(NumberOrText),
    chunking_strategy: Type.Optional(
      Type.Union([Type.String({ maxLength: 1000 }), Type.Object({}, { additionalProperties: true })]),
    ),
    outputs: Type.Optional(Outputs),
    priority: Type.Optional(Priority),
    webhook: Type.Optional(Webhook),
    name: Type.Optional(JobName),
  },
  { additionalProperties: false },
);

const ErrorObject = Type.Object({
  message: Type.String(),
  type: Type.String(),
  param: Type.Union([Type.String(), Type.Null()]),
  code: oneOf(Object.keys(ERRORS)),
});

export const JobSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal('job'),
  state: oneOf(JOB_STATES),
  name: Type.Optional(Type.String()),
  model: Type.String(),
  outputs: Type.Array(oneOf(OUTPUT_FORMATS)),
  priority: oneOf(JOB_PRIORITIES),
  source: Type.Object({
    type: oneOf(['upload', 'url']),
    bytes: Type.Optional(Type.Integer()),
    url: Type.Optional(Type.String()),
  }),
  created_at: Time,
  started_at: Type.Optional(Time),
  finished_at: Type.Optional(Time),
  attempts: Type.Integer(),
  progress: Type.Object({ done_seconds: Seconds, total_seconds: Type.Optional(Seconds) }),
  error: Type.Optional(ErrorObject),
  webhook: Type.Optional(
    Type.Object({
      url: Type.String(),
      state: Type.Optional(oneOf(['pending', 'delivered', 'failed'])),
      attempts: Type.Optional(Type.Integer()),
      last_outcome: Type.Optional(Type.String()),
    }),
  ),
  position: Type.Optional(Type.Integer({ description: 'In the queue, from 1.' })),
  estimated_finish_at: Type.Optional(Time),
  links: Type.Object({
    self: Type.String(),
    events: Type.String(),
    audio: Type.String(),
    results: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
});

export const JobListSchema = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(JobSchema),
  next_cursor: Type.Optional(Type.String({ description: '`cursor` of the next page.' })),
});

export const JobParamsSchema = Type.Object({ job: Type.String({ maxLength: 200 }) });

export const JobListQuerySchema = Type.Object(
  {
    state: Type.Optional(
      Type.String({ maxLength: 200, description: 'Of these states only, separated by commas.' }),
    ),
    limit: Type.Optional(
      Type.String({ pattern: '^\\d{1,4}$', description: 'Of a page; 1 to 200, 50 without it.' }),
    ),
    cursor: Type.Optional(Type.String({ maxLength: 512, description: '`next_cursor` of the page before.' })),
  },
  { additionalProperties: false },
);

export const JobResultQuerySchema = Type.Object(
  {
    format: Type.Optional(
      oneOf(OUTPUT_FORMATS, { description: 'The first of `outputs` of the job without it.' }),
    ),
  },
  { additionalProperties: false },
);
