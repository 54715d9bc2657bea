/** `/v1/jobs` as clients meet it; the queue's own promises are tested where the queues are. */
import { Readable } from 'node:stream';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import type { ConfigOverrides } from '../src/config.js';
import type { Job } from '../src/jobs/contract.js';
import { errorOf, form, silence } from './http-support.js';
import type { FormValue } from './http-support.js';
import { jobService, models, transcript } from './jobs-support.js';
import type { JobService } from './jobs-support.js';

const services = new Map<string, JobService>();
/** Building a service takes long; each test gets an empty one. */
async function start(overrides: ConfigOverrides = {}): Promise<JobService> {
  const name = JSON.stringify(overrides);
  const service = services.get(name) ?? (await jobService(models, overrides));
  services.set(name, service);
  return service;
}
afterEach(() => Promise.all([...services.values()].map((service) => service.clear())));
afterAll(() => Promise.all([...services.values()].map((service) => service.close())));

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const wav = { bytes: silence(0.2), name: 'talk.wav' };

async function submit(
  service: JobService,
  fields: readonly (readonly [string, FormValue])[] = [['file', wav]],
  headers: Record<string, string> = {},
): Promise<LightMyRequestResponse> {
  const { headers: own, payload } = await form(fields);
  return service.app.inject({
    method: 'POST',
    url: '/v1/jobs',
    headers: { ...own, ...headers },
    payload,
  });
}
const json = (service: JobService, payload: object, headers: Record<string, string> = {}) =>
  service.app.inject({ method: 'POST', url: '/v1/jobs', payload, headers });
const get = (service: JobService, url: string, options: InjectOptions = {}) =>
  service.app.inject({ method: 'GET', url, ...options });

interface View {
  readonly id: string;
  readonly state: string;
  readonly links: { readonly self: string; readonly results?: Record<string, string> };
  readonly [field: string]: unknown;
}
async function accepted(answer: Promise<LightMyRequestResponse>): Promise<View> {
  const response = await answer;
  expect(response.statusCode, response.body).toBe(202);
  return response.json<View>();
}

/** Ends a job as a worker would. */
async function complete(service: JobService, id: string, update: Partial<Job> = {}): Promise<void> {
  const resultKey = `results/${id}.json`;
  await service.storage.put(resultKey, Readable.from([Buffer.from(JSON.stringify(transcript))]));
  service.queue.change(id, 'completed', {
    state: 'completed',
    resultKey,
    startedAt: Date.now() - 1000,
    finishedAt: Date.now(),
    progress: { doneSeconds: 2.4, totalSeconds: 2.4 },
    ...update,
  });
}

