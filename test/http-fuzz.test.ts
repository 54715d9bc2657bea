/**
 * 600 random and mutated uploads on real sockets, by a seed, so that a failure can be seen again: every one is answered
 * with a code of the table or a transcript, the process lives, nothing is left on the disk, and memory comes back.
 */
import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '../src/errors.js';
import type { Recognizer } from '../src/recognition/contract.js';
import {
  clips,
  leftOver,
  silence,
  startRecognizer,
  testService,
  transcribe,
  TRANSCRIPTIONS,
  wavClip,
} from './http-support.js';
import type { TestService } from './http-support.js';

const UPLOADS = 600;
const AT_A_TIME = 4;

/** mulberry32: small, fast and the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Dice {
  readonly next: () => number;
  constructor(seed: number) {
    this.next = random(seed);
  }
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }
  bytes(length: number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let index = 0; index < length; index += 1) bytes[index] = this.below(256);
    return bytes;
  }
}

/** Damage of the kinds that really happen: cut, flipped bits, holes, repeats, lies in headers. */
function mutate(dice: Dice, original: Buffer): Buffer {
  let bytes: Buffer = Buffer.from(original);
  for (let round = 0; round <= dice.below(3); round += 1) {
    const at = dice.below(bytes.length);
    switch (dice.below(7)) {
      case 0:
        bytes = bytes.subarray(0, at);
        break;
      case 1:
        for (let flips = 0; flips < 1 + dice.below(20); flips += 1)
          bytes[dice.below(bytes.length)] ^= 1 << dice.below(8);
        break;
      case 2:
        // Headers are where decoders believe what they read.
        for (let flips = 0; flips < 4; flips += 1)
          bytes[dice.below(Math.min(64, bytes.length))] = dice.below(256);
        break;
      case 3:
        bytes = Buffer.concat([bytes.subarray(0, at), dice.bytes(dice.below(300)), bytes.subarray(at)]);
        break;
      case 4:
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + dice.below(2000))]);
        break;
      case 5:
        bytes.fill(dice.of([0, 255]), at, Math.min(bytes.length, at + dice.below(4000)));
        break;
      default:
        if (bytes.length >= 8)
          bytes.writeUInt32LE(
            dice.of([0, 1, 0x7fffffff, 0xffffffff]),
            dice.below(Math.min(60, bytes.length - 4)),
          );
    }
    if (bytes.length === 0) return bytes;
  }
  return bytes;
}

const FIELDS: readonly (readonly [string, readonly string[]])[] = [
  ['model', ['whisper-1', 'malgwi-ko', 'zz', '', '../../etc/passwd', '\u0000', 'x'.repeat(5000)]],
  ['response_format', ['json', 'text', 'srt', 'vtt', 'verbose_json', 'diarized_json', 'XML', '']],
  ['language', ['ko', 'en', '', '한국어']],
  ['temperature', ['0', '0.5', '1e309', 'NaN', '-1', '']],
  ['stream', ['true', 'false', 'yes', '']],
  ['prompt', ['좌석', 'x'.repeat(80_000)]],
  ['timestamp_granularities[]', ['word', 'segment', 'none']],
  ['include[]', ['logprobs', 'x']],
  [
    'chunking_strategy',
    [
      'auto',
      '{"type":"server_vad","threshold":0.3}',
      '{"type":"server_vad","threshold":"a"}',
      '{',
      'null',
      '[[]]',
    ],
  ],
  ['chunking_strategy[threshold]', ['0.5', '{}']],
  ['keywords[]', ['반납', 'x'.repeat(200)]],
  ['__proto__', ['x']],
  ['file', ['not a file']],
  ['', ['no name']],
  ['ㅎ'.repeat(300), ['long name']],
];

interface Upload {
  readonly headers: Record<string, string>;
  readonly body: Buffer;
  /** Send only so many bytes, then close the connection. */
  readonly hangUpAfter?: number;
}

function formOf(dice: Dice, file: Buffer): Buffer[] {
  const boundary = 'fuzz-boundary';
  const parts: Buffer[] = [];
  const add = (head: string, value: Buffer): void => {
    parts.push(Buffer.from(`--${boundary}\r\n${head}\r\n\r\n`), value, Buffer.from('\r\n'));
  };
  const name = dice.of([
    'clip.wav',
    '../../../tmp/x.wav',
    'x'.repeat(3000),
    '한글.mp3',
    '"; drop',
    '',
    'a\u0000b.wav',
  ]);
  const type = dice.of([
    'audio/wav',
    'text/html',
    'application/json',
    '',
    'multipart/mixed',
    'application/octet-stream',
  ]);
  const field = dice.below(20) === 0 ? 'audio' : 'file';
  const addFile = (): void =>
    add(`Content-Disposition: form-data; name="${field}"; filename="${name}"\r\nContent-Type: ${type}`, file);
  const early = dice.below(2) === 0;
  if (early) addFile();
  for (let count = dice.below(3); count > 0; count -= 1) {
    // Mostly fields that are right, so that most files reach the decoders.
    const right = dice.below(8) !== 0;
    const [key, values] = dice.of(right ? FIELDS.slice(0, 5) : FIELDS);
    add(`Content-Disposition: form-data; name="${key}"`, Buffer.from(right ? values[0] : dice.of(values)));
  }
  if (!early && dice.below(15) !== 0) addFile();
  if (dice.below(25) === 0) addFile();
  if (dice.below(40) === 0)
    for (let count = 0; count < 450; count += 1)
      add('Content-Disposition: form-data; name="keywords[]"', Buffer.from('x'));
  if (dice.below(12) !== 0) parts.push(Buffer.from(`--${boundary}--\r\n`));
  return parts;
}

