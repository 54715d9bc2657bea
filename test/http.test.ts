import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { ERRORS, MalgwiError } from '../src/errors.js';
import { INTENTS } from '../src/intents/contract.js';
import { NORMALIZER_VERSION } from '../src/korean/scoring.js';
import type { Recognizer } from '../src/recognition/contract.js';
import {
  errorOf,
  leftOver,
  silence,
  startRecognizer,
  testService,
  transcribe,
  wavClip,
} from './http-support.js';
import type { TestService } from './http-support.js';

let recognizer: Recognizer;
let service: TestService;
let app: FastifyInstance;

beforeAll(async () => {
  recognizer = await startRecognizer();
  service = await testService(recognizer);
  app = service.app;
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

const post = (url: string, payload: object, headers: Record<string, string> = {}, to = app) =>
  to.inject({ method: 'POST', url, payload, headers });

/** The real recogniser with one method replaced: for failures that real parts cannot be made to show on demand. */
const breaking = (part: Partial<Recognizer>): Recognizer =>
  new Proxy(recognizer, {
    get: (target, name) => (name in part ? part[name as keyof Recognizer] : bound(target, name)),
  });
function bound(target: Recognizer, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name, target);
  return typeof value === 'function' ? (value.bind(target) as unknown) : value;
}

describe('operation', () => {
  it('/healthz answers with the version', async () => {
    expect((await app.inject('/healthz')).json()).toEqual({
      status: 'ok',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    });
  });

  it('/readyz runs an inference, at most once a second however many ask', async () => {
    let checks = 0;
    const counting = await testService(
      breaking({
        check: () => {
          checks += 1;
          return recognizer.check();
        },
      }),
    );
    const answers = await Promise.all(Array.from({ length: 20 }, () => counting.app.inject('/readyz')));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array.from({ length: 20 }, () => 200));
    expect(answers[0].json()).toMatchObject({ status: 'ready', model: recognizer.defaultModel, workers: 1 });
    expect(checks).toBe(1);
    await counting.close();
  });

  it('/readyz says 503 with a code when recognition is dead, and so does the gauge', async () => {
    const broken = await testService(breaking({ check: () => Promise.reject(new MalgwiError('not_ready')) }));
    const answer = await broken.app.inject('/readyz');
    expect([answer.statusCode, errorOf(answer).code]).toEqual([503, 'not_ready']);
    expect(answer.headers['retry-after']).toBe('1');
    expect((await broken.app.inject('/healthz')).statusCode).toBe(200);
    expect((await broken.app.inject('/metrics')).body).toMatch(/^malgwi_ready 0$/m);
    await broken.close();
  });

  it('/openapi.json describes every route of the API', async () => {
    const { paths, openapi } = (await app.inject('/openapi.json')).json<{
      openapi: string;
      paths: Record<string, object>;
    }>();
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/audio/transcriptions',
      '/v1/evaluations',
      '/v1/feedback',
      '/v1/intents',
      '/v1/models',
      '/v1/models/{model}',
    ]);
    const form = JSON.stringify(paths['/v1/audio/transcriptions']);
    for (const field of [
      'multipart/form-data',
      'timestamp_granularities[]',
      'keywords[]',
      'chunking_strategy',
    ]) {
      expect(form).toContain(field);
    }
  });

  it('/openapi.json is exact enough to try the API by: choices, lists in parts, every type of answer', async () => {
    interface Operation {
      security?: object[];
      requestBody?: {
        content: Record<string, { schema: Form; encoding: Record<string, { explode: boolean }> }>;
      };
      responses: Record<string, { content: object }>;
    }
    interface Form {
      properties: Record<
        string,
        { type?: string; enum?: string[]; items?: { enum?: string[] }; default?: unknown }
      >;
    }
    type Described = { paths: Record<string, Record<string, Operation>> };
    const { paths } = (await app.inject('/openapi.json')).json<Described>();
    const { requestBody, responses } = paths['/v1/audio/transcriptions'].post;
    const { schema, encoding } = requestBody!.content['multipart/form-data'];
    expect(schema.properties.response_format.enum).toEqual(['json', 'text', 'srt', 'verbose_json', 'vtt']);
    expect(schema.properties['timestamp_granularities[]'].items?.enum).toEqual(['word', 'segment']);
    for (const [name, field] of Object.entries(schema.properties)) {
      if (field.type === 'array') expect([name, encoding[name]?.explode]).toEqual([name, true]);
      // The page writes "string" into fields of free text that have no default, and the service refuses that as a model.
      if (field.type === 'string' && name !== 'file')
        expect([name, field.enum ?? field.default]).not.toEqual([name, undefined]);
    }
    expect(Object.keys(responses['200'].content).sort()).toEqual([
      'application/json',
      'application/x-subrip',
      'text/event-stream',
      'text/plain',
      'text/vtt',
    ]);
    expect(paths['/metrics'].get.security).toEqual([]);
  });

  it('/docs and everything it loads come from here, under a policy that allows nothing else', async () => {
    const page = await app.inject('/docs/');
    expect(page.statusCode).toBe(200);
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(page.body).not.toMatch(/<script(?![^>]*src=)[^>]*>[^<]/);
    expect(page.body).not.toMatch(/<style|style=/);
    const assets = [...page.body.matchAll(/(?:src|href)="\.?\/?([^"]+)"/g)].map(([, path]) => path);
    expect(assets.length).toBeGreaterThan(3);
    for (const asset of assets) {
      const url = new URL(asset, 'http://x/docs/').pathname;
      expect([url, (await app.inject(url)).statusCode]).toEqual([url, 200]);
    }
  });
});

