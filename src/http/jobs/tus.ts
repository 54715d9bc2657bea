/** The tus protocol of @tus/server between Fastify's requests and our uploads. */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Server } from '@tus/server';
import { ERRORS as TUS, DataStore } from '@tus/utils';
import type { Upload } from '@tus/utils';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MalgwiError } from '../../errors.js';
import type { ErrorCode } from '../../errors.js';
import { UploadLocker } from '../../resumable/locker.js';
import type { ResumableUploads } from '../../resumable/index.js';
import { OWNER } from '../../resumable/partial.js';
import type { OwnedUpload } from '../../resumable/partial.js';
import { letThrough } from '../forms/receive.js';
import type { Caller } from './access.js';

export const UPLOADS = '/v1/uploads';
export const UPLOAD_TYPE = 'application/offset+octet-stream';
export const MAX_METADATA = 4096;

/** What the library throws, by what it says. */
const CODES: readonly (readonly [object, ErrorCode, string | undefined])[] = [
  [TUS.INVALID_OFFSET, 'upload_offset_mismatch', 'Upload-Offset'],
  [TUS.MISSING_OFFSET, 'missing_field', 'Upload-Offset'],
  [TUS.INVALID_CONTENT_TYPE, 'unsupported_media_type', undefined],
  [TUS.FILE_NOT_FOUND, 'upload_not_found', undefined],
  [TUS.FILE_NO_LONGER_EXISTS, 'upload_not_found', undefined],
  [TUS.ERR_SIZE_EXCEEDED, 'file_too_large', undefined],
  [TUS.ERR_MAX_SIZE_EXCEEDED, 'file_too_large', 'Upload-Length'],
  [TUS.INVALID_LENGTH, 'invalid_field', 'Upload-Length'],
  [TUS.INVALID_METADATA, 'invalid_field', 'Upload-Metadata'],
  [TUS.UNSUPPORTED_CREATION_DEFER_LENGTH_EXTENSION, 'invalid_field', 'Upload-Defer-Length'],
  [TUS.UNSUPPORTED_CONCATENATION_EXTENSION, 'invalid_field', 'Upload-Concat'],
  [TUS.ABORTED, 'cancelled', undefined],
];

/** The library's store: unfinished uploads, and complete ones for those who ask how far they are. */
class Store extends DataStore {
  constructor(private readonly uploads: ResumableUploads) {
    super();
    this.extensions = [...uploads.partial.extensions];
  }
  override create = (upload: Upload): Promise<Upload> => this.uploads.partial.create(upload);
  override write = (source: Readable, id: string, offset: number): Promise<number> =>
    this.uploads.partial.write(source, id, offset);
  override getUpload = (id: string): Promise<Upload> => this.uploads.find(id);
  override remove = (id: string): Promise<void> => this.uploads.remove(id);
  override getExpiration = (): number => this.uploads.partial.getExpiration();
}

/** Answers requests of the protocol; errors are thrown, as everywhere. */
export class TusProtocol {
  readonly #server: Server;
  readonly #callers = new WeakMap<object, Caller>();
  readonly #errors = new WeakMap<object, unknown>();

  constructor(uploads: ResumableUploads, maxBytes: number) {
    this.#server = new Server({
      path: UPLOADS,
      datastore: new Store(uploads),
      locker: new UploadLocker(),
      maxSize: maxBytes,
      // Behind a proxy only the client knows how it came here.
      generateUrl: (_request, { id }) => `${UPLOADS}/${id}`,
      namingFunction: () => randomUUID().replaceAll('-', ''),
      onUploadCreate: async (request, upload) => {
        await uploads.admit();
        (upload as { [OWNER]?: string })[OWNER] = this.#callers.get(request)!.owner;
        return {};
      },
      onIncomingRequest: async (request, id) => {
        if (request.method === 'POST') return;
        const { admin, owner } = this.#callers.get(request)!;
        const known = await uploads.ownerOf(id);
        if (known === undefined || (!admin && known !== owner)) throw new MalgwiError('upload_not_found');
      },
      onUploadFinish: async (_request, { id }: OwnedUpload) => {
        await uploads.finish(id);
        return {};
      },
      onResponseError: (request, error) => {
        this.#errors.set(request, error);
        return undefined;
      },
    });
  }

  /** @throws MalgwiError */
  async answer(request: FastifyRequest, reply: FastifyReply, caller: Caller): Promise<FastifyReply> {
    const { method, raw } = request;
    const { upload: id } = request.params as { readonly upload?: string };
    const body = method === 'POST' || method === 'PATCH';
    const path = id === undefined ? UPLOADS : `${UPLOADS}/${encodeURIComponent(id)}`;
    const asked = new Request(`http://localhost${path}`, {
      method,
      headers: headersOf(request),
      ...(body ? { body: whenAsked(raw), duplex: 'half' } : {}),
    } as RequestInit);
    this.#callers.set(asked, caller);
    const answer = await this.#server.handleWeb(asked as never);
    for (const [name, value] of answer.headers)
      if (!/^(access-control-|content-length|connection$)/.test(name)) void reply.header(name, value);
    if (answer.status < 400) return reply.code(answer.status).send();
    if (!raw.readableEnded) {
      void reply.header('connection', 'close');
      letThrough(raw);
    }
    throw explained(this.#errors.get(asked), answer.status, await answer.text());
  }
}

/** A body of which nothing is read before the library asks: what is refused can then be let through. */
function whenAsked(raw: Readable): ReadableStream<Uint8Array> {
  let pieces: AsyncIterator<Buffer> | undefined;
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        pieces ??= raw.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: async () => {
        await pieces?.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

function headersOf({ headers }: FastifyRequest): Headers {
  const copy = new Headers();
  for (const [name, value] of Object.entries(headers))
    if (typeof value === 'string' && !/^(connection|transfer-encoding|expect)$/.test(name))
      copy.set(name, value);
  return copy;
}

function explained(error: unknown, status: number, text: string): unknown {
  if (error instanceof MalgwiError) return error;
  const [, code, param] = CODES.find(([known]) => known === error) ?? [];
  if (code !== undefined) {
    const named = param === undefined ? {} : { param };
    return new MalgwiError(code, { ...named, detail: text.trim() || undefined });
  }
  if (status === 413) return new MalgwiError('file_too_large');
  if (status === 412) return new MalgwiError('upload_version_unsupported', { param: 'Tus-Resumable' });
  // What is wrong with the headers is said in words only.
  const header = /^Invalid ([\w-]+)/.exec(text)?.[1];
  if (status < 500 && header === 'tus-resumable')
    return new MalgwiError('upload_version_unsupported', { param: 'Tus-Resumable' });
  if (status < 500 && header !== undefined)
    return new MalgwiError('invalid_field', { param: header, detail: `${header} is not valid.` });
  return error ?? new MalgwiError('invalid_request');
}
