import { createHash, randomUUID } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MalgwiError } from '../../errors.js';
import type { Job, JobSource, JobSpec } from '../../jobs/contract.js';
import { checkUrl } from '../../net/url.js';
import { isUploadId, jobIdOfUpload } from '../../resumable/index.js';
import { letThrough, receiveForm } from '../forms/receive.js';
import { invalid } from '../forms/values.js';
import { resolveModel } from '../models.js';
import { cancellationOf } from '../transcription/cancel.js';
import { withVenue } from '../venue-hot-words.js';
import type { Caller } from './access.js';
import { checkJobField, cleanName, fieldsOfJson, readJobFields } from './fields.js';
import type { JobRequest } from './fields.js';
import { audioKey, audioType } from './source.js';

/** What a form has beside its file at most, for a first look at its size. */
const FORM_OVERHEAD = 2 ** 20;
const KEY = /^[\x21-\x7e]{1,255}$/;

export const newJobId = (): string => `job_${randomUUID().replaceAll('-', '')}`;

interface Submission {
  readonly id: string;
  readonly caller: Caller;
  readonly source: JobSource;
  /** Of the audio: the same key with other audio is another request. */
  readonly sourceMark: string;
  readonly wanted: JobRequest;
  readonly idempotencyKey: string | undefined;
}

/** @throws MalgwiError invalid_field */
function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  if (typeof given === 'string' && KEY.test(given)) return given;
  throw invalid('Idempotency-Key', 'Idempotency-Key must be 1 to 255 printable characters without spaces.');
}

/** `POST /v1/jobs`, as a form or as JSON. */
export class Submissions {
  constructor(private readonly app: FastifyInstance) {}