describe('models', () => {
  it('are listed in the shape of OpenAI, and found by name and alias', async () => {
    const list = (await app.inject('/v1/models')).json<{ object: string; data: Record<string, unknown>[] }>();
    expect(list.object).toBe('list');
    const first = list.data.find((model) => model.default === true)!;
    expect(first).toMatchObject({
      id: recognizer.defaultModel,
      object: 'model',
      owned_by: 'malgwi',
      language: 'ko',
      aliases: ['whisper-1'],
    });
    expect((await app.inject(`/v1/models/${recognizer.defaultModel}`)).json()).toEqual(first);
    expect((await app.inject('/v1/models/whisper-1')).json()).toEqual(first);
  });

  it('of other names are not found', async () => {
    for (const name of ['gpt-4o-transcribe', 'constructor', '..%2F..%2Fetc', 'x'.repeat(150)]) {
      const answer = await app.inject(`/v1/models/${name}`);
      expect([name, answer.statusCode, errorOf(answer).code]).toEqual([name, 404, 'model_not_found']);
    }
  });
});

describe('intents', () => {
  it('are resolved with evidence within the text', async () => {
    const text = '에이 열 삼 번 좌석 예약해 주세요';
    const answer = await post('/v1/intents', {
      text,
      words: [{ word: ' 에이', start: 0, end: 0.4 }],
      reject_below: 0.3,
    });
    expect(answer.statusCode).toBe(200);
    const result = answer.json<{
      intent: (typeof INTENTS)[number];
      confidence: number;
      evidence: { start: number; end: number }[];
    }>();
    expect(result).toMatchObject({ text, intent: 'reserve' });
    expect(result.confidence).toBeGreaterThan(0);
    for (const { start, end } of result.evidence) expect(text.slice(start, end)).not.toBe('');
  });

  it('take a venue and a pending command', async () => {
    const venue = { id: 'hall', name: '열람실', seats: { kind: 'letter', rows: ['A', 'B'], perRow: 5 } };
    const context = { pending: { intent: 'reserve', slots: { seat: 'A3' } } };
    const answer = await post('/v1/intents', { text: '네', venue, context });
    expect(answer.statusCode).toBe(200);
    expect(INTENTS).toContain(answer.json<{ intent: string }>().intent);
  });

  it('hold a conversation whose state the client keeps', async () => {
    interface Turn {
      intent: string;
      dialogue: { outcome: string; reply: string; action?: { intent: string; slots: object }; state: object };
    }
    const say = async (text: string, dialogue: object): Promise<Turn> =>
      (await post('/v1/intents', { text, context: { dialogue } })).json<Turn>();
    const asked = await say('이십칠 번 자리 취소해 주세요', {});
    expect(asked).toMatchObject({ intent: 'cancel', dialogue: { outcome: 'confirming' } });
    expect(asked.dialogue.reply).toMatch(/취소할까요\?$/);
    const done = await say('네', asked.dialogue.state);
    expect(done.dialogue).toMatchObject({
      outcome: 'action',
      action: { intent: 'cancel', slots: { seat: '27' } },
    });
    const late = await say('네', { ...asked.dialogue.state, at: Date.now() - 60_000 });
    expect(late.dialogue.outcome).toBe('expired');
    // A clock that runs ahead is not trusted further than the service's own.
    const ahead = await say('네', { ...asked.dialogue.state, at: Date.now() + 1e9 });
    expect(ahead.dialogue.outcome).toBe('action');
  });

  it('count as metrics by name', async () => {
    await post('/v1/intents', { text: '오늘 날씨가 좋네요' });
    expect((await app.inject('/metrics')).body).toMatch(
      /^malgwi_intents_total\{intent="none",protocol="http"\} [1-9]/m,
    );
  });

  it.each<[string, unknown, number, string, string | null]>([
    ['nothing', {}, 400, 'missing_field', 'text'],
    ['a text that is none', { text: 3 }, 400, 'invalid_field', 'text'],
    ['too long a text', { text: '가'.repeat(2001) }, 400, 'text_too_long', 'text'],
    ['an unknown field', { text: '네', vneue: {} }, 400, 'invalid_field', 'vneue'],
    [
      'a venue without seats',
      { text: '네', venue: { id: 'a', name: 'b' } },
      400,
      'missing_field',
      'venue.seats',
    ],
    [
      'a pending command of no name',
      { text: '네', context: { pending: { intent: 'fly', slots: {} } } },
      400,
      'invalid_field',
      'context.pending.intent',
    ],
    [
      'slots of no name',
      { text: '네', context: { pending: { intent: 'move', slots: { wings: 2 } } } },
      400,
      'invalid_field',
      'context.pending.slots.wings',
    ],
    [
      'a pending command beside a conversation',
      { text: '네', context: { pending: { intent: 'move', slots: {} }, dialogue: {} } },
      400,
      'invalid_field',
      'context',
    ],
    [
      'a conversation that waits for nothing known',
      {
        text: '네',
        context: { dialogue: { pending: { intent: 'move', slots: {}, awaiting: 'Godot' } } },
      },
      400,
      'invalid_field',
      'context.dialogue.pending.awaiting',
    ],
    ['an array', [], 400, 'invalid_request', null],
  ])('refuse %s', async (_name, payload, status, code, param) => {
    const answer = await post('/v1/intents', payload as object);
    expect([answer.statusCode, errorOf(answer).code, errorOf(answer).param]).toEqual([status, code, param]);
  });
});