describe('POST /v1/jobs with a file', () => {
  it('keeps the file and says where to ask', async () => {
    const service = await start();
    const response = await submit(service, [
      ['outputs[]', 'srt'],
      ['outputs[]', 'json'],
      ['file', wav],
      ['priority', 'high'],
      ['keywords[]', '열람실:3'],
      ['beam_width', '8'],
      ['model', 'test-other'],
    ]);
    expect(response.statusCode, response.body).toBe(202);
    const view = response.json<View>();
    expect(response.headers.location).toBe(`/v1/jobs/${view.id}`);
    expect(view).toMatchObject({
      object: 'job',
      state: 'queued',
      name: 'talk.wav',
      model: 'test-other',
      outputs: ['srt', 'json'],
      priority: 'high',
      source: { type: 'upload', bytes: wav.bytes.length },
      attempts: 0,
      progress: { done_seconds: 0 },
      position: 1,
    });
    expect(await service.stored()).toEqual([view.id]);
    expect(service.queue.entries.get(view.id)!.job.spec).toMatchObject({
      owner: '',
      options: { beamWidth: 8, hotWords: [{ phrase: '열람실', weight: 3 }] },
      source: { type: 'object', key: `audio/${view.id}` },
    });
  });

  it.each<[string, [string, FormValue][], number, string, string | null]>([
    ['no file', [['model', 'test-ko']], 400, 'missing_file', 'file'],
    ['an empty file', [['file', { bytes: new Uint8Array() }]], 400, 'audio_empty', 'file'],
    [
      'no audio',
      [['file', { bytes: Buffer.from('hello, this is text') }]],
      400,
      'audio_unrecognized',
      'file',
    ],
    [
      'an unknown field',
      [
        ['speed', '2'],
        ['file', wav],
      ],
      400,
      'invalid_field',
      'speed',
    ],
    [
      'a field of another route',
      [
        ['file', wav],
        ['stream', 'true'],
      ],
      400,
      'invalid_field',
      'stream',
    ],
    [
      'a url in a form',
      [
        ['file', wav],
        ['url', 'https://example.org/'],
      ],
      400,
      'invalid_field',
      'url',
    ],
    [
      'an unknown model',
      [
        ['file', wav],
        ['model', 'nope'],
      ],
      404,
      'model_not_found',
      'model',
    ],
    [
      'an unknown output',
      [
        ['file', wav],
        ['outputs[]', 'docx'],
      ],
      400,
      'unsupported_response_format',
      'outputs',
    ],
    [
      'an unknown priority',
      [
        ['file', wav],
        ['priority', 'urgent'],
      ],
      400,
      'invalid_field',
      'priority',
    ],
    [
      'another language',
      [
        ['file', wav],
        ['language', 'en'],
      ],
      400,
      'invalid_field',
      'language',
    ],
    [
      'a long name',
      [
        ['file', wav],
        ['name', 'a'.repeat(256)],
      ],
      400,
      'text_too_long',
      'name',
    ],
    [
      'a wide beam',
      [
        ['file', wav],
        ['beam_width', '9999'],
      ],
      400,
      'invalid_field',
      'beam_width',
    ],
    [
      'a webhook without a secret',
      [
        ['file', wav],
        ['webhook', 'https://example.org'],
      ],
      400,
      'invalid_field',
      'webhook',
    ],
    [
      'two files',
      [
        ['file', wav],
        ['file', wav],
      ],
      400,
      'too_many_fields',
      null,
    ],
  ])('refuses %s, and keeps nothing', async (_name, fields, status, code, param) => {
    const service = await start();
    const response = await submit(service, fields);
    expect(response.statusCode, response.body).toBe(status);
    expect(errorOf(response)).toMatchObject({ code, param });
    expect(await service.stored()).toEqual([]);
    expect(service.queue.entries.size).toBe(0);
    expect(service.app.uploads.active).toBe(0);
  });

  it('refuses what is too large before a byte of it is taken, and where no size is told', async () => {
    const service = await start({ jobs: { maxBytes: 2048 } });
    const large = await submit(service, [['file', { bytes: silence(1) }]]);
    expect([large.statusCode, errorOf(large).code]).toEqual([413, 'file_too_large']);
    const declared = await service.app.inject({
      method: 'POST',
      url: '/v1/jobs',
      headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-length': '3000000' },
      payload: Readable.from([]),
    });
    expect([declared.statusCode, errorOf(declared).code]).toEqual([413, 'file_too_large']);
    expect(await service.stored()).toEqual([]);
  });

  it('bounds the jobs that wait for one owner', async () => {
    const service = await start({ jobs: { maxQueuedPerKey: 2 } });
    await accepted(submit(service));
    await accepted(submit(service));
    const third = await submit(service);
    expect([third.statusCode, errorOf(third).code]).toEqual([429, 'job_queue_full']);
    expect(third.headers['retry-after']).toBeDefined();
    expect((await service.stored()).length).toBe(2);
  });

  it('sends again what was sent before: one job, one file', async () => {
    const service = await start();
    const key = { 'idempotency-key': 'monday-1' };
    const first = await accepted(submit(service, undefined, key));
    const again = await accepted(submit(service, undefined, key));
    expect(again.id).toBe(first.id);
    expect(await service.stored()).toEqual([first.id]);
    for (const changed of [
      [
        ['file', wav],
        ['priority', 'low'],
      ],
      [['file', { bytes: silence(0.3), name: 'talk.wav' }]],
    ] as [string, FormValue][][]) {
      const other = await submit(service, changed, key);
      expect([other.statusCode, errorOf(other).code]).toEqual([422, 'idempotency_mismatch']);
    }
    expect(await service.stored()).toEqual([first.id]);
    const bad = await submit(service, undefined, { 'idempotency-key': 'with spaces' });
    expect(errorOf(bad)).toMatchObject({ code: 'invalid_field', param: 'Idempotency-Key' });
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\Users\\me\\talk.wav', 'talk.wav'],
    ['talk\u202Evaw.exe', 'talkvaw.exe'],
    ['강의 1.wav', '강의 1.wav'],
  ])('takes the name %j for %j', async (name, expected) => {
    const service = await start();
    const view = await accepted(
      submit(service, [
        ['file', wav],
        ['name', name],
      ]),
    );
    expect(view.name).toBe(expected);
    expect(await service.stored()).toEqual([view.id]);
  });
});

