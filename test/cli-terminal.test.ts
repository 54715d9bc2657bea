/** What only shows live: the microphone, and the progress bar on a terminal. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAudioFile } from '../src/audio/index.js';
import { rate, scoreCharacters } from '../src/korean/scoring.js';
import type { ServerMessage } from '../src/live/protocols/native-messages.js';
import {
  installRecorder,
  MALGWI,
  malgwi,
  ROOT,
  script,
  serve,
  start,
  type RunOptions,
} from './cli-support.js';

// Every test starts the real program, models and all, more than once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const { audio } = readFileSync(join(ROOT, 'test-audio/manifest.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { audio: string })
  .find((clip) => clip.audio.endsWith('.wav'))!;
const wav = join(ROOT, 'test-audio', audio);

let folder: string;
let samples: Buffer;
let withRecorder: RunOptions;
/** What the same audio gives as a file. */
let text: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-terminal-'));
  await installRecorder(folder);
  const stream = await openAudioFile(wav);
  const pieces: Buffer[] = [];
  for await (const chunk of stream.chunks()) {
    pieces.push(Buffer.from(Int16Array.from(chunk, (value) => Math.round(value * 32767)).buffer));
  }
  await stream.close();
  samples = Buffer.concat(pieces);
  await writeFile(join(folder, 'clip.pcm'), samples);
  withRecorder = { env: { PATH: `${folder}:/bin:/usr/bin`, CLIP: join(folder, 'clip.pcm') } };
  text = (await malgwi(['transcribe', wav])).stdout.replace(/\s+/g, ' ').trim();
  expect(text).toMatch(/[가-힣]/);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const messages = (stdout: string): ServerMessage[] =>
  stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as ServerMessage);
const finals = (stdout: string): string =>
  messages(stdout)
    .flatMap((message) => (message.type === 'final' ? [message.text] : []))
    .join(' ');

/** Live and offline cut and pad an utterance differently; what was said stays the same but for a syllable or two. */
const difference = (heard: string): number => rate(scoreCharacters(text, heard, { spaces: false }));

describe('malgwi mic', () => {
  const seconds = (): number => samples.length / 32_000;

  it('prints partials while someone speaks, then the final', async () => {
    const running = start(process.execPath, [MALGWI, 'mic', '--json'], withRecorder);
    await running.until(/"type":"final"/);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const partials = messages(stdout).filter((message) => message.type === 'partial');
    expect(partials.length).toBeGreaterThanOrEqual(Math.floor(seconds()));
    expect(difference(finals(stdout))).toBeLessThanOrEqual(0.25);
  });

  it('loses no word when Ctrl-C comes in the middle of one', async () => {
    const running = start(process.execPath, [MALGWI, 'mic', '--json', '--no-intent'], withRecorder);
    await running.until(/"type":"partial"/);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    expect(messages(stdout).at(-1)).toMatchObject({ type: 'final' });
  });

  it('works on a running service, and reports one that is not there', async () => {
    const service = await serve();
    try {
      const running = start(process.execPath, [MALGWI, 'mic', '--server', service.url], withRecorder);
      await running.until(/[가-힣]/);
      running.child.kill('SIGINT');
      const { code, stdout, stderr } = await running.finished;
      expect(code).toBe(0);
      expect(stderr).toBe('Listening through arecord. Ctrl-C ends.\n');
      expect(difference(stdout.replace(/^ {2}->.*$/gm, ''))).toBeLessThanOrEqual(0.25);
    } finally {
      await service.stop();
    }
    const refused = await malgwi(['mic', '--server', service.url], withRecorder);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^not_ready: No service/) as string,
    });
  });

  it('says what to install when there is no recorder', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    const { code, stderr } = await malgwi(['mic'], { env: { PATH: empty } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^microphone_unavailable: .*apt-get install alsa-utils/);
  });

  it("passes on a recorder's own words", async () => {
    const complaint = 'arecord: main:831: audio open error: No such file or directory';
    const { code, stderr } = await malgwi(['mic'], {
      env: { ...withRecorder.env, COMPLAINT: complaint },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`microphone_unavailable: arecord could not record: ${complaint}`);
  });
});

/** The real arecord, recording from a file through ALSA's `file` plug-in. */
const ALSA = '/usr/share/alsa/alsa.conf';
const arecord = existsSync(ALSA) && ['/usr/bin/arecord', '/bin/arecord'].some((path) => existsSync(path));

describe.skipIf(!arecord)('malgwi mic through ALSA (needs alsa-utils)', () => {
  it('records with the real arecord', async () => {
    const settings = join(folder, 'alsa.conf');
    await writeFile(
      settings,
      `<${ALSA}>
pcm.clip { type file slave.pcm "null" file "/dev/null" infile "${join(folder, 'clip.pcm')}" format "raw" }
`,
    );
    const running = start(
      process.execPath,
      [MALGWI, 'mic', '--json', '--recorder', 'arecord', '--device', 'clip'],
      { env: { ALSA_CONFIG_PATH: settings } },
    );
    await running.until(/"type":"final"/);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.finished;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(difference(finals(stdout))).toBeLessThanOrEqual(0.25);
  });
});

describe.skipIf(!script)('on a terminal (needs util-linux)', () => {
  it('draws a progress bar on long files, takes it away, and prints clean text', async () => {
    const long = join(folder, 'long.pcm');
    const piece = Buffer.concat([samples, Buffer.alloc(32_000)]);
    const turns = Math.ceil((8 * 60 * 32_000) / piece.length);
    await writeFile(long, Buffer.concat(Array.from({ length: turns }, () => piece)));
    const command = `'${process.execPath}' '${MALGWI}' transcribe --raw pcm_s16le:16000:1 '${long}' > '${folder}/long.txt'`;
    const { stdout } = await start('script', ['-qefc', command, '/dev/null']).finished;
    expect(stdout).toMatch(/[█░]+ +\d+% \| \d+:\d\d of \d+:\d\d \| \d+(\.\d)?x real time \| \d+:\d\d left/);
    // The last thing on the terminal: the line cleared, the cursor back.
    // eslint-disable-next-line no-control-regex
    expect(stdout.trimEnd()).toMatch(/\u001b\[\?25h[^█]*$/);
    const written = await readFile(join(folder, 'long.txt'), 'utf8');
    // eslint-disable-next-line no-control-regex
    expect(written).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
    expect(written).toMatch(/^[가-힣 ]+$/m);
  });
});