describe('feedback and evaluations', () => {
  const counter = async (name: string): Promise<number> => {
    const line = (await app.inject('/metrics')).body
      .split('\n')
      .find((text) => text.startsWith(`${name}{`) && text.includes('set="feedback"'));
    return Number(line?.split(' ').at(-1));
  };

  it('scores a remembered answer once', async () => {
    const clip = wavClip();
    const answer = await transcribe(app, [['file', { bytes: clip.bytes }]]);
    const requestId = String(answer.headers['x-request-id']);
    const before = await counter('malgwi_reference_characters_total');
    const scored = await post('/v1/feedback', { request_id: requestId, reference: clip.text });
    expect(scored.statusCode).toBe(200);
    const score = scored.json<{ characters: Record<string, number>; words: Record<string, number> }>();
    expect(scored.json()).toMatchObject({
      request_id: requestId,
      model: recognizer.defaultModel,
      normalizer: NORMALIZER_VERSION,
      counted: true,
    });
    expect(score.characters.reference_length).toBe(clip.text.replace(/[^가-힣]/g, '').length);
    const again = await post('/v1/feedback', { request_id: requestId, reference: clip.text });
    expect(again.json()).toEqual({ ...scored.json<object>(), counted: false });
    expect((await counter('malgwi_reference_characters_total')) - before).toBe(
      score.characters.reference_length,
    );
    // The hypothesis as reference has no edits; the counters are not touched by it.
    const { text } = answer.json<{ text: string }>();
    const same = await post('/v1/feedback', { request_id: requestId, reference: text });
    expect(same.json()).toMatchObject({ characters: { substitutions: 0, deletions: 0, insertions: 0 } });
  });

  it('knows nothing of other requests, and takes no essays', async () => {
    const unknown = await post('/v1/feedback', { request_id: 'req_00000000', reference: '네' });
    expect([unknown.statusCode, errorOf(unknown).code]).toEqual([404, 'request_not_found']);
    const long = await post('/v1/feedback', { request_id: 'x', reference: '가'.repeat(2001) });
    expect([long.statusCode, errorOf(long).code]).toEqual([400, 'text_too_long']);
  });

  const evaluation = {
    model: 'whisper-1',
    set: 'dev',
    normalizer: NORMALIZER_VERSION,
    characterEdits: 120,
    referenceCharacters: 1000,
    wordEdits: 90,
    referenceWords: 300,
    utterances: 25,
  };

  it('adds the counts of evaluations under the model they belong to', async () => {
    for (let pushed = 0; pushed < 2; pushed += 1)
      expect((await post('/v1/evaluations', evaluation)).json()).toEqual({ accepted: true });
    const labels = `{model="${recognizer.defaultModel}",set="dev"}`;
    const { body } = await app.inject('/metrics');
    expect(body).toContain(`malgwi_character_edits_total${labels} 240`);
    expect(body).toContain(`malgwi_reference_words_total${labels} 600`);
    expect(body).toContain(`malgwi_scored_utterances_total${labels} 50`);
  });

  it.each<[string, object, number, string, string]>([
    ['of another normaliser', { normalizer: 'mine' }, 400, 'invalid_field', 'normalizer'],
    ['of no installed model', { model: 'other' }, 404, 'model_not_found', 'model'],
    ['under the name of feedback', { set: 'feedback' }, 400, 'invalid_field', 'set'],
    ['under a name that is no label', { set: 'dev\nset' }, 400, 'invalid_field', 'set'],
    ['of negative counts', { wordEdits: -1 }, 400, 'invalid_field', 'wordEdits'],
  ])('refuses counts %s', async (_name, wrong, status, code, param) => {
    const answer = await post('/v1/evaluations', { ...evaluation, ...wrong });
    expect([answer.statusCode, errorOf(answer).code, errorOf(answer).param]).toEqual([status, code, param]);
  });

  it('keeps the number of sets bounded', async () => {
    const own = await testService(recognizer);
    const codes = new Set<number>();
    for (let index = 0; index < 80; index += 1) {
      codes.add(
        (await post('/v1/evaluations', { ...evaluation, set: `set-${index}` }, {}, own.app)).statusCode,
      );
    }
    expect([...codes]).toEqual([200, 400]);
    await own.close();
  });
});