describe('POST /v1/jobs with JSON', () => {
  it('takes a URL', async () => {
    const service = await start({ jobs: { webhookSecret: SECRET } });
    const view = await accepted(
      json(service, {
        url: 'https://example.org/talk.mp3',
        keywords: ['열람실'],
        outputs: ['vtt'],
        beam_width: 4,
        chunking_strategy: { type: 'server_vad', threshold: 0.4 },
        webhook: 'https://example.org/hook',
      }),
    );
    expect(view).toMatchObject({
      source: { type: 'url', url: 'https://example.org/talk.mp3' },
      webhook: { url: 'https://example.org/hook' },
    });
    expect(service.queue.entries.get(view.id)!.job.spec.options).toMatchObject({
      beamWidth: 4,
      endpoint: { threshold: 0.4 },
    });
    expect(await service.stored()).toEqual([]);
  });

  it.each<[object, number, string, string | null]>([
    [{}, 400, 'missing_field', 'url'],
    [{ url: 'https://example.org', upload: 'x' }, 400, 'missing_field', 'url'],
    [{ url: 'file:///etc/passwd' }, 400, 'url_not_allowed', 'url'],
    [{ url: 'http://127.0.0.1/' }, 400, 'url_not_allowed', 'url'],
    [{ url: 'http://0x7f.1/' }, 400, 'url_not_allowed', 'url'],
    [{ url: 'http://[::ffff:169.254.169.254]/latest/meta-data' }, 400, 'url_not_allowed', 'url'],
    [{ url: 'http://example.org:25/' }, 400, 'url_not_allowed', 'url'],
    [{ url: 'https://user:secret@example.org/' }, 400, 'url_not_allowed', 'url'],
    [{ url: 'https://example.org', webhook: 'http://169.254.169.254/' }, 400, 'url_not_allowed', 'webhook'],
    [{ url: 'https://example.org', unknown: 1 }, 400, 'invalid_field', 'unknown'],
    [{ url: 'https://example.org', outputs: 'json' }, 400, 'invalid_field', 'outputs'],
    [{ url: 'https://example.org', language: 'en' }, 400, 'invalid_field', 'language'],
    [{ upload: 'job_00000000000000000000000000000000' }, 404, 'upload_not_found', 'upload'],
  ])('refuses %j', async (body, status, code, param) => {
    const service = await start({ jobs: { webhookSecret: SECRET } });
    const response = await json(service, body);
    expect([response.statusCode, errorOf(response)]).toEqual([
      status,
      expect.objectContaining({ code, param }),
    ]);
    expect(service.queue.entries.size).toBe(0);
  });

  it('refuses other bodies', async () => {
    const service = await start();
    const response = await service.app.inject({
      method: 'POST',
      url: '/v1/jobs',
      headers: { 'content-type': 'text/plain' },
      payload: 'hello',
    });
    expect([response.statusCode, errorOf(response).code]).toEqual([415, 'unsupported_media_type']);
  });
});

describe('owners', () => {
  const keys = { apiKeys: ['key-number-one', 'key-number-two'], adminKey: 'the-admin-key' };
  const as = (key: string): { headers: Record<string, string> } => ({
    headers: { authorization: `Bearer ${key}` },
  });

  it('see their own jobs, and the administrator everybody’s', async () => {
    const service = await start({ server: keys });
    const one = await accepted(submit(service, undefined, as('key-number-one').headers));
    const two = await accepted(submit(service, undefined, as('key-number-two').headers));
    for (const path of ['', '/result', '/audio', '/events']) {
      const response = await get(service, `/v1/jobs/${one.id}${path}`, as('key-number-two'));
      expect([path, response.statusCode, errorOf(response).code]).toEqual([path, 404, 'job_not_found']);
    }
    for (const [method, path] of [
      ['DELETE', ''],
      ['POST', '/retry'],
    ] as const) {
      const url = `/v1/jobs/${one.id}${path}`;
      const response = await service.app.inject({ method, url, ...as('key-number-two') });
      expect(errorOf(response).code).toBe('job_not_found');
    }
    const ids = async (key: string): Promise<string[]> =>
      (await get(service, '/v1/jobs', as(key))).json<{ data: View[] }>().data.map(({ id }) => id);
    expect(await ids('key-number-one')).toEqual([one.id]);
    expect(await ids('key-number-two')).toEqual([two.id]);
    expect(await ids('the-admin-key')).toEqual([two.id, one.id]);
    expect((await get(service, `/v1/jobs/${one.id}`, as('the-admin-key'))).statusCode).toBe(200);
  });

  it('have a key', async () => {
    const service = await start({ server: keys });
    for (const url of ['/v1/jobs', '/v1/jobs/job_0', '/v1/jobs/job_0/events']) {
      const response = await get(service, url);
      expect([response.statusCode, errorOf(response).code]).toEqual([401, 'invalid_api_key']);
    }
    expect((await submit(service)).statusCode).toBe(401);
    expect(await service.stored()).toEqual([]);
  });

  it('use the same idempotency key for themselves', async () => {
    const service = await start({ server: keys });
    const key = { 'idempotency-key': 'same' };
    const one = await accepted(submit(service, undefined, { ...key, ...as('key-number-one').headers }));
    const two = await accepted(submit(service, undefined, { ...key, ...as('key-number-two').headers }));
    expect(one.id).not.toBe(two.id);
  });
});

