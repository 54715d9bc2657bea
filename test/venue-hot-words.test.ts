/** A venue biases the recogniser by itself. The recogniser is the real one; what it is asked for is looked at. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withVenue } from '../src/http/venue-hot-words.js';
import { LIBRARY } from '../src/intents/index.js';
import type { LiveOptions, Recognizer, TranscribeOptions } from '../src/recognition/contract.js';
import { form, startRecognizer } from './http-support.js';
import { LiveClient, liveService, type LiveService } from './live-support.js';

const phrases = (words: readonly { readonly phrase: string }[] = []): string[] =>
  words.map(({ phrase }) => phrase);

describe('withVenue', () => {
  it('puts the seats, rooms and verbs behind what was asked for, once each', () => {
    const own = [{ phrase: '창가', weight: -3 }];
    const words = withVenue(own, LIBRARY, { family: 'ctc' });
    expect(words[0]).toEqual(own[0]);
    expect(phrases(words)).toEqual(expect.arrayContaining(['예약', '이십칠 번', '이열람실']));
    expect(new Set(phrases(words)).size).toBe(words.length);
    expect(words.length).toBeLessThanOrEqual(1000);
  });

  it('leaves other models and places without a venue alone', () => {
    expect(withVenue([], LIBRARY, { family: 'coqui' })).toEqual([]);
    expect(withVenue([], undefined, { family: 'ctc' })).toEqual([]);
  });
});

describe('the service', () => {
  const asked: { live: LiveOptions[]; files: TranscribeOptions[] } = { live: [], files: [] };
  let recognizer: Recognizer;
  let service: LiveService;

  beforeAll(async () => {
    const real = await startRecognizer();
    recognizer = new Proxy(real, {
      get(target, name) {
        if (name === 'openStream')
          return (options: LiveOptions) => {
            asked.live.push(options);
            return target.openStream(options);
          };
        if (name === 'transcribeFile')
          return (path: string, options: TranscribeOptions) => {
            asked.files.push(options);
            return target.transcribeFile(path, options);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    service = await liveService(recognizer, { venue: LIBRARY });
  });
  afterAll(async () => {
    await service.close();
    await recognizer.close();
  });

  it.each([
    ['by itself', {}, true],
    ['not where it is not wanted', { venue_hot_words: false }, false],
    ['not without intents', { intents: false }, false],
  ])('favours the seats in a live session, %s', async (_name, options, expected) => {
    const client = await LiveClient.connect(service.url);
    client.socket.send(
      JSON.stringify({ type: 'hello', encoding: 'pcm_s16le', sample_rate: 16_000, options }),
    );
    client.socket.send(JSON.stringify({ type: 'finish' }));
    await client.closed;
    expect(client.messages.at(-1)).toMatchObject({ type: 'closed', reason: 'finished' });
    expect(phrases(asked.live.at(-1)!.decoding?.hotWords).includes('이십칠 번')).toBe(expected);
  });

  it('favours the seats in an upload', async () => {
    const bytes = readFileSync(new URL('../test-audio/reserve-a3.wav', import.meta.url));
    const payload = await form([
      ['file', { bytes }],
      ['model', 'malgwi-ko'],
    ]);
    const answer = await service.app.inject({ method: 'POST', url: '/v1/audio/transcriptions', ...payload });
    expect(answer.statusCode).toBe(200);
    expect(answer.json<{ text: string }>().text).toMatch(/예약/);
    expect(phrases(asked.files.at(-1)!.hotWords)).toContain('이십칠 번');
  });
});
