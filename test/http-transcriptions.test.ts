import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recognizer } from '../src/recognition/contract.js';
import {
  clips,
  errorOf,
  form,
  leftOver,
  silence,
  startRecognizer,
  testService,
  transcribe,
  TRANSCRIPTIONS,
  wavClip,
} from './http-support.js';
import type { FormValue, TestService } from './http-support.js';

let recognizer: Recognizer;
let service: TestService;

beforeAll(async () => {
  recognizer = await startRecognizer();
  service = await testService(recognizer);
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

const file = (): FormValue => ({ bytes: wavClip().bytes });

describe('response formats', () => {
  it('json: text and usage, by default', async () => {
    const response = await transcribe(service.app, [['file', file()]]);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toMatch(/^application\/json/);
    const body = response.json<{ text: string; usage: { type: string; seconds: number } }>();
    expect(Object.keys(body)).toEqual(['text', 'usage']);
    expect(body.text).toMatch(/[가-힣]/);
    expect(body.usage.type).toBe('duration');
    expect(body.usage.seconds).toBeGreaterThan(0.5);
    expect(response.headers['x-request-id']).toMatch(/^req_[0-9a-f-]{36}$/);
  });

  it('json with include[]=logprobs: one for each word, as the logarithm of a probability', async () => {
    const response = await transcribe(service.app, [
      ['include[]', 'logprobs'],
      ['file', file()],
    ]);
    const { text, logprobs } = response.json<{
      text: string;
      logprobs: { token: string; bytes: number[]; logprob: number }[];
    }>();
    expect(logprobs.map(({ token }) => token).join('')).toBe(text);
    for (const { token, bytes, logprob } of logprobs) {
      expect(Buffer.from(bytes).toString()).toBe(token);
      expect(logprob).toBeLessThanOrEqual(0);
    }
  });

  it('verbose_json: segments by default, words when asked for, both in order within the audio', async () => {
    type Verbose = {
      language: string;
      duration: number;
      text: string;
      segments?: Record<string, number | string | number[]>[];
      words?: { word: string; start: number; end: number }[];
    };
    const plain = (
      await transcribe(service.app, [
        ['file', file()],
        ['response_format', 'verbose_json'],
      ])
    ).json<Verbose>();
    expect(plain.words).toBeUndefined();
    expect(plain.language).toBe('korean');
    expect(Object.keys(plain.segments![0]).sort()).toEqual(
      [
        'avg_logprob',
        'compression_ratio',
        'end',
        'id',
        'no_speech_prob',
        'seek',
        'start',
        'temperature',
        'text',
        'tokens',
      ].sort(),
    );
    expect(
      plain
        .segments!.map((segment) => segment.text)
        .join(' ')
        .trim(),
    ).toBe(plain.text);
    const both = (
      await transcribe(service.app, [
        ['timestamp_granularities[]', 'word'],
        ['timestamp_granularities[]', 'segment'],
        ['temperature', '0.2'],
        ['file', file()],
        ['response_format', 'verbose_json'],
      ])
    ).json<Verbose>();
    expect(both.segments).toHaveLength(plain.segments!.length);
    expect(both.segments![0].temperature).toBe(0.2);
    expect(both.words!.map(({ word }) => word).join(' ')).toBe(both.text);
    let last = 0;
    for (const { start, end } of both.words!) {
      expect(start).toBeGreaterThanOrEqual(last);
      expect(end).toBeGreaterThanOrEqual(start);
      expect(end).toBeLessThanOrEqual(both.duration + 0.1);
      last = start;
    }
    const words = (
      await transcribe(service.app, [
        ['file', file()],
        ['response_format', 'verbose_json'],
        ['timestamp_granularities[]', 'word'],
      ])
    ).json<Verbose>();
    expect(words.segments).toBeUndefined();
    expect(words.words).toEqual(both.words);
  });

  it('text, srt and vtt', async () => {
    const [text, srt, vtt] = await Promise.all(
      ['text', 'srt', 'vtt'].map((format) =>
        transcribe(service.app, [
          ['file', file()],
          ['response_format', format],
        ]),
      ),
    );
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text.body).toMatch(/^[가-힣 ]+\n$/);
    expect(srt.body).toMatch(/^1\n00:00:\d\d,\d{3} --> 00:00:\d\d,\d{3}\n[가-힣]/);
    expect(vtt.headers['content-type']).toBe('text/vtt; charset=utf-8');
    expect(vtt.body).toMatch(/^WEBVTT\n\n00:00:\d\d\.\d{3} --> /);
  });

  it('silence is an empty text in every format, not an error', async () => {
    const bytes = silence(2);
    for (const [format, body] of [
      ['text', '\n'],
      ['srt', ''],
      ['vtt', 'WEBVTT\n\n'],
    ]) {
      const response = await transcribe(service.app, [
        ['file', { bytes }],
        ['response_format', format],
      ]);
      expect([response.statusCode, response.body]).toEqual([200, body]);
    }
    const json = await transcribe(service.app, [['file', { bytes }]]);
    expect(json.json()).toEqual({ text: '', usage: { type: 'duration', seconds: 2 } });
    const stream = await transcribe(service.app, [
      ['file', { bytes }],
      ['stream', 'true'],
    ]);
    expect(stream.body).toBe(
      'data: {"type":"transcript.text.done","text":"","usage":{"type":"duration","seconds":2}}\n\n',
    );
  });

  it('takes every clip of test-audio, whatever its format', async () => {
    expect(clips().length).toBeGreaterThan(0);
    for (const clip of clips()) {
      const response = await transcribe(service.app, [
        ['file', { bytes: clip.bytes, name: clip.name, type: 'application/octet-stream' }],
      ]);
      expect([clip.name, response.statusCode]).toEqual([clip.name, 200]);
      expect([clip.name, response.json<{ text: string }>().text]).toEqual([
        clip.name,
        expect.stringMatching(/[가-힣]/),
      ]);
    }
  });
});

describe('stream=true', () => {
  const events = (body: string): Record<string, unknown>[] =>
    body
      .split('\n\n')
      .filter((block) => block.startsWith('data: '))
      .map((block) => JSON.parse(block.slice(6)) as Record<string, unknown>);

  it('sends deltas that add up to the text, a segment for each, and done last', async () => {
    const plain = (await transcribe(service.app, [['file', file()]])).json<{ text: string }>();
    const response = await transcribe(service.app, [
      ['stream', 'true'],
      ['include[]', 'logprobs'],
      ['file', file()],
    ]);
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/);
    const sent = events(response.body);
    const deltas = sent.filter(({ type }) => type === 'transcript.text.delta');
    const segments = sent.filter(({ type }) => type === 'transcript.text.segment');
    expect(deltas.length).toBeGreaterThan(0);
    expect(segments).toHaveLength(deltas.length);
    expect(deltas.map(({ delta }) => delta).join('')).toBe(plain.text);
    expect(deltas[0].logprobs).toBeInstanceOf(Array);
    expect(segments[0]).toMatchObject({
      id: deltas[0].segment_id,
      start: expect.any(Number),
      end: expect.any(Number),
    });
    expect(sent.at(-1)).toMatchObject({
      type: 'transcript.text.done',
      text: plain.text,
      usage: { type: 'duration' },
    });
  });

  it('answers undecodable audio with a status, not with an event', async () => {
    const response = await transcribe(service.app, [
      ['file', { bytes: Buffer.from('no audio at all, just text') }],
      ['stream', 'true'],
    ]);
    expect(response.statusCode).toBe(400);
    expect(errorOf(response).code).toBe('audio_unrecognized');
  });
});