describe('GET /v1/jobs', () => {
  it('pages and filters', async () => {
    const service = await start();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.unshift((await accepted(submit(service))).id);
    await complete(service, ids[1]);
    type Page = { data: View[]; next_cursor?: string };
    const first = (await get(service, '/v1/jobs?limit=3')).json<Page>();
    const second = (await get(service, `/v1/jobs?limit=3&cursor=${first.next_cursor}`)).json<Page>();
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
    expect(second.next_cursor).toBeUndefined();
    const ended = (await get(service, '/v1/jobs?state=completed,failed')).json<Page>();
    expect(ended.data.map(({ id }) => id)).toEqual([ids[1]]);
  });

  it.each(['state=lost', 'limit=0', 'limit=201', 'limit=x', 'cursor=x', 'what=1'])(
    'refuses ?%s',
    async (query) => {
      const service = await start();
      const response = await get(service, `/v1/jobs?${query}`);
      expect([response.statusCode, errorOf(response).code]).toEqual([400, 'invalid_field']);
    },
  );
});

describe('GET /v1/jobs/:id', () => {
  it('says how it stands, and when it will end', async () => {
    const service = await start();
    const done = await accepted(submit(service));
    await complete(service, done.id, {
      startedAt: Date.now() - 10_000,
      progress: { doneSeconds: 100, totalSeconds: 100 },
    });
    const active = await accepted(submit(service));
    const waiting = await accepted(submit(service));
    service.queue.change(active.id, 'progress', {
      state: 'active',
      startedAt: Date.now() - 5000,
      attempts: 1,
      progress: { doneSeconds: 50, totalSeconds: 150 },
    });
    const view = (await get(service, `/v1/jobs/${active.id}`)).json<View>();
    expect(view).toMatchObject({
      state: 'active',
      attempts: 1,
      progress: { done_seconds: 50, total_seconds: 150 },
    });
    // Half of a second for five of audio: ten more seconds.
    const left = Date.parse(view.estimated_finish_at as string) - Date.now();
    expect(left).toBeGreaterThan(8000);
    expect(left).toBeLessThan(11_000);
    const expectation = async (): Promise<number> => {
      const queued = (await get(service, `/v1/jobs/${waiting.id}`)).json<View>();
      expect(queued.position).toBe(1);
      return Date.parse(queued.estimated_finish_at as string) - Date.now();
    };
    await expect.poll(expectation, { timeout: 3000 }).toBeGreaterThan(5000);
    const ended = (await get(service, `/v1/jobs/${done.id}`)).json<View>();
    expect(ended.position).toBeUndefined();
    expect(ended.links.results).toEqual({ json: `/v1/jobs/${done.id}/result?format=json` });
  });

  it('shows why it failed', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    service.queue.change(id, 'failed', {
      state: 'failed',
      error: { code: 'audio_corrupt', message: 'The audio is damaged.' },
    });
    expect((await get(service, `/v1/jobs/${id}`)).json()).toMatchObject({
      state: 'failed',
      error: { code: 'audio_corrupt', type: 'invalid_request_error', param: null },
    });
  });

  it.each(['job_00000000000000000000000000000000', 'x', '..%2f..%2fetc', 'job_%00', '%ED%95%9C'])(
    'knows no %s',
    async (id) => {
      const service = await start();
      const response = await get(service, `/v1/jobs/${id}`);
      expect([response.statusCode, errorOf(response).code]).toEqual([404, 'job_not_found']);
    },
  );
});

