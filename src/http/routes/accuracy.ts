import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { MalgwiError } from '../../errors.js';
import { NORMALIZER_VERSION, scoreCharacters, scoreWords } from '../../korean/scoring.js';
import type { EditCounts } from '../../korean/scoring.js';
import { FEEDBACK_SET } from '../../metrics/index.js';
import { KeyRing, requireKey } from '../auth.js';
import { MAX_SCORED_CHARACTERS } from '../hypotheses.js';
import { resolveModel } from '../models.js';
import { responses } from '../schemas/common.js';

/** Evaluation sets are a label of metrics: a handful is a choice, hundreds are a mistake. */
const MAX_SETS = 64;
/** More than any corpus has. */
const Count = Type.Integer({ minimum: 0, maximum: 1e9 });

const CountsSchema = Type.Object({
  substitutions: Type.Integer(),
  deletions: Type.Integer(),
  insertions: Type.Integer(),
  reference_length: Type.Integer(),
});

const FeedbackSchema = Type.Object(
  {
    request_id: Type.String({ minLength: 1, maxLength: 100, description: 'x-request-id of the answer.' }),
    reference: Type.String({ maxLength: MAX_SCORED_CHARACTERS, description: 'What was really said.' }),
  },
  { additionalProperties: false },
);

const ScoreSchema = Type.Object({
  request_id: Type.String(),
  model: Type.String(),
  normalizer: Type.String(),
  characters: CountsSchema,
  words: CountsSchema,
  counted: Type.Boolean({ description: 'False when this request was scored before: it counts once.' }),
});

const EvaluationSchema = Type.Object(
  {
    model: Type.String({ minLength: 1, maxLength: 100 }),
    set: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$',
      description: 'Name of the evaluation set.',
    }),
    normalizer: Type.String({ maxLength: 100 }),
    characterEdits: Count,
    referenceCharacters: Count,
    wordEdits: Count,
    referenceWords: Count,
    utterances: Count,
  },
  { additionalProperties: false },
);

const edits = (counts: EditCounts): number => counts.substitutions + counts.deletions + counts.insertions;
const shown = (counts: EditCounts) => ({
  substitutions: counts.substitutions,
  deletions: counts.deletions,
  insertions: counts.insertions,
  reference_length: counts.referenceLength,
});

/** `POST /v1/feedback`: references posted later by those who know what was said. */
export async function feedbackRoutes(instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  app.post(
    '/feedback',
    {
      schema: {
        tags: ['accuracy'],
        summary: 'Scores a recent answer against what was really said',
        body: FeedbackSchema,
        response: responses(ScoreSchema),
      },
    },
    async (request) => {
      const { request_id: requestId, reference } = request.body;
      const hypothesis = app.hypotheses.find(requestId);
      if (hypothesis === undefined) throw new MalgwiError('request_not_found', { param: 'request_id' });
      const characters = scoreCharacters(reference, hypothesis.text, { spaces: false });
      const words = scoreWords(reference, hypothesis.text);
      const counted = !hypothesis.scored;
      hypothesis.scored = true;
      if (counted) {
        app.metrics.addAccuracy(
          { model: hypothesis.model, set: FEEDBACK_SET },
          {
            characterEdits: edits(characters),
            referenceCharacters: characters.referenceLength,
            wordEdits: edits(words),
            referenceWords: words.referenceLength,
            utterances: 1,
          },
        );
      }
      return {
        request_id: requestId,
        model: hypothesis.model,
        normalizer: NORMALIZER_VERSION,
        characters: shown(characters),
        words: shown(words),
        counted,
      };
    },
  );
}

/** `POST /v1/evaluations`: takes the administrator's key where one is configured, an API key otherwise. */
export async function evaluationRoutes(instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const { adminKey } = app.config.server;
  app.addHook('onRequest', requireKey(adminKey === undefined ? app.apiKeys : new KeyRing([adminKey])));
  const sets = new Set<string>();
  const evaluations = {
    schema: {
      tags: ['accuracy'],
      summary: 'Adds the counts of an evaluation (npm run evaluate -- --push)',
      body: EvaluationSchema,
      ...(adminKey === undefined ? {} : { security: [{ key: [] }] }),
      response: responses(Type.Object({ accepted: Type.Literal(true) })),
    },
  };
  app.post('/evaluations', evaluations, async (request) => {
    const { model, set, normalizer, ...counts } = request.body;
    const { name } = resolveModel(instance, model);
    if (normalizer !== NORMALIZER_VERSION) {
      throw new MalgwiError('invalid_field', {
        detail: `Counts of this service are made by ${NORMALIZER_VERSION}; those of another normaliser cannot be added to them.`,
        param: 'normalizer',
      });
    }
    if (set === FEEDBACK_SET || (!sets.has(set) && sets.size >= MAX_SETS)) {
      const detail =
        set === FEEDBACK_SET
          ? 'This name is taken by POST /v1/feedback.'
          : 'There are too many evaluation sets.';
      throw new MalgwiError('invalid_field', { detail, param: 'set' });
    }
    sets.add(set);
    app.metrics.addAccuracy({ model: name, set }, counts);
    return { accepted: true as const };
  });
}
