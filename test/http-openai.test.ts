/** The real client of OpenAI against the service on a real port. */
import { createReadStream } from 'node:fs';
import OpenAI, { toFile } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Recognizer } from '../src/recognition/contract.js';
import { silence, startRecognizer, testService, wavClip } from './http-support.js';
import type { TestService } from './http-support.js';

let recognizer: Recognizer;
let service: TestService;
let client: OpenAI;
const KEY = 'key-of-the-test';

beforeAll(async () => {
  recognizer = await startRecognizer();
  service = await testService(recognizer, { server: { apiKeys: [KEY] } });
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
  client = new OpenAI({ baseURL: `${address}/v1`, apiKey: KEY, maxRetries: 0 });
});
afterAll(async () => {
  await service.close();
  await recognizer.close();
});

const open = () => createReadStream(wavClip().path);

describe('audio.transcriptions.create', () => {
  it('json, with the alias that existing programs name', async () => {
    const answer = await client.audio.transcriptions.create({
      file: open(),
      model: 'whisper-1',
      include: ['logprobs'],
    });
    expect(answer.text).toMatch(/[가-힣]/);
    expect(answer.logprobs!.map(({ token }) => token).join('')).toBe(answer.text);
    expect(answer.usage).toMatchObject({ type: 'duration' });
  });

  it('verbose_json with both granularities and every other parameter', async () => {
    const answer = await client.audio.transcriptions.create({
      file: open(),
      model: recognizer.defaultModel,
      response_format: 'verbose_json',
      timestamp_granularities: ['word', 'segment'],
      language: 'ko',
      prompt: '좌석',
      temperature: 0,
      chunking_strategy: {
        type: 'server_vad',
        silence_duration_ms: 300,
        threshold: 0.5,
        prefix_padding_ms: 200,
      },
    });
    expect(answer.language).toBe('korean');
    expect(answer.duration).toBeGreaterThan(0.5);
    expect(answer.segments!.length).toBeGreaterThan(0);
    expect(answer.words!.map(({ word }) => word).join(' ')).toBe(answer.text);
    for (const segment of answer.segments!) expect(segment.avg_logprob).toBeLessThanOrEqual(0);
  });

  it('srt, vtt and text arrive as strings', async () => {
    const model = recognizer.defaultModel;
    const srt = await client.audio.transcriptions.create({ file: open(), model, response_format: 'srt' });
    expect(srt).toMatch(/^1\n00:00:0\d,\d{3} --> /);
    const vtt = await client.audio.transcriptions.create({ file: open(), model, response_format: 'vtt' });
    expect(vtt).toMatch(/^WEBVTT\n\n/);
    const text = await client.audio.transcriptions.create({ file: open(), model, response_format: 'text' });
    expect(text).toMatch(/^[가-힣 ]+\n$/);
  });

  it('stream', async () => {
    const stream = await client.audio.transcriptions.create({
      file: open(),
      model: 'whisper-1',
      stream: true,
    });
    let text = '';
    const types: string[] = [];
    let done: string | undefined;
    for await (const event of stream) {
      types.push(event.type);
      if (event.type === 'transcript.text.delta') text += event.delta;
      if (event.type === 'transcript.text.done') done = event.text;
    }
    expect(types.at(-1)).toBe('transcript.text.done');
    expect(types).toContain('transcript.text.segment');
    expect(text).toBe(done);
    expect(text).toMatch(/[가-힣]/);
  });

  it('throws the typed errors that programs catch', async () => {
    const model = recognizer.defaultModel;
    const noAudio = await toFile(Buffer.from('this is a text file'), 'a.wav');
    const attempt = (file: Awaited<ReturnType<typeof toFile>>, name: string) =>
      client.audio.transcriptions.create({ file, model: name });
    await expect(attempt(noAudio, model)).rejects.toBeInstanceOf(OpenAI.BadRequestError);
    await expect(attempt(noAudio, model)).rejects.toMatchObject({
      status: 400,
      code: 'audio_unrecognized',
      type: 'invalid_request_error',
    });
    const quiet = await toFile(silence(0.5), 'quiet.wav');
    await expect(attempt(quiet, 'gpt-4o-transcribe')).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
      param: 'model',
    });
    const stranger = new OpenAI({ baseURL: client.baseURL, apiKey: 'another-key', maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  });
});

describe('models', () => {
  it('list and retrieve', async () => {
    const names: string[] = [];
    for await (const model of client.models.list()) names.push(model.id);
    expect(names).toContain(recognizer.defaultModel);
    expect((await client.models.retrieve('whisper-1')).id).toBe(recognizer.defaultModel);
  });
});