  /**
   * A form with the file in it. Its size is checked as far as it is told before a byte is taken.
   * @throws MalgwiError
   */
  async fromForm(request: FastifyRequest, reply: FastifyReply, caller: Caller): Promise<Job> {
    const { app } = this;
    const idempotencyKey = idempotencyKeyOf(request);
    const release = await this.#admit(request, reply);
    const cancellation = cancellationOf(reply, app.config.uploads.timeoutMs, app.closing);
    const id = newJobId();
    const key = audioKey(id);
    const { maxBytes } = app.config.jobs;
    const hash = idempotencyKey === undefined ? undefined : createHash('sha256');
    let name = '';
    try {
      const { fields, upload } = await receiveForm(request, {
        maxBytes,
        signal: cancellation.signal,
        check: checkJobField,
        save: async (file, fileName) => {
          name = fileName;
          const { bytes } = await app.storage.put(key, hash === undefined ? file : hashed(file, hash), {
            signal: cancellation.signal,
            maxBytes,
          });
          return { bytes, remove: () => app.storage.remove(key) };
        },
      });
      return await this.#keeping(key, async () => {
        const wanted = readJobFields(fields, name);
        await audioType(app.storage, key, upload.bytes);
        return this.#submit({
          id,
          caller,
          source: { type: 'object', key, bytes: upload.bytes },
          sourceMark: hash?.digest('hex') ?? '',
          wanted,
          idempotencyKey,
        });
      });
    } finally {
      cancellation.dispose();
      release();
    }
  }

  /**
   * JSON that names a URL, or an upload that is complete.
   * @throws MalgwiError
   */
  async fromJson(request: FastifyRequest, caller: Caller): Promise<Job> {
    const { body } = request;
    if (typeof body !== 'object' || body === null) throw new MalgwiError('unsupported_media_type');
    const wanted = readJobFields(fieldsOfJson(body as Record<string, unknown>));
    const { url, upload } = wanted;
    if ((url === undefined) === (upload === undefined)) {
      throw new MalgwiError('missing_field', {
        detail: 'Either url or upload must say where the audio is.',
        param: 'url',
      });
    }
    const idempotencyKey = idempotencyKeyOf(request);
    if (upload !== undefined) return this.#fromUpload(upload, caller, wanted, idempotencyKey);
    const { href } = checkUrl(url!, this.app.net.policy, 'url');
    return this.#submit({
      id: newJobId(),
      caller,
      source: { type: 'url', url: href },
      sourceMark: href,
      wanted,
      idempotencyKey,
    });
  }

  /** An upload makes one job: asked for again, it is the same one. */
  async #fromUpload(
    text: string,
    caller: Caller,
    wanted: JobRequest,
    idempotencyKey: string | undefined,
  ): Promise<Job> {
    const { jobs, resumable, storage } = this.app;
    const missing = (): MalgwiError => new MalgwiError('upload_not_found', { param: 'upload' });
    const id = text.split('/').at(-1)!;
    if (!isUploadId(id)) throw missing();
    const known = await jobs.get(jobIdOfUpload(id));
    if (known !== undefined && (caller.admin || known.spec.owner === caller.owner)) return known;
    const owner = await resumable.ownerOf(id);
    if (owner === undefined || (!caller.admin && owner !== caller.owner)) throw missing();
    const { bytes, key, metadata } = await resumable.claim(id);
    await audioType(storage, key, bytes);
    const name = wanted.name ?? cleanName(metadata.filename ?? metadata.name ?? '');
    const job = await this.#submit({
      id: jobIdOfUpload(id),
      caller,
      source: { type: 'object', key, bytes },
      sourceMark: id,
      wanted: { ...wanted, name },
      idempotencyKey: idempotencyKey ?? `upload:${id}`,
    });
    if (job.id === jobIdOfUpload(id)) await resumable.used(id);
    return job;
  }

  /** @returns gives the place back */
  async #admit(request: FastifyRequest, reply: FastifyReply): Promise<() => void> {
    const { config, storage, uploads } = this.app;
    try {
      const length = Number(request.headers['content-length'] ?? 0);
      if (length > config.jobs.maxBytes + FORM_OVERHEAD) {
        throw new MalgwiError('file_too_large', {
          param: 'file',
          detail: `The file is larger than ${config.jobs.maxBytes} bytes.`,
        });
      }
      await storage.reserve(length);
      return uploads.reserve();
    } catch (error) {
      void reply.header('connection', 'close');
      letThrough(request.raw);
      throw error;
    }
  }

  /** Audio that no job came of is removed. */
  async #keeping(key: string, action: () => Promise<Job>): Promise<Job> {
    let used = false;
    try {
      const job = await action();
      // The idempotency key may have found an earlier job, with audio of its own.
      used = job.spec.source.type === 'object' && job.spec.source.key === key;
      return job;
    } catch (error) {
      // Nobody knows whether the queue took the job: then the audio is left to the sweeper.
      used = error instanceof MalgwiError && error.code === 'job_queue_unavailable';
      throw error;
    } finally {
      if (!used) await this.app.storage.remove(key);
    }
  }

  async #submit({ id, caller, source, sourceMark, wanted, idempotencyKey }: Submission): Promise<Job> {
    const { app } = this;
    const model = resolveModel(app, wanted.recognition.model);
    const webhook = this.#webhook(wanted.webhook);
    const { endpoint, hotWords, search } = wanted.recognition;
    const favoured = withVenue(hotWords, app.config.venue, model);
    const spec: JobSpec = {
      source,
      ...(wanted.name === undefined ? {} : { name: wanted.name }),
      model: model.name,
      options: {
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(favoured.length === 0 ? {} : { hotWords: favoured }),
        ...search,
      },
      outputs: wanted.outputs,
      priority: wanted.priority,
      owner: caller.owner,
      ...(webhook === undefined ? {} : { webhook }),
    };
    const fingerprint = createHash('sha256')
      .update(JSON.stringify([sourceMark, { ...wanted, upload: undefined, url: undefined }]))
      .digest('hex');
    const { job } = await app.jobs.submit({
      id,
      spec,
      ...(idempotencyKey === undefined ? {} : { idempotencyKey, fingerprint }),
      maxQueuedOfOwner: app.config.jobs.maxQueuedPerKey,
    });
    return job;
  }

  #webhook(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    if (this.app.config.jobs.webhookSecret === undefined) {
      throw invalid('webhook', 'Webhooks are signed, and this service has no secret to do so.');
    }
    return checkUrl(text, this.app.net.policy, 'webhook').href;
  }
}

function hashed(file: Readable, hash: Hash): Readable {
  const through = new PassThrough({
    transform: (chunk: Buffer, _encoding, done) => {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  file.once('error', (error) => through.destroy(error));
  through.once('close', () => file.destroy());
  return file.pipe(through);
}
