import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import type { InstalledModel } from '../../recognition/contract.js';
import { resolveModel } from '../models.js';
import { responses } from '../schemas/common.js';

const ModelSchema = Type.Object({
  id: Type.String(),
  object: Type.Literal('model'),
  created: Type.Integer({ description: 'Always 0: packages carry versions, not dates.' }),
  owned_by: Type.String(),
  version: Type.String(),
  description: Type.String(),
  language: Type.String(),
  family: Type.String(),
  architecture: Type.String(),
  parameters: Type.Integer(),
  license: Type.String(),
  default: Type.Boolean(),
  bytes: Type.Integer({ description: 'On disk.' }),
  aliases: Type.Array(Type.String()),
  metrics: Type.Array(
    Type.Object({
      set: Type.String(),
      cer_no_spaces: Type.Number({ description: 'A ratio: edits / reference_characters.' }),
      edits: Type.Integer(),
      reference_characters: Type.Integer(),
      utterances: Type.Integer(),
      normalizer: Type.String(),
      decoding: Type.String(),
      condition: Type.Optional(
        Type.String({ description: 'Noise, telephone ...; absent for recordings as they are.' }),
      ),
    }),
  ),
});

const ListSchema = Type.Object({ object: Type.Literal('list'), data: Type.Array(ModelSchema) });
const ParamsSchema = Type.Object({ model: Type.String({ minLength: 1, maxLength: 200 }) });

/** `GET /v1/models` and `GET /v1/models/:model`, in OpenAI's shape with more fields. */
export async function modelRoutes(instance: FastifyInstance): Promise<void> {
  const app = instance.withTypeProvider<TypeBoxTypeProvider>();
  const describe = (model: InstalledModel) => ({
    id: model.name,
    object: 'model' as const,
    created: 0,
    owned_by: 'malgwi',
    version: model.version,
    description: model.description,
    language: model.language,
    family: model.family,
    architecture: model.architecture,
    parameters: model.parameters,
    license: model.license,
    default: model.isDefault,
    bytes: model.bytes,
    aliases: Object.entries(app.config.models.aliases)
      .filter(([, target]) => target === model.name || (target === '' && model.isDefault))
      .map(([alias]) => alias),
    metrics: model.metrics.map((metric) => ({
      set: metric.set,
      cer_no_spaces: metric.referenceCharacters > 0 ? metric.edits / metric.referenceCharacters : 0,
      edits: metric.edits,
      reference_characters: metric.referenceCharacters,
      utterances: metric.utterances,
      normalizer: metric.normalizer,
      decoding: metric.decoding,
      ...(metric.condition === undefined ? {} : { condition: metric.condition }),
    })),
  });

  app.get(
    '/models',
    { schema: { tags: ['models'], summary: 'Lists the installed models', response: responses(ListSchema) } },
    async () => ({ object: 'list' as const, data: app.recognizer.models().map(describe) }),
  );

  app.get(
    '/models/:model',
    {
      schema: {
        tags: ['models'],
        summary: 'Describes one model, by its name or an alias',
        params: ParamsSchema,
        response: responses(ModelSchema),
      },
    },
    async (request) => describe(resolveModel(instance, request.params.model)),
  );
}