describe('errors', () => {
  const cases: [string, InjectOptions, number, string][] = [
    ['an unknown address', { url: '/v2/anything' }, 404, 'not_found'],
    ['a path out of the page', { url: '/..%2f..%2fpackage.json' }, 404, 'not_found'],
    ['a wrong method', { method: 'DELETE', url: '/v1/models' }, 405, 'method_not_allowed'],
    ['a wrong method with a parameter', { method: 'POST', url: '/v1/models/x' }, 405, 'method_not_allowed'],
    ['a path that cannot be decoded', { url: '/v1/models/%zz' }, 400, 'invalid_request'],
    [
      'JSON that is none',
      { method: 'POST', url: '/v1/intents', headers: { 'content-type': 'application/json' }, payload: '{' },
      400,
      'invalid_json',
    ],
    [
      'an empty body',
      { method: 'POST', url: '/v1/intents', headers: { 'content-type': 'application/json' } },
      400,
      'invalid_json',
    ],
    [
      'prototype pollution',
      {
        method: 'POST',
        url: '/v1/intents',
        headers: { 'content-type': 'application/json' },
        payload: '{"text":"네","__proto__":{"a":1}}',
      },
      400,
      'invalid_json',
    ],
    [
      'a body of no type',
      { method: 'POST', url: '/v1/intents', headers: { 'content-type': 'text/csv' }, payload: 'a,b' },
      415,
      'unsupported_media_type',
    ],
    [
      'too large a body',
      {
        method: 'POST',
        url: '/v1/intents',
        headers: { 'content-type': 'application/json' },
        payload: `{"text":"${'x'.repeat(300_000)}"}`,
      },
      413,
      'message_too_large',
    ],
  ];
  it.each(cases)('%s', async (_name, request, status, code) => {
    const answer = await app.inject(request);
    const error = errorOf(answer);
    expect([answer.statusCode, error.code, error.type]).toEqual([
      status,
      code,
      ERRORS[code as keyof typeof ERRORS].type,
    ]);
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['x-request-id']).toMatch(/^req_/);
    expect(Object.keys(answer.json<object>())).toEqual(['error']);
    if (status === 405) expect(answer.headers.allow).toContain('GET');
    if (status === 415) expect(error.message).toBe('The body must be application/json.');
  });

  it('hides what is not ours to tell', async () => {
    const broken = await testService(
      breaking({ transcribeFile: () => Promise.reject(new Error('secret path /etc/shadow')) }),
    );
    const answer = await transcribe(broken.app, [['file', { bytes: silence(1) }]]);
    expect([answer.statusCode, errorOf(answer).code]).toEqual([500, 'internal_error']);
    expect(answer.body).not.toContain('secret');
    expect(leftOver(broken)).toEqual([]);
    await broken.close();
  });

  it('passes on every code of the recogniser with its status and Retry-After', async () => {
    let code: keyof typeof ERRORS = 'queue_full';
    const broken = await testService(
      breaking({ transcribeFile: () => Promise.reject(new MalgwiError(code)) }),
    );
    for (code of Object.keys(ERRORS) as (keyof typeof ERRORS)[]) {
      const answer = await transcribe(broken.app, [['file', { bytes: silence(1) }]]);
      expect([code, answer.statusCode, errorOf(answer).code]).toEqual([code, ERRORS[code].status, code]);
      expect([code, answer.headers['retry-after']]).toEqual([
        code,
        [429, 503].includes(ERRORS[code].status) ? '1' : undefined,
      ]);
      expect((await broken.app.inject('/metrics')).body).toMatch(
        new RegExp(`^malgwi_errors_total\\{code="${code}",protocol="http"\\} [1-9]`, 'm'),
      );
    }
    expect(leftOver(broken)).toEqual([]);
    await broken.close();
  });
});