describe('fields', () => {
  it('come before or after the file', async () => {
    const fields = [
      ['response_format', 'text'],
      ['language', 'ko'],
      ['model', 'whisper-1'],
      ['prompt', '열람실 좌석'],
      ['temperature', '0'],
      ['keywords[]', '반납'],
      ['keywords[]', '연장'],
      ['languages[]', 'en'],
      ['languages[]', 'ko'],
      ['chunking_strategy', 'auto'],
    ] as const;
    const before = await transcribe(service.app, [...fields, ['file', file()]]);
    const after = await transcribe(service.app, [['file', file()], ...fields]);
    expect(before.statusCode).toBe(200);
    expect(after.body).toBe(before.body);
  });

  it('alternatives and a beam give further hypotheses, keywords are heard', async () => {
    const wide = await transcribe(service.app, [
      ['file', file()],
      ['response_format', 'verbose_json'],
      ['beam_width', '16'],
      ['alternatives', '3'],
    ]);
    expect(wide.statusCode).toBe(200);
    const [segment] = wide.json<{ segments: { text: string; alternatives: { text: string }[] }[] }>()
      .segments;
    expect(segment.alternatives).toHaveLength(2);
    const [rival] = segment.alternatives.map(({ text }) => text);
    expect(rival).not.toBe(segment.text);
    // The phrases of the second hypothesis, asked for, make it the first.
    const asked = await transcribe(service.app, [
      ['file', file()],
      ['response_format', 'text'],
      ...rival.split(' ').map((word) => ['keywords[]', `${word}:8`] as const),
      ...segment.text
        .split(' ')
        .filter((word) => !rival.includes(word))
        .map((word) => ['keywords[]', `${word}:-8`] as const),
    ]);
    expect(asked.body.trim()).toBe(rival);
  });

  it('chunking_strategy takes JSON and the brackets of the official clients', async () => {
    const json = { type: 'server_vad', silence_duration_ms: 200, prefix_padding_ms: 100, threshold: 0.4 };
    const asJson = await transcribe(service.app, [
      ['file', file()],
      ['chunking_strategy', JSON.stringify(json)],
      ['response_format', 'verbose_json'],
    ]);
    const asBrackets = await transcribe(service.app, [
      ['file', file()],
      ...Object.entries(json).map(([name, value]) => [`chunking_strategy[${name}]`, String(value)] as const),
      ['response_format', 'verbose_json'],
    ]);
    expect(asJson.statusCode).toBe(200);
    expect(asBrackets.json()).toEqual(asJson.json());
  });

  it.each<[string, string, string, string]>([
    ['response_format', 'xml', 'unsupported_response_format', 'response_format'],
    ['response_format', 'diarized_json', 'unsupported_response_format', 'response_format'],
    ['model', 'nothing-like-this', 'model_not_found', 'model'],
    ['model', '__proto__', 'model_not_found', 'model'],
    ['language', 'en', 'invalid_field', 'language'],
    ['languages[]', 'fr', 'invalid_field', 'languages'],
    ['temperature', '2', 'invalid_field', 'temperature'],
    ['temperature', 'warm', 'invalid_field', 'temperature'],
    ['stream', 'maybe', 'invalid_field', 'stream'],
    ['include[]', 'everything', 'invalid_field', 'include'],
    ['timestamp_granularities[]', 'letter', 'invalid_field', 'timestamp_granularities'],
    ['timestamp_granularities[]', 'word', 'invalid_field', 'timestamp_granularities'],
    ['chunking_strategy', 'sometimes', 'invalid_field', 'chunking_strategy'],
    ['chunking_strategy', '[]', 'invalid_field', 'chunking_strategy'],
    ['chunking_strategy', '{"type":"other"}', 'invalid_field', 'chunking_strategy.type'],
    [
      'chunking_strategy',
      '{"type":"server_vad","threshold":7}',
      'invalid_field',
      'chunking_strategy.threshold',
    ],
    ['chunking_strategy', '{"type":"server_vad","speed":1}', 'invalid_field', 'chunking_strategy.speed'],
    ['prompt', 'ㄱ'.repeat(4001), 'text_too_long', 'prompt'],
    ['prompt', 'x'.repeat(70_000), 'text_too_long', 'prompt'],
    ['keywords[]', 'x'.repeat(101), 'text_too_long', 'keywords'],
    ['keywords[]', '반납:1001', 'invalid_field', 'keywords'],
    ['beam_width', '0', 'invalid_field', 'beam_width'],
    ['beam_width', '2.5', 'invalid_field', 'beam_width'],
    ['beam_width', '257', 'invalid_field', 'beam_width'],
    ['alternatives', '3', 'invalid_field', 'alternatives'],
    ['lm_alpha', 'much', 'invalid_field', 'lm_alpha'],
    ['respose_format', 'text', 'invalid_field', 'respose_format'],
    ['constructor', 'x', 'invalid_field', ''],
  ])('a wrong %s is refused (case %#)', async (name, value, code, param) => {
    const response = await transcribe(service.app, [
      ['file', file()],
      [name, value],
    ]);
    const error = errorOf(response);
    expect([response.statusCode, error.code]).toEqual([code === 'model_not_found' ? 404 : 400, code]);
    expect(error.type).toMatch(/^(invalid_request|not_found)_error$/);
    if (param !== '') expect(error.param).toBe(param);
    expect(error.message.length).toBeGreaterThan(10);
  });

  it('refuses srt and vtt with stream, include without json, a field given twice, too many keywords', async () => {
    const cases: [(readonly [string, string])[], string][] = [
      [
        [
          ['stream', 'true'],
          ['response_format', 'srt'],
        ],
        'unsupported_response_format',
      ],
      [
        [
          ['include[]', 'logprobs'],
          ['response_format', 'text'],
        ],
        'invalid_field',
      ],
      [
        [
          ['language', 'ko'],
          ['language', 'ko'],
        ],
        'invalid_field',
      ],
      [Array.from({ length: 101 }, (_, index) => ['keywords[]', `단어${index}`] as const), 'invalid_field'],
      [Array.from({ length: 500 }, (_, index) => ['keywords[]', `단어${index}`] as const), 'too_many_fields'],
    ];
    for (const [fields, code] of cases) {
      const response = await transcribe(service.app, [['file', file()], ...fields]);
      expect([errorOf(response).code, response.statusCode]).toEqual([code, 400]);
    }
  });
});

