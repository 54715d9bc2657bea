/** What only shows on a real socket: clients that leave, dawdle or talk nonsense, full houses, and closing time. */
import { request } from 'node:http';
import type { ClientRequest } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigOverrides } from '../src/config.js';
import { MalgwiError } from '../src/errors.js';
import { UploadStore } from '../src/http/uploads.js';
import type { Recognizer, Transcript, TranscribeOptions } from '../src/recognition/contract.js';
import {
  errorOf,
  form,
  leftOver,
  silence,
  startRecognizer,
  testService,
  TRANSCRIPTIONS,
  wavClip,
} from './http-support.js';
import type { TestService } from './http-support.js';

let recognizer: Recognizer;
beforeAll(async () => {
  recognizer = await startRecognizer();
});
afterAll(() => recognizer.close());

interface Listening extends TestService {
  readonly port: number;
}
async function listen(over: Recognizer, overrides: ConfigOverrides = {}): Promise<Listening> {
  const service = await testService(over, overrides);
  await service.app.listen({ host: '127.0.0.1', port: 0 });
  return { ...service, port: (service.app.server.address() as AddressInfo).port };
}

/** The recogniser, holding every file until it is let go: to look at the service while it works. */
function holding(): {
  recognizer: Recognizer;
  started: Promise<void>;
  release: () => void;
  aborted: Promise<unknown>;
} {
  let start = (): void => undefined;
  let release = (): void => undefined;
  let abort: (reason: unknown) => void = () => undefined;
  const started = new Promise<void>((resolve) => (start = resolve));
  const gate = new Promise<void>((resolve) => (release = resolve));
  const aborted = new Promise<unknown>((resolve) => (abort = resolve));
  const transcribeFile = async (path: string, options: TranscribeOptions = {}): Promise<Transcript> => {
    const { signal } = options;
    const left = new Promise<never>((_resolve, reject) => {
      signal?.addEventListener('abort', () => {
        abort(signal.reason);
        reject(new MalgwiError('cancelled'));
      });
    });
    start();
    await Promise.race([gate, left]);
    return recognizer.transcribeFile(path, options);
  };
  const held = new Proxy(recognizer, {
    get: (target, name) => {
      if (name === 'transcribeFile') return transcribeFile;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { recognizer: held, started, release, aborted };
}

interface Answer {
  readonly statusCode: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}
async function upload(
  port: number,
  bytes: Buffer = wavClip().bytes,
): Promise<{ call: ClientRequest; answer: Promise<Answer> }> {
  const { headers, payload } = await form([['file', { bytes }]]);
  const call = request({
    port,
    host: '127.0.0.1',
    path: TRANSCRIPTIONS,
    method: 'POST',
    headers: headers as Record<string, string>,
  });
  const answer = new Promise<Answer>((resolve, reject) => {
    call.on('error', reject);
    call.on('response', (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('end', () =>
        resolve({
          statusCode: response.statusCode!,
          headers: response.headers,
          body: Buffer.concat(parts).toString(),
        }),
      );
    });
  });
  answer.catch(() => undefined);
  call.end(payload as Buffer);
  return { call, answer };
}

const eventually = async (condition: () => boolean): Promise<void> => {
  for (let waited = 0; !condition() && waited < 5000; waited += 20) await sleep(20);
  expect(condition()).toBe(true);
};

describe('a client that leaves', () => {
  it('while its file is worked on: the work is cancelled, the file removed, the place given back', async () => {
    const held = holding();
    const service = await listen(held.recognizer);
    const { call } = await upload(service.port);
    await held.started;
    expect(leftOver(service)).toHaveLength(1);
    expect(service.app.uploads.active).toBe(1);
    call.destroy();
    expect(await held.aborted).toMatchObject({ code: 'cancelled' });
    await eventually(() => leftOver(service).length === 0 && service.app.uploads.active === 0);
    await service.close();
  });

  it('in the middle of its upload: nothing stays behind', async () => {
    const service = await listen(recognizer);
    const { headers, payload } = await form([['file', { bytes: silence(60) }]]);
    const call = request({
      port: service.port,
      host: '127.0.0.1',
      path: TRANSCRIPTIONS,
      method: 'POST',
      headers: headers as Record<string, string>,
    });
    call.on('error', () => undefined);
    call.write((payload as Buffer).subarray(0, 500_000));
    await eventually(() => leftOver(service).length === 1);
    call.destroy();
    await eventually(() => leftOver(service).length === 0 && service.app.uploads.active === 0);
    await service.close();
  });

  it('while events are streamed: the work is cancelled', async () => {
    let signal: AbortSignal | undefined;
    const streaming = new Proxy(recognizer, {
      get: (target, name) => {
        if (name === 'transcribeFile') {
          return async (path: string, options: TranscribeOptions) => {
            signal = options.signal;
            const transcript = await target.transcribeFile(path, {
              ...options,
              onSegment: options.onSegment!,
            });
            await new Promise((resolve) => options.signal!.addEventListener('abort', resolve));
            return transcript;
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const service = await listen(streaming);
    const data = new FormData();
    data.append('stream', 'true');
    data.append('file', new Blob([wavClip().bytes as BlobPart]), 'clip.wav');
    const stop = new AbortController();
    const response = await fetch(`http://127.0.0.1:${service.port}${TRANSCRIPTIONS}`, {
      method: 'POST',
      body: data,
      signal: stop.signal,
    });
    const first = await response.body!.getReader().read();
    expect(Buffer.from(first.value!).toString()).toContain('transcript.text.delta');
    stop.abort();
    await eventually(() => signal?.aborted === true);
    await eventually(() => leftOver(service).length === 0 && service.app.uploads.active === 0);
    await service.close();
  });
});

describe('limits', () => {
  it('a client that dawdles gets timeout', async () => {
    const service = await listen(recognizer, { uploads: { timeoutMs: 1000 } });
    const { headers, payload } = await form([['file', { bytes: silence(10) }]]);
    const answer = new Promise<Answer>((resolve, reject) => {
      const call = request(
        {
          port: service.port,
          host: '127.0.0.1',
          path: TRANSCRIPTIONS,
          method: 'POST',
          headers: headers as Record<string, string>,
        },
        (response) => {
          response.on('data', (part: Buffer) => {
            resolve({ statusCode: response.statusCode!, headers: response.headers, body: part.toString() });
            call.destroy();
          });
        },
      );
      call.on('error', reject);
      call.write((payload as Buffer).subarray(0, 1000));
    });
    const { statusCode, body } = await answer;
    expect([statusCode, errorOf({ body }).code]).toEqual([504, 'timeout']);
    expect(leftOver(service)).toEqual([]);
    await service.close();
  });

  it('a full house refuses the next one before it reads its file', async () => {
    const held = holding();
    const service = await listen(held.recognizer, { uploads: { maxActive: 1 } });
    const first = await upload(service.port);
    await held.started;
    const second = await (await upload(service.port)).answer;
    expect([second.statusCode, errorOf(second).code]).toEqual([429, 'queue_full']);
    expect(Number(second.headers['retry-after'])).toBeGreaterThan(0);
    held.release();
    expect((await first.answer).statusCode).toBe(200);
    expect((await (await upload(service.port)).answer).statusCode).toBe(200);
    expect((await service.app.inject('/metrics')).body).toMatch(
      /^malgwi_admission_rejected_total\{reason="queue_full"\} 1$/m,
    );
    await service.close();
  });
});

describe('a form that its parser never finishes', () => {
  it.each([16_384, 20_000, 300_000])(
    'a nameless part of %i bytes is answered, and gives its place back',
    async (length) => {
      const service = await listen(recognizer);
      const body = Buffer.concat([
        Buffer.from('--b\r\nX-Nothing: here\r\n\r\n'),
        Buffer.alloc(length, 65),
        Buffer.from('\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n--b--\r\n'),
      ]);
      const response = await fetch(`http://127.0.0.1:${service.port}${TRANSCRIPTIONS}`, {
        method: 'POST',
        body: body as BodyInit,
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      });
      expect(response.status).toBe(400);
      expect(errorOf({ body: await response.text() }).code).toMatch(/^(invalid_request|missing_file)$/);
      expect(service.app.uploads.active).toBe(0);
      await service.close();
    },
  );
});

describe('bytes that are no HTTP', () => {
  it.each([
    'nonsense\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nno header\r\n\r\n',
    '\u0016\u0003\u0001\u0002',
  ])('case %# is answered with invalid_request, and the connection closed', async (bytes) => {
    const service = await listen(recognizer);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(service.port, '127.0.0.1', () => socket.write(bytes));
      let text = '';
      socket.on('data', (part) => (text += part.toString()));
      socket.on('end', () => resolve(text));
      socket.on('error', reject);
    });
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(errorOf({ body: answer.slice(answer.indexOf('\r\n\r\n')) }).code).toBe('invalid_request');
    await service.close();
  });
});

describe('starting', () => {
  it('names the setting when the folder of uploads cannot be used', async () => {
    // A file stands where the folder should be.
    const store = new UploadStore(fileURLToPath(import.meta.url), 1);
    await expect(store.open()).rejects.toMatchObject({
      code: 'config_invalid',
      message: expect.stringContaining('MALGWI_UPLOAD_DIR') as string,
    });
    await expect(store.close()).resolves.toBeUndefined();
  });
});

describe('closing', () => {
  it('lets requests at work end, refuses new ones, and removes its folder', async () => {
    const held = holding();
    const service = await listen(held.recognizer);
    const first = await upload(service.port);
    await held.started;
    let closed = false;
    const closing = service.app.close().then(() => (closed = true));
    await sleep(50);
    expect(closed).toBe(false);
    await expect((await upload(service.port)).answer).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    held.release();
    expect((await first.answer).statusCode).toBe(200);
    await closing;
    await service.close();
  });
});