describe('security', () => {
  it('asks for a key where keys are configured, and only there', async () => {
    const keyed = await testService(recognizer, {
      server: { apiKeys: ['first-key-1', 'second-key-2'], adminKey: 'admin-key-3' },
    });
    const status = async (url: string, authorization?: string): Promise<number> =>
      (await keyed.app.inject({ url, headers: authorization === undefined ? {} : { authorization } }))
        .statusCode;
    expect(await status('/v1/models')).toBe(401);
    expect(await status('/v1/models', 'Bearer wrong-key-1')).toBe(401);
    expect(await status('/v1/models', 'Basic first-key-1')).toBe(401);
    expect(await status('/v1/models', 'Bearer admin-key-3')).toBe(401);
    expect(await status('/v1/models', 'Bearer first-key-1')).toBe(200);
    expect(await status('/v1/models', 'bearer second-key-2')).toBe(200);
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(200);
    expect(await status('/metrics')).toBe(401);
    expect(await status('/metrics', 'Bearer admin-key-3')).toBe(200);
    const refused = await transcribe(keyed.app, [['file', { bytes: silence(1) }]]);
    expect(errorOf(refused)).toMatchObject({ code: 'invalid_api_key', type: 'authentication_error' });
    expect(refused.headers['www-authenticate']).toBe('Bearer');
    expect(
      (await post('/v1/evaluations', {}, { authorization: 'Bearer first-key-1' }, keyed.app)).statusCode,
    ).toBe(401);
    expect(
      (await post('/v1/evaluations', {}, { authorization: 'Bearer admin-key-3' }, keyed.app)).statusCode,
    ).toBe(400);
    await keyed.close();
  });

  it('sends the headers of a page that trusts nobody', async () => {
    const { headers } = await app.inject('/healthz');
    expect(headers['content-security-policy']).toBe(
      "default-src 'self';script-src 'self';style-src 'self';img-src 'self' data:;media-src 'self' blob:;worker-src 'self';connect-src 'self';object-src 'none';base-uri 'none';form-action 'self';frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
    });
    expect(headers['x-powered-by']).toBeUndefined();
  });

  it('allows other origins only where they are configured', async () => {
    const preflight: InjectOptions = {
      method: 'OPTIONS',
      url: '/v1/intents',
      headers: { origin: 'https://seats.example', 'access-control-request-method': 'POST' },
    };
    expect((await app.inject(preflight)).headers['access-control-allow-origin']).toBeUndefined();
    const open = await testService(recognizer, { server: { corsOrigins: ['https://seats.example'] } });
    expect((await open.app.inject(preflight)).headers['access-control-allow-origin']).toBe(
      'https://seats.example',
    );
    const other = await open.app.inject({
      ...preflight,
      headers: { ...preflight.headers, origin: 'https://evil.example' },
    });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    await open.close();
  });

  it('lets no client choose the id that feedback goes by', async () => {
    const answer = await app.inject({
      url: '/healthz',
      headers: { 'x-request-id': 'mine', 'request-id': 'mine' },
    });
    expect(answer.headers['x-request-id']).toMatch(/^req_[0-9a-f-]{36}$/);
  });
});