describe('the result', () => {
  it.each([
    ['json', 'application/json; charset=utf-8', '"words"'],
    ['text', 'text/plain; charset=utf-8', '이십칠 번 자리 반납할게요\n'],
    ['srt', 'application/x-subrip; charset=utf-8', '00:00:00,100 -->'],
    ['vtt', 'text/vtt; charset=utf-8', 'WEBVTT'],
  ])('as %s', async (format, type, content) => {
    const service = await start();
    const { id } = await accepted(
      submit(service, [
        ['file', wav],
        ['outputs[]', 'srt'],
      ]),
    );
    await complete(service, id);
    const response = await get(service, `/v1/jobs/${id}/result?format=${format}`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toBe(type);
    expect(response.body).toContain(content);
    const extension = format === 'text' ? 'txt' : format;
    expect(response.headers['content-disposition']).toBe(`attachment; filename="talk.${extension}"`);
    if (format === 'srt') expect((await get(service, `/v1/jobs/${id}/result`)).body).toBe(response.body);
  });

  it('is a download whose name does no harm', async () => {
    const service = await start();
    for (const name of ['a"; filename="b.exe', 'x\r\nset-cookie: a=b', '../강의.wav', '..', 'CON\u0000']) {
      const { id } = await accepted(json(service, { url: 'https://example.org/', name }));
      await complete(service, id);
      const response = await get(service, `/v1/jobs/${id}/result?format=text`);
      expect(response.statusCode).toBe(200);
      expect(response.headers['set-cookie']).toBeUndefined();
      const header = String(response.headers['content-disposition']);
      expect(header).toMatch(/^attachment; filename=[\x20-\x7e]+\.txt"?(; filename\*=UTF-8''[\w%.'-]+)?$/);
      expect(header).not.toMatch(/[/\\]\w/);
    }
  });

  it('is there when the job is completed, until it expires', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    const ask = async (): Promise<unknown[]> => {
      const response = await get(service, `/v1/jobs/${id}/result`);
      return [response.statusCode, errorOf(response).code];
    };
    expect(await ask()).toEqual([409, 'job_not_finished']);
    service.queue.change(id, 'failed', { state: 'failed' });
    expect(await ask()).toEqual([409, 'job_without_result']);
    await complete(service, id);
    await service.storage.remove(`results/${id}.json`);
    expect(await ask()).toEqual([410, 'result_expired']);
    expect(errorOf(await get(service, `/v1/jobs/${id}/result?format=doc`)).code).toBe('invalid_field');
  });
});

describe('the audio', () => {
  it('comes whole and in ranges', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    const url = `/v1/jobs/${id}/audio`;
    const whole = await get(service, url);
    expect(whole.statusCode).toBe(200);
    expect(whole.headers).toMatchObject({ 'content-type': 'audio/wav', 'accept-ranges': 'bytes' });
    expect(whole.rawPayload.equals(wav.bytes)).toBe(true);
    const size = wav.bytes.length;
    for (const [range, first, last] of [
      ['bytes=0-3', 0, 3],
      ['bytes=44-', 44, size - 1],
      ['bytes=-10', size - 10, size - 1],
      [`bytes=10-${size * 2}`, 10, size - 1],
    ] as const) {
      const part = await get(service, url, { headers: { range } });
      expect([range, part.statusCode]).toEqual([range, 206]);
      expect(part.headers['content-range']).toBe(`bytes ${first}-${last}/${size}`);
      expect(part.rawPayload.equals(wav.bytes.subarray(first, last + 1))).toBe(true);
    }
    for (const range of ['bytes=0-1,5-6', 'items=0-1', 'bytes=5-1', 'bytes=-', 'x'])
      expect((await get(service, url, { headers: { range } })).statusCode).toBe(200);
    for (const range of [`bytes=${size}-`, 'bytes=-0']) {
      const beyond = await get(service, url, { headers: { range } });
      expect([beyond.statusCode, errorOf(beyond).code]).toEqual([416, 'range_not_satisfiable']);
    }
    const head = await service.app.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.headers['content-length'], head.body]).toEqual([200, String(size), '']);
  });

  it('is not there before it is fetched', async () => {
    const service = await start();
    const { id } = await accepted(json(service, { url: 'https://example.org/a.wav' }));
    expect(errorOf(await get(service, `/v1/jobs/${id}/audio`)).code).toBe('object_not_found');
    await service.storage.put(`audio/${id}`, Readable.from([Buffer.from('<script>alert(1)</script>')]));
    const other = await get(service, `/v1/jobs/${id}/audio`);
    expect(other.headers['content-type']).toBe('application/octet-stream');
    expect(other.headers['x-content-type-options']).toBe('nosniff');
  });
});

