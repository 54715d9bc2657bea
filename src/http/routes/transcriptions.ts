import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { MalgwiError } from '../../errors.js';
import type { TranscribeOptions, Transcript } from '../../recognition/contract.js';
import { toMalgwiError } from '../errors.js';
import { receiveForm } from '../forms/receive.js';
import { resolveModel } from '../models.js';
import { withVenue } from '../venue-hot-words.js';
import { ErrorSchema } from '../schemas/common.js';
import { TranscriptionBodySchema, TranscriptionSchema } from '../schemas/transcriptions.js';
import { cancellationOf } from '../transcription/cancel.js';
import { TranscriptionEvents } from '../transcription/events.js';
import { checkName, readFields } from '../transcription/fields.js';
import type { TranscriptionRequest } from '../transcription/fields.js';
import { formatTranscript } from '../transcription/format.js';
import type { Answer } from '../transcription/format.js';

/** Larger uploads give way to smaller ones: a lecture must not hold up a sentence. */
const BATCH_BYTES = 8 * 2 ** 20;

/** What is answered by content type, for the API description. */
const ANSWERS = {
  'application/json': { schema: TranscriptionSchema },
  ...Object.fromEntries(
    ['text/plain', 'application/x-subrip', 'text/vtt', 'text/event-stream'].map((type) => [
      type,
      { schema: Type.String() },
    ]),
  ),
};

/** `POST /v1/audio/transcriptions`, as OpenAI's. */
export async function transcriptionRoutes(app: FastifyInstance): Promise<void> {
  app.post(
    '/audio/transcriptions',
    {
      schema: {
        tags: ['audio'],
        summary: 'Transcribes a file',
        description:
          'As OpenAI documents it. response_format text, srt and vtt answer with text; stream=true with server-sent events.',
        response: {
          200: { description: 'The transcript, in the format asked for.', content: ANSWERS },
          '4xx': ErrorSchema,
          '5xx': ErrorSchema,
        },
      },
      // The answers are built by hand in five formats; the schema above only describes the JSON ones.
      serializerCompiler: () => (data) => JSON.stringify(data),
      config: { multipartBody: TranscriptionBodySchema },
    },
    async (request, reply) => {
      // Capacity is taken before a byte of the file is read.
      const { queued, queueLimit } = app.recognizer.stats();
      if (queued >= queueLimit) throw new MalgwiError('queue_full', { retryAfter: 2 });
      const release = app.uploads.reserve();
      const cancellation = cancellationOf(reply, app.config.uploads.timeoutMs, app.closing);
      let answer: Answer | undefined;
      try {
        answer = await transcribeUpload(app, request, reply, cancellation.signal);
      } catch (error) {
        const { signal } = cancellation;
        throw signal.aborted ? (signal.reason as MalgwiError) : error;
      } finally {
        cancellation.dispose();
        release();
      }
      // Sent last: whoever has the answer may count on the place being free again.
      if (answer !== undefined) void reply.type(answer.type).send(answer.body);
      return reply;
    },
  );
}

/** @returns the answer, or nothing where it was streamed */
async function transcribeUpload(
  app: FastifyInstance,
  request: FastifyRequest,
  reply: FastifyReply,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const { fields, upload } = await receiveForm(request, {
    maxBytes: app.config.uploads.maxBytes,
    signal,
    check: checkName,
    save: (file) => app.uploads.save(file, signal),
  });
  try {
    const wanted = readFields(fields);
    const installed = resolveModel(app, wanted.model);
    const model = installed.name;
    const hotWords = withVenue(wanted.hotWords, app.config.venue, installed);
    const started = performance.now();
    const options = {
      model,
      maxSeconds: app.config.uploads.maxSeconds,
      priority: upload.bytes > BATCH_BYTES ? ('batch' as const) : ('interactive' as const),
      signal,
      ...(wanted.endpoint === undefined ? {} : { endpoint: wanted.endpoint }),
      ...(hotWords.length === 0 ? {} : { hotWords }),
      ...wanted.search,
    };
    const finish = (transcript: Transcript): Transcript => {
      record(app, transcript, (performance.now() - started) / 1000);
      app.hypotheses.remember(request.id, { model, text: transcript.text });
      if (!reply.sent)
        void reply.header('openai-processing-ms', String(Math.round(performance.now() - started)));
      return transcript;
    };
    if (wanted.stream) {
      await streamTranscript(app, reply, upload.path, options, wanted, finish);
      return undefined;
    }
    const transcript = finish(await transcribeFile(app, upload.path, options));
    return formatTranscript(transcript, wanted);
  } finally {
    await upload.remove();
  }
}

/** What the recogniser says about the audio is about the field `file`: it is called without knowing of forms. */
async function transcribeFile(
  app: FastifyInstance,
  path: string,
  options: TranscribeOptions,
): Promise<Transcript> {
  try {
    return await app.recognizer.transcribeFile(path, options);
  } catch (error) {
    if (!(error instanceof MalgwiError) || error.param !== undefined || !error.code.startsWith('audio_'))
      throw error;
    throw new MalgwiError(error.code, { detail: error.message, param: 'file', cause: error.cause });
  }
}

/**
 * Nothing is sent before the first segment, so that audio nobody can decode is answered with a status and not with an
 * event; from then on errors are events.
 */
async function streamTranscript(
  app: FastifyInstance,
  reply: FastifyReply,
  path: string,
  options: TranscribeOptions,
  wanted: TranscriptionRequest,
  finish: (transcript: Transcript) => Transcript,
): Promise<void> {
  const events = new TranscriptionEvents(wanted.logprobs);
  let sent = false;
  const start = (): void => {
    if (sent) return;
    sent = true;
    void reply.header('cache-control', 'no-cache, no-transform').header('x-accel-buffering', 'no');
    void reply.type('text/event-stream; charset=utf-8').send(events.stream);
  };
  try {
    const transcript = await transcribeFile(app, path, {
      ...options,
      onSegment: (segment) => {
        start();
        events.segment(segment);
      },
    });
    finish(transcript);
    start();
    events.done(transcript);
  } catch (error) {
    if (!sent) {
      events.close();
      throw error;
    }
    const known = toMalgwiError(options.signal?.aborted === true ? options.signal.reason : error);
    app.metrics.errorAnswered(known.code, 'http');
    reply.log[known.entry.status >= 500 ? 'error' : 'info'](
      { err: known },
      'transcription failed while streaming',
    );
    events.fail(known);
  }
}

function record(app: FastifyInstance, transcript: Transcript, elapsedSeconds: number): void {
  const { metrics } = app;
  const { model, duration, processingSeconds, stages } = transcript;
  metrics.audioReceived(duration, { model, kind: 'batch' });
  metrics.audioProcessed(duration, { model, kind: 'batch' });
  metrics.observeTranscription(elapsedSeconds, model);
  metrics.observeStages(stages, 'batch');
  if (duration > 0) metrics.observeRealTimeFactor(processingSeconds / duration, { model, kind: 'batch' });
}