describe('files', () => {
  it.each<[string, () => (readonly [string, FormValue])[], number, string]>([
    ['no file', () => [['model', 'whisper-1']], 400, 'missing_file'],
    ['an empty form', () => [], 400, 'missing_file'],
    ['an empty file', () => [['file', { bytes: Buffer.alloc(0) }]], 400, 'audio_empty'],
    ['text as file', () => [['file', 'hello']], 400, 'invalid_field'],
    ['a file of another name', () => [['audio', file()]], 400, 'invalid_field'],
    [
      'two files',
      () => [
        ['file', file()],
        ['file', file()],
      ],
      400,
      'too_many_fields',
    ],
    [
      'something that is no audio',
      () => [['file', { bytes: Buffer.from('%PDF-1.7 and so on, not audio') }]],
      400,
      'audio_unrecognized',
    ],
    ['a WAV without samples', () => [['file', { bytes: silence(0) }]], 400, 'audio_empty'],
    ['half a WAV file', () => [['file', { bytes: silence(1).subarray(0, 9000) }]], 400, 'audio_truncated'],
  ])('%s', async (_name, fields, status, code) => {
    const response = await transcribe(service.app, fields());
    expect([response.statusCode, errorOf(response).code]).toEqual([status, code]);
    if (code.startsWith('audio_')) expect(errorOf(response).param).toBe('file');
    expect(leftOver(service)).toEqual([]);
  });

  it('refuses bodies that are no form, or half a one', async () => {
    const { app } = service;
    const post = async (type: string | undefined, payload: string | Buffer): Promise<[number, string]> => {
      const headers = type === undefined ? {} : { 'content-type': type };
      const response = await app.inject({ method: 'POST', url: TRANSCRIPTIONS, headers, payload });
      const { code, message } = errorOf(response);
      if (code === 'unsupported_media_type') expect(message).toBe('The body must be multipart/form-data.');
      return [response.statusCode, code];
    };
    expect(await post('application/json', '{}')).toEqual([415, 'unsupported_media_type']);
    expect(await post('audio/wav', silence(1))).toEqual([415, 'unsupported_media_type']);
    expect(await post(undefined, '')).toEqual([415, 'unsupported_media_type']);
    expect(await post('multipart/form-data', 'x')).toEqual([400, 'invalid_request']);
    expect(await post('multipart/form-data; boundary=b', 'no boundary in here')).toEqual([
      400,
      'invalid_request',
    ]);
    const whole = await form([['file', file()]]);
    const cut = (whole.payload as Buffer).subarray(0, 5000);
    expect(await post((whole.headers as Record<string, string>)['content-type'], cut)).toEqual([
      400,
      'invalid_request',
    ]);
    expect(leftOver(service)).toEqual([]);
  });

  it('limits bytes and seconds', async () => {
    const small = await testService(recognizer, { uploads: { maxBytes: 20_000 } });
    const large = await transcribe(small.app, [['file', { bytes: silence(2) }]]);
    expect([large.statusCode, errorOf(large).code]).toEqual([413, 'file_too_large']);
    expect(errorOf(large).message).toContain('20000 bytes');
    expect(leftOver(small)).toEqual([]);
    await small.close();
    const short = await testService(recognizer, { uploads: { maxSeconds: 1 } });
    const long = await transcribe(short.app, [['file', { bytes: silence(2) }]]);
    expect([long.statusCode, errorOf(long).code]).toEqual([413, 'audio_too_long']);
    await short.close();
  });
});
