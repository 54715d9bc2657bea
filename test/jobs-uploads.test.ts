/** Resumable uploads, with the protocol's own client and with requests that no client would send. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { Upload } from 'tus-js-client';
import { afterEach, describe, expect, it } from 'vitest';
import type { LightMyRequestResponse } from 'fastify';
import { buildApp } from '../src/app.js';
import { loadConfig } from '../src/config.js';
import type { ConfigOverrides } from '../src/config.js';
import { Metrics } from '../src/metrics/index.js';
import { LocalStorage } from '../src/storage/local/index.js';
import { errorOf, silence } from './http-support.js';
import { MemoryQueue, models } from './jobs-support.js';

interface Running {
  readonly app: Awaited<ReturnType<typeof buildApp>>;
  readonly storage: LocalStorage;
  readonly port: number;
  readonly url: string;
  close(): Promise<void>;
}

const folders: string[] = [];
const running: Running[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((service) => service.close()));
  await Promise.all(folders.splice(0).map((dir) => rm(dir, { recursive: true, force: true })));
});

async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'malgwi-tus-test-'));
  folders.push(dir);
  return dir;
}

/** The service over a folder: started again over the same one, it knows what it knew. */
async function start(
  dir: string,
  overrides: ConfigOverrides = {},
  queue = new MemoryQueue(),
): Promise<Running> {
  const config = loadConfig({}, { ...overrides, data: { dir }, uploads: { dir: join(dir, 'forms') } });
  const metrics = new Metrics({ version: 'test' });
  const storage = await LocalStorage.open({ dir: join(dir, 'objects'), keepFreeBytes: 0 });
  const app = await buildApp({
    config,
    recognizer: models,
    metrics,
    jobs: { queue, storage },
    logger: false,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const service = {
    app,
    storage,
    port,
    url: `http://127.0.0.1:${port}/v1/uploads`,
    close: async () => {
      await app.close();
      metrics.close();
    },
  };
  running.push(service);
  return service;
}
const stop = async (service: Running): Promise<void> => {
  running.splice(running.indexOf(service), 1);
  await service.close();
};

const files = async (dir: string): Promise<string[]> =>
  (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

/** Audio that is not the same everywhere. */
function recording(bytes: number): Buffer {
  const noise = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 4) noise.writeUInt32LE((at * 2654435761) >>> 0, at);
  silence(0).copy(noise);
  noise.writeUInt32LE(bytes - 44, 40);
  noise.writeUInt32LE(bytes - 8, 4);
  return noise;
}
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const VERSION = { 'tus-resumable': '1.0.0' };
const name = (text: string): string => `filename ${Buffer.from(text).toString('base64')}`;
async function create(
  service: Running,
  bytes: number,
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  return service.app.inject({
    method: 'POST',
    url: '/v1/uploads',
    headers: { ...VERSION, 'upload-length': String(bytes), ...headers },
  });
}
const patch = (service: Running, url: string, offset: number | string, payload: Buffer) =>
  service.app.inject({
    method: 'PATCH',
    url,
    headers: {
      ...VERSION,
      'upload-offset': String(offset),
      'content-type': 'application/offset+octet-stream',
    },
    payload,
  });
const submit = (service: Running, upload: string, headers: Record<string, string> = {}) =>
  service.app.inject({ method: 'POST', url: '/v1/jobs', payload: { upload }, headers });

describe('the protocol’s own client', () => {
  const upload = (service: Running, bytes: Buffer, options: object = {}): { start(): Promise<string> } => ({
    start: () =>
      new Promise((resolve, reject) => {
        const client = new Upload(bytes as never, {
          endpoint: service.url,
          chunkSize: 256 * 1024,
          uploadSize: bytes.length,
          retryDelays: [50, 100, 200],
          metadata: { filename: '강의.wav' },
          onSuccess: () => resolve(client.url!),
          onError: reject,
          ...options,
        });
        client.start();
      }),
  });

  it('uploads, and a job is made of it once', async () => {
    const dir = await folder();
    const service = await start(dir);
    const bytes = recording(1_000_000);
    const url = await upload(service, bytes).start();
    const first = await submit(service, url);
    expect(first.statusCode, first.body).toBe(202);
    const job = first.json<{ id: string; name: string; source: object }>();
    expect(job).toMatchObject({ name: '강의.wav', source: { type: 'upload', bytes: bytes.length } });
    expect(sha(await buffer(await service.storage.get(`audio/${job.id}`)))).toBe(sha(bytes));
    expect((await submit(service, url)).json()).toMatchObject({ id: job.id });
    expect(await files(dir)).toEqual([job.id]);
    await service.app.inject({ method: 'DELETE', url: `/v1/jobs/${job.id}?forget=true` });
    expect(await files(dir)).toEqual([]);
    expect(errorOf(await submit(service, url))).toMatchObject({ code: 'upload_not_found', param: 'upload' });
  });

  it('goes on where it stopped, after the service was started anew', async () => {
    const dir = await folder();
    const bytes = recording(3_000_000);
    const before = await start(dir);
    let address = '';
    await new Promise<void>((resolve, reject) => {
      const client = new Upload(bytes as never, {
        endpoint: before.url,
        chunkSize: 500_000,
        uploadSize: bytes.length,
        metadata: { filename: 'long.wav' },
        retryDelays: null,
        onError: reject,
        onChunkComplete: (_chunk, sent) => {
          if (sent < 1_000_000) return;
          address = new URL(client.url!).pathname;
          client.abort().then(resolve, reject);
        },
      });
      client.start();
    });
    await stop(before);

    const after = await start(dir);
    const uploadUrl = `http://127.0.0.1:${after.port}${address}`;
    const head = await after.app.inject({ method: 'HEAD', url: address, headers: VERSION });
    const offset = Number(head.headers['upload-offset']);
    expect(offset).toBeGreaterThanOrEqual(1_000_000);
    expect(offset).toBeLessThan(bytes.length);
    let resent = 0;
    await upload(after, bytes, {
      uploadUrl,
      onChunkComplete: (chunk: number) => (resent += chunk),
    }).start();
    expect(resent).toBe(bytes.length - offset);
    const { id } = (await submit(after, uploadUrl)).json<{ id: string }>();
    expect(sha(await buffer(await after.storage.get(`audio/${id}`)))).toBe(sha(bytes));
  });

  it('is cut off in the middle of a request: what came is kept, the rest follows', async () => {
    const dir = await folder();
    const service = await start(dir);
    const bytes = recording(2_000_000);
    const { location } = (await create(service, bytes.length)).headers;
    await new Promise<void>((resolve) => {
      const call = httpRequest({
        port: service.port,
        path: String(location),
        method: 'PATCH',
        headers: {
          ...VERSION,
          'upload-offset': '0',
          'content-type': 'application/offset+octet-stream',
          'content-length': String(bytes.length),
        },
      });
      call.on('error', () => resolve());
      call.write(bytes.subarray(0, 700_000));
      setTimeout(() => call.destroy(new Error('cut')), 200);
    });
    const far = async (): Promise<number> => {
      const head = await service.app.inject({ method: 'HEAD', url: String(location), headers: VERSION });
      return Number(head.headers['upload-offset']);
    };
    await expect.poll(far, { timeout: 5000 }).toBe(700_000);
    await upload(service, bytes, { uploadUrl: `http://127.0.0.1:${service.port}${location}` }).start();
    const { id } = (await submit(service, String(location))).json<{ id: string }>();
    expect(sha(await buffer(await service.storage.get(`audio/${id}`)))).toBe(sha(bytes));
  });

  it('takes over from a connection that hangs', async () => {
    const service = await start(await folder());
    const bytes = recording(400_000);
    const { location } = (await create(service, bytes.length)).headers;
    const hanging = httpRequest({
      port: service.port,
      path: String(location),
      method: 'PATCH',
      headers: {
        ...VERSION,
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
        'content-length': String(bytes.length),
      },
    });
    hanging.on('error', () => undefined);
    hanging.write(bytes.subarray(0, 100_000));
    await sleep(200);
    await upload(service, bytes, {
      uploadUrl: `http://127.0.0.1:${service.port}${location}`,
    }).start();
    hanging.destroy();
    const { id } = (await submit(service, String(location))).json<{ id: string }>();
    expect(sha(await buffer(await service.storage.get(`audio/${id}`)))).toBe(sha(bytes));
  });
});

describe('an upload', () => {
  it('is announced, and says how far it is', async () => {
    const dir = await folder();
    const service = await start(dir);
    const options = await service.app.inject({ method: 'OPTIONS', url: '/v1/uploads' });
    expect(options.headers).toMatchObject({
      'tus-version': '1.0.0',
      'tus-extension': 'creation,creation-with-upload,termination,expiration',
      'tus-max-size': String(8 * 2 ** 30),
    });
    const created = await create(service, 10, { 'upload-metadata': name('a.wav') });
    expect(created.statusCode).toBe(201);
    expect(created.headers.location).toMatch(/^\/v1\/uploads\/[0-9a-f]{32}$/);
    expect(Date.parse(String(created.headers['upload-expires']))).toBeGreaterThan(Date.now());
    expect(created.headers['access-control-allow-origin']).toBeUndefined();
    expect(created.headers['x-request-id']).toBeDefined();
    const url = String(created.headers.location);
    expect((await patch(service, url, 0, Buffer.from('01234'))).headers['upload-offset']).toBe('5');
    const early = await submit(service, url);
    expect([early.statusCode, errorOf(early).code]).toEqual([409, 'upload_incomplete']);
    const head = await service.app.inject({ method: 'HEAD', url, headers: VERSION });
    expect(head.headers).toMatchObject({
      'upload-offset': '5',
      'upload-length': '10',
      'upload-metadata': name('a.wav'),
      'cache-control': 'no-store',
    });
    expect((await patch(service, url, 5, Buffer.from('56789'))).statusCode).toBe(204);
    const complete = await service.app.inject({ method: 'HEAD', url, headers: VERSION });
    expect(complete.headers['upload-offset']).toBe('10');
    // Complete, but no audio: refused, and to be removed by its owner.
    expect(errorOf(await submit(service, url)).code).toBe('audio_unrecognized');
    const removed = await service.app.inject({ method: 'DELETE', url, headers: VERSION });
    expect(removed.statusCode).toBe(204);
    expect(await files(dir)).toEqual([]);
  });

  it('may come with its creation', async () => {
    const service = await start(await folder());
    const bytes = recording(2000);
    const created = await service.app.inject({
      method: 'POST',
      url: '/v1/uploads',
      headers: {
        ...VERSION,
        'upload-length': String(bytes.length),
        'content-type': 'application/offset+octet-stream',
      },
      payload: bytes,
    });
    expect(created.headers['upload-offset']).toBe(String(bytes.length));
    expect((await submit(service, String(created.headers.location))).statusCode).toBe(202);
  });

  it.each<[string, Record<string, string>, number, string, string]>([
    ['too large', { 'upload-length': '5000' }, 413, 'file_too_large', 'Upload-Length'],
    ['of no size', { 'upload-length': '' }, 400, 'invalid_field', 'upload-length'],
    ['of a negative size', { 'upload-length': '-1' }, 400, 'invalid_field', 'upload-length'],
    ['of a huge number', { 'upload-length': '1e99' }, 400, 'invalid_field', 'upload-length'],
    [
      'of a size to be told later',
      { 'upload-defer-length': '1' },
      400,
      'invalid_field',
      'Upload-Defer-Length',
    ],
    ['in parts', { 'upload-concat': 'partial' }, 400, 'invalid_field', 'Upload-Concat'],
    ['of another protocol', { 'tus-resumable': '0.2.2' }, 412, 'upload_version_unsupported', 'Tus-Resumable'],
    ['with broken metadata', { 'upload-metadata': 'a b c' }, 400, 'invalid_field', 'upload-metadata'],
    [
      'with long metadata',
      { 'upload-metadata': name('a'.repeat(4000)) },
      400,
      'text_too_long',
      'Upload-Metadata',
    ],
  ])('%s is refused before a byte', async (_name, headers, status, code, param) => {
    const dir = await folder();
    const service = await start(dir, { jobs: { maxBytes: 4096 } });
    const response = await create(service, 10, headers);
    expect([response.statusCode, errorOf(response)]).toEqual([
      status,
      expect.objectContaining({ code, param }),
    ]);
    expect(await files(dir)).toEqual([]);
  });

  it('takes no more than was announced, and only where it is', async () => {
    const service = await start(await folder());
    const url = String((await create(service, 10)).headers.location);
    for (const offset of [1, 11, '-1', '0x0', 'a', '1e1', '99999999999999999999']) {
      const response = await patch(service, url, offset, Buffer.from('x'));
      const { code } = errorOf(response);
      expect([offset, response.statusCode, code]).toEqual(
        typeof offset === 'number' ? [offset, 409, 'upload_offset_mismatch'] : [offset, 400, 'invalid_field'],
      );
    }
    const long = await patch(service, url, 0, Buffer.alloc(11));
    expect([long.statusCode, errorOf(long).code]).toEqual([413, 'file_too_large']);
    const type = await service.app.inject({
      method: 'PATCH',
      url,
      headers: { ...VERSION, 'upload-offset': '0', 'content-type': 'application/json' },
      payload: '{}',
    });
    expect(type.statusCode).toBeGreaterThanOrEqual(400);
    expect(type.statusCode).toBeLessThan(500);
    const head = await service.app.inject({ method: 'HEAD', url, headers: VERSION });
    expect(head.headers['upload-offset']).toBe('0');
  });

  it.each(['x', '0'.repeat(32), '..%2f..%2fetc%2fpasswd', '%00', 'a%5cb', '%E0%A4%A'])(
    'of the name %s is not there',
    async (id) => {
      const service = await start(await folder());
      for (const method of ['HEAD', 'PATCH', 'DELETE'] as const) {
        const response = await service.app.inject({
          method,
          url: `/v1/uploads/${id}`,
          headers: {
            ...VERSION,
            ...(method === 'PATCH'
              ? { 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' }
              : {}),
          },
        });
        expect([method, response.statusCode]).toEqual([method, id === '%E0%A4%A' ? 400 : 404]);
      }
    },
  );

  it('is its owner’s', async () => {
    const keys = ['key-number-one', 'key-number-two'];
    const service = await start(await folder(), { server: { apiKeys: keys, adminKey: 'the-admin-key' } });
    const as = (key: string): Record<string, string> => ({ ...VERSION, authorization: `Bearer ${key}` });
    expect((await create(service, 10)).statusCode).toBe(401);
    const bytes = recording(2000);
    const url = String((await create(service, bytes.length, as(keys[0]))).headers.location);
    for (const method of ['HEAD', 'DELETE'] as const) {
      const response = await service.app.inject({ method, url, headers: as(keys[1]) });
      expect(response.statusCode).toBe(404);
    }
    const own = await service.app.inject({
      method: 'PATCH',
      url,
      headers: { ...as(keys[0]), 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' },
      payload: bytes,
    });
    expect(own.statusCode).toBe(204);
    expect(errorOf(await submit(service, url, as(keys[1]))).code).toBe('upload_not_found');
    const job = await submit(service, url, as(keys[0]));
    expect(job.statusCode).toBe(202);
    expect(errorOf(await submit(service, url, as(keys[1]))).code).toBe('upload_not_found');
  });

  it('is one of so many', async () => {
    const service = await start(await folder(), { jobs: { maxUnfinishedUploads: 2 } });
    await create(service, 10);
    await create(service, 10);
    const third = await create(service, 10);
    expect([third.statusCode, errorOf(third).code]).toEqual([429, 'queue_full']);
  });

  it('that nobody wants is removed after its time', async () => {
    const dir = await folder();
    const service = await start(dir);
    const bytes = recording(2000);
    const abandoned = await create(service, 10);
    expect(abandoned.statusCode).toBe(201);
    const complete = String((await create(service, bytes.length)).headers.location);
    await patch(service, complete, 0, bytes);
    const kept = String((await create(service, bytes.length)).headers.location);
    await patch(service, kept, 0, bytes);
    const { id } = (await submit(service, kept)).json<{ id: string }>();
    const hasJob = async (job: string): Promise<boolean> => job === id;
    await service.app.resumable.sweep(hasJob, Date.now() + 23 * 3600_000);
    expect((await files(dir)).length).toBe(5);
    await service.app.resumable.sweep(hasJob, Date.now() + 25 * 3600_000);
    expect(await files(dir)).toEqual([id]);
  });

  it('survives a crash between its last byte and its place in the storage', async () => {
    const dir = await folder();
    const service = await start(dir);
    const bytes = recording(2000);
    const url = String((await create(service, bytes.length)).headers.location);
    const id = url.split('/').at(-1)!;
    // The bytes are there, but nobody was told.
    await service.app.resumable.partial.write(Readable.from([bytes]), id, 0);
    await stop(service);
    const after = await start(dir);
    const head = await after.app.inject({ method: 'HEAD', url, headers: VERSION });
    expect(head.headers['upload-offset']).toBe(String(bytes.length));
    const job = await submit(after, url);
    expect(job.statusCode, job.body).toBe(202);
    expect(await files(dir)).toEqual([`job_${id}`]);
  });
});
