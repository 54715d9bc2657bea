/** What people send who mean no good: each is refused or bounded, with its code, and nothing of it stays. Addresses are in src/net. */
import { request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { errorOf, form, silence } from './http-support.js';
import { jobService, models } from './jobs-support.js';
import type { JobService } from './jobs-support.js';

let service: JobService;
let port: number;
beforeAll(async () => {
  service = await jobService(models, { jobs: { maxBytes: 200_000 } });
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  port = (service.app.server.address() as AddressInfo).port;
});
beforeEach(() => service.clear());
afterAll(() => service.close());

const wav = { bytes: silence(0.2), name: 'talk.wav' };
const nothingStays = async (): Promise<void> => {
  expect(await service.stored()).toEqual([]);
  expect(service.queue.entries.size).toBe(0);
  expect(service.app.uploads.active).toBe(0);
};

/** One file, stored, in a zip archive. */
function zip(name: string, content: Buffer): Buffer {
  const local = Buffer.alloc(30);
  local.writeUInt32LE(0x04034b50, 0);
  local.writeUInt32LE(content.length, 18);
  local.writeUInt32LE(content.length, 22);
  local.writeUInt16LE(name.length, 26);
  return Buffer.concat([local, Buffer.from(name), content]);
}

interface Outcome {
  readonly status: number | undefined;
  readonly code: string | undefined;
  /** Milliseconds until the connection was closed. */
  readonly closedAfter: number;
  readonly sent: number;
}

/** Sends a body that never ends, as fast as it is taken. */
function endless(
  path: string,
  method: string,
  headers: Record<string, string>,
  head: string,
): Promise<Outcome> {
  const piece = Buffer.alloc(64 * 1024);
  let sent = 0;
  function* body(): Generator<Buffer> {
    yield Buffer.from(head);
    for (;;) {
      sent += piece.length;
      yield piece;
    }
  }
  return new Promise((resolve) => {
    const start = Date.now();
    let status: number | undefined;
    let text = '';
    const call = httpRequest({ host: '127.0.0.1', port, path, method, headers }, (response) => {
      status = response.statusCode;
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', () => undefined);
    });
    const source = Readable.from(body());
    call.on('error', () => undefined);
    call.on('close', () => {
      source.destroy();
      const code = text === '' ? undefined : errorOf({ body: text }).code;
      resolve({ status, code, closedAfter: Date.now() - start, sent });
    });
    source.pipe(call);
  });
}

describe('a hostile upload', () => {
  it('a zip of zips that calls itself wav', async () => {
    let bytes = zip('a.wav', Buffer.alloc(1000));
    for (let depth = 0; depth < 8; depth += 1) bytes = zip('deeper.wav', bytes);
    const { headers, payload } = await form([['file', { bytes, name: 'talk.wav', type: 'audio/wav' }]]);
    const response = await service.app.inject({ method: 'POST', url: '/v1/jobs', headers, payload });
    expect([response.statusCode, errorOf(response)]).toEqual([
      400,
      expect.objectContaining({ code: 'audio_unrecognized', param: 'file' }),
    ]);
    expect(errorOf(response).message).toContain('zip');
    await nothingStays();
  });

  it(
    'a form without an end: answered at the limit, and cut off a while later',
    { timeout: 40_000 },
    async () => {
      const outcome = await endless(
        '/v1/jobs',
        'POST',
        { 'content-type': 'multipart/form-data; boundary=x', 'transfer-encoding': 'chunked' },
        '--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n',
      );
      expect(outcome).toMatchObject({ status: 413, code: 'file_too_large' });
      expect(outcome.closedAfter).toBeLessThan(20_000);
      await nothingStays();
    },
  );

  it('a resumable upload that sends more than it said', { timeout: 40_000 }, async () => {
    const created = await service.app.inject({
      method: 'POST',
      url: '/v1/uploads',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '100000' },
    });
    const outcome = await endless(
      String(created.headers.location),
      'PATCH',
      {
        'tus-resumable': '1.0.0',
        'upload-offset': '0',
        'content-type': 'application/offset+octet-stream',
        'transfer-encoding': 'chunked',
      },
      '',
    );
    // The answer may be lost with the connection; what counts is that it ends.
    if (outcome.status !== undefined) expect(outcome.code).toBe('file_too_large');
    expect(outcome.closedAfter).toBeLessThan(20_000);
    await service.app.inject({
      method: 'DELETE',
      url: String(created.headers.location),
      headers: { 'tus-resumable': '1.0.0' },
    });
    await nothingStays();
  });

  it('more fields than a form has, and longer ones', async () => {
    for (const [fields, code] of [
      [Array.from({ length: 500 }, () => ['keywords[]', 'a']), 'too_many_fields'],
      [[['name', 'a'.repeat(70_000)]], 'text_too_long'],
      [Array.from({ length: 101 }, (_, index) => ['keywords[]', `a${index}`]), 'invalid_field'],
      [[['__proto__', 'x']], 'invalid_field'],
      [[['constructor[prototype]', 'x']], 'invalid_field'],
      [
        [['outputs[]', Array.from({ length: 5000 }, () => 'json').join(',') + ',exe']],
        'unsupported_response_format',
      ],
    ] as [[string, string][], string][]) {
      const { headers, payload } = await form([...fields, ['file', wav]]);
      const response = await service.app.inject({ method: 'POST', url: '/v1/jobs', headers, payload });
      expect([code, errorOf(response).code]).toEqual([code, code]);
      await nothingStays();
    }
  });

  it('JSON that is large, deep or no object', async () => {
    for (const [payload, status, code] of [
      [JSON.stringify({ url: 'https://example.org', prompt: 'a'.repeat(300_000) }), 413, 'message_too_large'],
      [
        `{"url":"https://example.org","chunking_strategy":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`,
        400,
        'invalid_field',
      ],
      ['{"__proto__":{"url":"https://example.org"}}', 400, 'invalid_json'],
      ['[]', 400, 'invalid_request'],
      ['null', 400, 'invalid_request'],
      ['{', 400, 'invalid_json'],
    ] as const) {
      const response = await service.app.inject({
        method: 'POST',
        url: '/v1/jobs',
        headers: { 'content-type': 'application/json' },
        payload,
      });
      expect([payload.slice(0, 40), response.statusCode, errorOf(response).code]).toEqual([
        payload.slice(0, 40),
        status,
        code,
      ]);
    }
    await nothingStays();
  });

  it('a path as the name of the file', async () => {
    for (const name of ['../../../etc/cron.d/job', '/etc/passwd', '..\\..\\boot.ini', '....//x', 'a\0.wav']) {
      const { headers, payload } = await form([['file', { ...wav, name }]]);
      const response = await service.app.inject({ method: 'POST', url: '/v1/jobs', headers, payload });
      expect(response.statusCode, response.body).toBe(202);
      const { id, name: shown } = response.json<{ id: string; name: string }>();
      expect(shown).not.toMatch(/[/\\\0]|\.\./);
      expect(await service.stored()).toEqual([id]);
      await service.clear();
    }
  });

  it('headers out of bounds', async () => {
    for (const [url, headers, code] of [
      ['/v1/jobs', { 'idempotency-key': 'a'.repeat(256) }, 'invalid_field'],
      ['/v1/jobs', { 'idempotency-key': '' }, 'invalid_field'],
      ['/v1/jobs', { 'content-type': 'multipart/form-data' }, undefined],
      ['/v1/jobs', { 'content-type': 'multipart/form-data; boundary=' }, undefined],
    ] as const) {
      const { headers: own, payload } = await form([['file', wav]]);
      const response = await service.app.inject({
        method: 'POST',
        url,
        headers: { ...own, ...headers },
        payload,
      });
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
      expect(response.statusCode).toBeLessThan(500);
      if (code !== undefined) expect(errorOf(response).code).toBe(code);
      await nothingStays();
    }
  });
});

it('a full disk refuses before a byte is taken', async () => {
  const full = await jobService(models, { storage: { keepFreeBytes: 2 ** 50 } });
  try {
    const created = await full.app.inject({
      method: 'POST',
      url: '/v1/uploads',
      headers: { 'tus-resumable': '1.0.0', 'upload-length': '100' },
    });
    expect([created.statusCode, errorOf(created).code]).toEqual([507, 'storage_full']);
  } finally {
    await full.close();
  }
});
