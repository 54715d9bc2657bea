import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify';
import Type from 'typebox';
import { MalgwiError } from '../../errors.js';
import { ErrorSchema } from '../schemas/common.js';
import type { JobAccess } from './access.js';
import { MAX_METADATA, TusProtocol, UPLOAD_TYPE } from './tus.js';

const SWEEP_MS = 10 * 60_000;
const tags = ['jobs'];
const Version = Type.Optional(Type.Literal('1.0.0'));
const Params = Type.Object({ upload: Type.String({ maxLength: 200 }) });
const none = (description: string) => ({ description, type: 'null' });

/** `/v1/uploads`: resumable uploads in the tus protocol, version 1.0. */
export async function uploadRoutes(
  app: FastifyInstance,
  { access }: { readonly access: JobAccess },
): Promise<void> {
  const { config, jobs, resumable } = app;
  const protocol = new TusProtocol(resumable, config.jobs.maxBytes);
  // Bytes go to the disk as they come; nothing parses them.
  app.addContentTypeParser(UPLOAD_TYPE, (_request, _payload, done) => done(null));

  const answer = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const metadata = request.headers['upload-metadata'];
    if ((metadata?.length ?? 0) > MAX_METADATA) {
      throw new MalgwiError('text_too_long', {
        param: 'Upload-Metadata',
        detail: `Upload-Metadata is longer than ${MAX_METADATA} characters.`,
      });
    }
    return protocol.answer(request, reply, access.caller(request));
  };
  const schema = (summary: string, headers: object, status: number, about: string): FastifySchema => ({
    tags,
    summary,
    // For the description only: the protocol has its own answers to what is wrong with them.
    headers: Type.Object({ 'tus-resumable': Version, ...headers }),
    response: { [status]: none(about), '4xx': ErrorSchema, '5xx': ErrorSchema },
  });
  const Offset = Type.Optional(Type.String({ description: 'The byte at which it goes on.' }));
  const unchecked = { validatorCompiler: () => () => true, exposeHeadRoute: false };

  app.post(
    '/uploads',
    {
      ...unchecked,
      schema: schema(
        'Begins a resumable upload (tus 1.0)',
        {
          'upload-length': Type.Optional(Type.String({ description: 'Bytes in all.' })),
          'upload-metadata': Type.Optional(
            Type.String({ description: '`filename` and its name in base64; up to 4,096 characters.' }),
          ),
        },
        201,
        'Location is where the bytes are sent.',
      ),
    },
    answer,
  );
  app.options(
    '/uploads',
    { ...unchecked, schema: schema('What of tus is spoken here', {}, 204, 'Tus-Version, Tus-Extension.') },
    answer,
  );
  app.head(
    '/uploads/:upload',
    {
      ...unchecked,
      schema: {
        ...schema('How far an upload is', {}, 200, 'Upload-Offset is the byte to go on at.'),
        params: Params,
      },
    },
    answer,
  );
  app.patch(
    '/uploads/:upload',
    {
      ...unchecked,
      schema: {
        ...schema(
          'Takes further bytes of an upload',
          { 'upload-offset': Offset, 'content-type': Type.Optional(Type.Literal(UPLOAD_TYPE)) },
          204,
          'Upload-Offset is the byte to go on at.',
        ),
        params: Params,
      },
    },
    answer,
  );
  app.delete(
    '/uploads/:upload',
    { ...unchecked, schema: { ...schema('Gives an upload up', {}, 204, 'It is gone.'), params: Params } },
    answer,
  );

  const sweep = (): void => {
    resumable
      .sweep(async (id) => (await jobs.get(id)) !== undefined)
      .catch((error: unknown) => app.log.warn({ err: error }, 'old uploads could not be removed'));
  };
  const timer = setInterval(sweep, SWEEP_MS);
  timer.unref();
  app.addHook('onReady', async () => sweep());
  app.addHook('onClose', async () => clearInterval(timer));
}
