/** What the log says, and what it never says. */
import pino from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildApp } from '../src/app.js';
import { loadConfig } from '../src/config.js';
import { loggerOptions } from '../src/logging.js';
import { Metrics } from '../src/metrics/index.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { form, startRecognizer, transcribe, wavClip } from './http-support.js';

let recognizer: Recognizer;
beforeAll(async () => {
  recognizer = await startRecognizer();
});
afterAll(() => recognizer.close());

const KEY = 'secret-key-of-a-client';
const config = loadConfig({}, { server: { logLevel: 'trace', apiKeys: [KEY] } });

function collecting(): { lines: string[]; logger: pino.Logger } {
  const lines: string[] = [];
  return { lines, logger: pino(loggerOptions(config), { write: (line: string) => void lines.push(line) }) };
}

it('no transcript, reference, key, query or header, at any level', async () => {
  const { lines, logger } = collecting();
  const metrics = new Metrics();
  const logged = await buildApp({ config, recognizer, metrics, logger });
  const authorization = `Bearer ${KEY}`;
  const clip = wavClip();
  const { headers, payload } = await form([
    ['prompt', '비밀 문구'],
    ['file', { bytes: clip.bytes }],
  ]);
  const answer = await logged.inject({
    method: 'POST',
    url: '/v1/audio/transcriptions?token=query-secret',
    headers: { ...headers, authorization },
    payload: payload!,
  });
  expect(answer.statusCode).toBe(200);
  const { text } = answer.json<{ text: string }>();
  await logged.inject({
    method: 'POST',
    url: '/v1/feedback',
    headers: { authorization },
    payload: { request_id: answer.headers['x-request-id'], reference: clip.text },
  });
  await logged.inject({
    method: 'POST',
    url: '/v1/intents',
    headers: { authorization },
    payload: { text: '비밀 좌석 예약' },
  });
  await logged.inject({
    method: 'POST',
    url: '/v1/intents',
    headers: { authorization },
    payload: { text: 3 },
  });
  expect((await transcribe(logged, [['file', { bytes: clip.bytes }]])).statusCode).toBe(401);
  await logged.close();
  metrics.close();
  const all = lines.join('');
  expect(lines.length).toBeGreaterThan(8);
  expect(all).toContain('"path":"/v1/audio/transcriptions"');
  expect(all).toContain('invalid_api_key');
  expect(all).toMatch(/"reqId":"req_/);
  for (const secret of [
    KEY,
    'query-secret',
    '비밀',
    clip.text,
    text,
    ...text.split(' ').filter((word) => word.length > 1),
  ]) {
    expect([secret, all.includes(secret)]).toEqual([secret, false]);
  }
});

it('fields that could hold speech or keys are redacted should anybody log them', () => {
  const { lines, logger } = collecting();
  logger.info(
    {
      text: '말',
      segment: { words: ['말'] },
      deep: { er: { transcript: '말' } },
      headers: { authorization: 'Bearer x' },
    },
    'careless',
  );
  expect(lines[0]).not.toMatch(/말|Bearer/);
  expect(lines[0]).toContain('[redacted]');
});