describe('the events', () => {
  const ids = (body: string): string[] => [...body.matchAll(/^id: (.*)$/gm)].map(([, id]) => id);

  it('tell what happens, until the end', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    const answer = get(service, `/v1/jobs/${id}/events`);
    setTimeout(() => {
      service.queue.change(id, 'started', { state: 'active' });
      service.queue.change(id, 'progress', { progress: { doneSeconds: 1.23456, totalSeconds: 2.4 } });
      void complete(service, id);
    }, 30);
    const { body, headers } = await answer;
    expect(headers['content-type']).toBe('text/event-stream; charset=utf-8');
    expect(body.match(/^event: (.*)$/gm)).toEqual([
      'event: queued',
      'event: started',
      'event: progress',
      'event: completed',
    ]);
    expect(body).toContain('"progress":{"done_seconds":1.235,"total_seconds":2.4}');
    expect(ids(body)).toEqual(['1', '2', '3', '4']);
    const rest = await get(service, `/v1/jobs/${id}/events`, { headers: { 'last-event-id': '2' } });
    expect(ids(rest.body)).toEqual(['3', '4']);
    const bad = await get(service, `/v1/jobs/${id}/events`, { headers: { 'last-event-id': 'a b' } });
    expect(errorOf(bad)).toMatchObject({ code: 'invalid_field', param: 'Last-Event-ID' });
  });

  it('are followed by so many', async () => {
    const service = await start({ jobs: { maxEventStreams: 1 } });
    const { id } = await accepted(submit(service));
    // An injected request starts when somebody asks for its answer.
    const first = get(service, `/v1/jobs/${id}/events`).then((answer) => answer);
    await expect
      .poll(async () => {
        const second = await get(service, `/v1/jobs/${id}/events`);
        return second.statusCode;
      })
      .toBe(429);
    await complete(service, id);
    await first;
    expect((await get(service, `/v1/jobs/${id}/events`)).statusCode).toBe(200);
  });
});

describe('ending a job', () => {
  const remove = (service: JobService, id: string, query = '') =>
    service.app.inject({ method: 'DELETE', url: `/v1/jobs/${id}${query}` });

  it('cancels it, then forgets it with its files', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    const cancelled = await remove(service, id);
    expect(cancelled.json()).toMatchObject({ id, state: 'cancelled' });
    expect(await service.stored()).toEqual([id]);
    await remove(service, id);
    expect(await service.stored()).toEqual([]);
    expect((await get(service, `/v1/jobs/${id}`)).statusCode).toBe(404);
    expect(errorOf(await remove(service, id)).code).toBe('job_not_found');
  });

  it('does both at once where that is asked for', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    expect((await remove(service, id, '?forget=true')).statusCode).toBe(200);
    expect(await service.stored()).toEqual([]);
    const done = await accepted(submit(service));
    await complete(service, done.id);
    expect((await service.stored()).length).toBe(2);
    await remove(service, done.id);
    expect(await service.stored()).toEqual([]);
  });

  it('is undone by trying again', async () => {
    const service = await start();
    const { id } = await accepted(submit(service));
    const retry = () => service.app.inject({ method: 'POST', url: `/v1/jobs/${id}/retry` });
    expect(errorOf(await retry()).code).toBe('job_not_retryable');
    await remove(service, id);
    expect((await retry()).json()).toMatchObject({ id, state: 'queued' });
    await remove(service, id);
    await service.storage.remove(`audio/${id}`);
    expect([(await retry()).statusCode, errorOf(await retry()).code]).toEqual([404, 'object_not_found']);
  });
});

it('is described', async () => {
  const service = await start();
  const { paths } = (await get(service, '/openapi.json')).json<{
    paths: Record<string, Record<string, { requestBody?: { content: object } }>>;
  }>();
  expect(Object.keys(paths['/v1/jobs'].post.requestBody!.content).sort()).toEqual([
    'application/json',
    'multipart/form-data',
  ]);
  const addresses = Object.keys(paths).filter((path) => path.startsWith('/v1/jobs'));
  expect(addresses.sort()).toEqual(
    ['', '/{job}', '/{job}/audio', '/{job}/events', '/{job}/result', '/{job}/retry'].map(
      (path) => `/v1/jobs${path}`,
    ),
  );
});
