import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

const MULTIPART = 'multipart/form-data';

/** As much of an OpenAPI description as {@link explodeLists} touches. */
interface Description {
  readonly paths?: Record<string, { post?: { requestBody?: { content?: Record<string, Form> } } }>;
}
interface Form {
  readonly schema?: { readonly properties?: Record<string, { readonly type?: string }> };
  encoding?: Record<string, object>;
}

/** A list in a form is one part for each entry; without `explode` the page at /docs would send one part with commas. */
function explodeLists(description: Description): void {
  for (const { post } of Object.values(description.paths ?? {})) {
    const form = post?.requestBody?.content?.[MULTIPART];
    if (form === undefined) continue;
    const lists = Object.entries(form.schema?.properties ?? {}).filter(([, { type }]) => type === 'array');
    form.encoding = Object.fromEntries(lists.map(([name]) => [name, { style: 'form', explode: true }]));
  }
}

/** The API description (OpenAPI 3.1) at /openapi.json and its page at /docs. Registered before the routes it describes. */
export const docsPlugin = fp(
  async (app: FastifyInstance, options: { readonly version: string }) => {
    await app.register(swagger, {
      openapi: {
        openapi: '3.1.0',
        info: {
          title: 'Malgwi',
          description: 'Korean speech to text and seat intents. Speaks the transcription API of OpenAI.',
          version: options.version,
          license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
        },
        components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
        ...(app.apiKeys.open ? {} : { security: [{ key: [] }] }),
        tags: [
          { name: 'audio', description: 'Speech to text' },
          { name: 'jobs', description: 'Speech to text in the background' },
          { name: 'models', description: 'Installed models' },
          { name: 'intents', description: 'Seat intents' },
          { name: 'accuracy', description: 'Counting errors against references' },
          { name: 'operation', description: 'For those who run the service' },
        ],
      },
      transform: ({ schema, url, route }) => {
        const body = route.config?.multipartBody;
        if (body === undefined) return { schema, url };
        const json = (schema.body as { content?: object } | undefined)?.content;
        if (json !== undefined)
          return {
            schema: { ...schema, body: { content: { ...json, [MULTIPART]: { schema: body } } } },
            url,
          };
        return { schema: { ...schema, consumes: [MULTIPART], body }, url };
      },
      transformObject: (document) => {
        if (!('openapiObject' in document)) return document.swaggerObject;
        explodeLists(document.openapiObject as Description);
        return document.openapiObject;
      },
    });
    await app.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: { docExpansion: 'list', deepLinking: false },
    });
    app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  },
  { name: 'malgwi-docs' },
);
