/** The documentation of the live protocol, taken at its word: its messages are checked, its programs are run. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NativeProtocol } from '../src/live/protocols/native.js';
import { SERVER_MESSAGES } from '../src/live/protocols/native-messages.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { startRecognizer, wav } from './http-support.js';
import { LiveClient, liveService, wavData, withPause } from './live-support.js';
import type { LiveService } from './live-support.js';
import { missing, openPage } from './page-support.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const reference = read('docs/reference/live.md');
const guide = read('docs/guides/live-microphone.md');
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]);
const clip = wavData(join(root, 'test-audio/reserve-a3.wav'));

describe('docs/reference/live.md', () => {
  it('shows every message, each valid', () => {
    const shown = new Set<string>();
    const protocol = new NativeProtocol({ partialIntervalMs: 250 });
    for (const block of blocks(reference, 'json')) {
      const message = JSON.parse(block) as { type: string };
      shown.add(message.type);
      const schema = SERVER_MESSAGES[message.type as keyof typeof SERVER_MESSAGES];
      if (schema === undefined) expect(protocol.text(block)).not.toMatchObject([{ type: 'invalid' }]);
      else expect(Value.Check(schema, message), message.type).toBe(true);
    }
    expect([...shown].sort()).toEqual(
      [
        ...Object.keys(SERVER_MESSAGES),
        'hello',
        'resume',
        'seen',
        'flush',
        'finish',
        'dialogue',
        'ping',
      ].sort(),
    );
  });
});

describe('programs of the documentation', () => {
  let recognizer: Recognizer;
  let service: LiveService;
  let folder: string;
  let pages: ReturnType<typeof createServer>;
  let origin: string;

  beforeAll(async () => {
    const [html] = blocks(guide, 'html browser');
    pages = createServer(
      (_request, response) => void response.setHeader('content-type', 'text/html').end(html),
    );
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${String((pages.address() as AddressInfo).port)}`;
    folder = await mkdtemp(join(tmpdir(), 'malgwi-guide-'));
    recognizer = await startRecognizer(1);
    service = await liveService(recognizer, { server: { corsOrigins: [origin] } });
  });
  afterAll(async () => {
    pages.close();
    await service.close();
    await recognizer.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** What a program of the documentation prints of this audio. */
  async function run(program: string, audio: Uint8Array): Promise<string> {
    // Beside the tests, where its import of ws is found.
    const file = join(root, 'node_modules', '.documented-program.mjs');
    await writeFile(file, program);
    try {
      return await new Promise<string>((resolve, reject) => {
        const env = { ...process.env, MALGWI_URL: service.url };
        const child = execFile(process.execPath, [file], { env }, (error, stdout) =>
          error === null ? resolve(stdout) : reject(error),
        );
        child.stdin!.end(audio);
      });
    } finally {
      await rm(file);
    }
  }

  it('the guide has a program for Node that prints what the socket says', async () => {
    const client = await LiveClient.open(service.url);
    await client.play(clip, 32_000);
    await client.finish();
    const [program] = blocks(guide, 'js node');
    const output = await run(program, clip);
    expect(client.text).not.toBe('');
    expect(output).toContain(client.text);
    expect(output).toContain(client.of('intent').at(-1)!.intent);
  }, 30_000);

  it('the reference has a program that prepares what an eager end says, and undoes it', async () => {
    const [program] = blocks(reference, 'js eager');
    const paused = withPause(clip, 0.4);
    const heard = (await run(program, paused)).trim().split('\n');
    expect(heard.map((line) => line.split(' ')[0])).toEqual(['prepare', 'undo', 'prepare', 'carry']);
    expect(heard.at(-1)).toMatch(/^carry out what is prepared: /);
    expect(heard.at(-1)).toContain(heard[2].slice('prepare '.length));
  }, 30_000);

  it('has the client for connections that break that test/live-resume.test.ts and torture:live use', () => {
    expect(blocks(guide, 'js resuming')).toEqual([read('scripts/lib/resuming-stream.mjs')]);
  });

  it.skipIf(missing.length > 0)(
    'the guide has a page for browsers that writes along',
    async () => {
      const microphone = join(folder, 'microphone.wav');
      const samples = new Int16Array(16_000 + clip.length / 2 + 32_000);
      samples.set(new Int16Array(clip.slice().buffer), 16_000);
      await writeFile(microphone, wav(samples));
      const { page, close } = await openPage(
        new URL(origin).host,
        `/?url=${encodeURIComponent(service.url)}`,
        microphone,
      );
      try {
        await page.click('#start');
        await page.locator('#partial:not(:empty)').waitFor();
        await page.locator('#finals li:not(:empty)').first().waitFor();
        await page.click('#stop');
        await page.locator('#start:enabled').waitFor();
        expect(recognizer.stats().liveStreams).toBe(0);
      } finally {
        await close();
      }
    },
    60_000,
  );
});
