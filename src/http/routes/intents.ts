import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { parseIntent } from '../../intents/index.js';
import type { IntentResult, ParseOptions } from '../../intents/index.js';
import { responses } from '../schemas/common.js';
import { IntentRequestSchema, IntentResultSchema } from '../schemas/intents.js';

/** `POST /v1/intents`: what a transcript asks for. The venue of the request wins over the configured one. */
export async function intentRoutes(instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  app.post(
    '/intents',
    {
      schema: {
        tags: ['intents'],
        summary: 'Resolves what a sentence asks for: the seat intent and its slots',
        body: IntentRequestSchema,
        response: responses(IntentResultSchema),
      },
    },
    async (request) => {
      const {
        text,
        context,
        venue = app.config.venue,
        reject_below: rejectBelow,
        alternatives,
        words,
      } = request.body;
      const options: ParseOptions = {
        ...(venue === undefined ? {} : { venue }),
        ...(context?.pending === undefined ? {} : { pending: context.pending }),
        ...(alternatives === undefined ? {} : { alternatives }),
        ...(words === undefined ? {} : { words: words.map(withoutPadding) }),
        ...(rejectBelow === undefined ? {} : { rejectBelow }),
      } as ParseOptions;
      const started = performance.now();
      const result: IntentResult = parseIntent(text, options);
      app.metrics.intentResolved(result.intent, (performance.now() - started) / 1000, 'http');
      return result as never;
    },
  );
}

/** verbose_json of some services carries words with a leading space. */
function withoutPadding<W extends { word: string }>(word: W): W {
  return { ...word, word: word.word.trim() };
}
