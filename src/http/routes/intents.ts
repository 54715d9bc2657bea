import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { dialogueTurn, parseIntent } from '../../intents/index.js';
import type { DialogueState, DialogueTurn, IntentResult, ParseOptions } from '../../intents/index.js';
import { MalgwiError } from '../../errors.js';
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
      if (context?.pending !== undefined && context.dialogue !== undefined) {
        throw new MalgwiError('invalid_field', {
          detail:
            'context has either pending or dialogue: the state of a conversation holds its pending command.',
          param: 'context',
        });
      }
      const started = performance.now();
      const answer =
        context?.dialogue === undefined
          ? parseIntent(text, options)
          : converse(context.dialogue as Partial<DialogueState>, text, options);
      app.metrics.intentResolved(answer.intent, (performance.now() - started) / 1000, 'http');
      return answer as never;
    },
  );
}

/** One turn; the clock is the service's, so that the state may come from any client. */
function converse(
  state: Partial<DialogueState>,
  text: string,
  options: ParseOptions,
): IntentResult & { dialogue: Omit<DialogueTurn, 'result'> } {
  const now = Date.now();
  // A clock that was set back must not keep a command pending for ever.
  const at = Math.min(state.at ?? now, now);
  const { result, ...dialogue } = dialogueTurn({ ...state, at }, text, { ...options, now });
  return { ...result, dialogue };
}

/** verbose_json of some services carries words with a leading space. */
function withoutPadding<W extends { word: string }>(word: W): W {
  return { ...word, word: word.word.trim() };
}