function makeUpload(dice: Dice, sounds: readonly Buffer[]): Upload {
  const sound = dice.of(sounds);
  const file = dice.below(6) === 0 ? dice.bytes(dice.below(5000)) : mutate(dice, sound);
  let body: Buffer = Buffer.concat(formOf(dice, file));
  const kind = dice.below(12);
  if (kind === 0) body = body.subarray(0, dice.below(body.length));
  if (kind === 1) body = mutate(dice, body);
  const types = [
    'multipart/form-data; boundary=other',
    'multipart/form-data',
    'multipart/form-data; boundary=',
    `multipart/form-data; boundary=${'b'.repeat(200)}`,
    'application/json',
    'text/plain',
    'multipart/mixed; boundary=fuzz-boundary',
  ];
  const type = dice.below(12) === 0 ? dice.of(types) : 'multipart/form-data; boundary=fuzz-boundary';
  const hangUp = dice.below(30) === 0 && body.length > 10;
  return {
    headers: { 'content-type': type },
    body,
    ...(hangUp ? { hangUpAfter: dice.below(body.length) } : {}),
  };
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** @returns undefined where the upload itself hung up */
function send(port: number, upload: Upload): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        port,
        host: '127.0.0.1',
        path: TRANSCRIPTIONS,
        method: 'POST',
        headers: { ...upload.headers, 'content-length': upload.body.length },
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () =>
          resolve({ status: response.statusCode!, body: Buffer.concat(parts).toString() }),
        );
        response.on('error', reject);
      },
    );
    call.setTimeout(20_000, () => call.destroy(new Error('no answer within 20 s')));
    call.on('error', (error) => (upload.hangUpAfter === undefined ? reject(error) : resolve(undefined)));
    if (upload.hangUpAfter === undefined) call.end(upload.body);
    else call.write(upload.body.subarray(0, upload.hangUpAfter), () => call.destroy());
  });
}

const megabytes = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 2 ** 20;
};

describe('uploads by a hostile or unlucky client', () => {
  let recognizer: Recognizer;
  let service: TestService;
  let port: number;

  beforeAll(async () => {
    recognizer = await startRecognizer(2);
    service = await testService(recognizer, { uploads: { maxBytes: 2_000_000, maxSeconds: 120 } });
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    port = (service.app.server.address() as AddressInfo).port;
  });
  afterAll(async () => {
    await service.close();
    await recognizer.close();
  });

  it(`${UPLOADS} of them`, { timeout: 300_000 }, async () => {
    const sounds = [...clips().map(({ bytes }) => bytes), silence(1)];
    const dice = new Dice(20_260_917);
    const uploads = Array.from({ length: UPLOADS }, () => makeUpload(dice, sounds));
    const codes = new Map<string, number>();
    const wrong: string[] = [];
    let before = 0;
    const work = async (from: number, to: number): Promise<void> => {
      let next = from;
      const one = async (): Promise<void> => {
        while (next < to) {
          const index = next;
          next += 1;
          const answer = await send(port, uploads[index]).catch((error: unknown) => String(error));
          const verdict = typeof answer === 'string' ? { code: 'no answer', problem: answer } : judge(answer);
          codes.set(verdict.code ?? 'hung up', (codes.get(verdict.code ?? 'hung up') ?? 0) + 1);
          if (verdict.problem !== undefined) wrong.push(`upload ${index}: ${verdict.problem}`);
        }
      };
      await Promise.all(Array.from({ length: AT_A_TIME }, one));
    };
    // A third first: memory that every service takes once (decoders, buffers of workers) is no leak.
    await work(0, UPLOADS / 3);
    before = megabytes();
    await work(UPLOADS / 3, UPLOADS);
    await sleep(500);
    const after = megabytes();
    console.log(
      `codes: ${JSON.stringify(Object.fromEntries([...codes].sort()))}; RSS ${before.toFixed(0)} MB, then ${after.toFixed(0)} MB`,
    );

    expect(wrong).toEqual([]);
    // The mutations are worth something only while they reach deep: transcripts and many different errors.
    expect(codes.get('transcript')).toBeGreaterThan(UPLOADS / 10);
    expect(codes.size).toBeGreaterThan(8);
    expect(leftOver(service)).toEqual([]);
    expect(service.app.uploads.active).toBe(0);
    expect(after - before).toBeLessThan(150);
    const whole = await transcribe(service.app, [['file', { bytes: wavClip().bytes }]]);
    expect(whole.statusCode).toBe(200);
    expect(recognizer.stats()).toMatchObject({ queued: 0, restarts: 0 });
  });
});

function judge(answer: Answer | undefined): { code?: string; problem?: string } {
  if (answer === undefined) return {};
  const { status, body } = answer;
  if (status === 200) {
    // An event stream that fails late says so in an event, with a code of the table.
    const late = /"code":"([a-z_]+)"/.exec(body)?.[1];
    if (late !== undefined && body.startsWith('data: ')) {
      return late in ERRORS && late !== 'internal_error'
        ? { code: late }
        : { code: late, problem: body.slice(0, 300) };
    }
    return { code: 'transcript' };
  }
  let code: unknown;
  try {
    code = (JSON.parse(body) as { error: { code: unknown } }).error.code;
  } catch {
    return { code: 'no JSON', problem: `${status} ${body.slice(0, 200)}` };
  }
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code))
    return { code: String(code), problem: 'not a code of the table' };
  if (ERRORS[code as keyof typeof ERRORS].status !== status)
    return { code, problem: `answered with ${status}` };
  if (status >= 500) return { code, problem: `a client's bytes made ${code}` };
  return { code };
}
