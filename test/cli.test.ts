/** The command line as its users meet it: the built program, real files, the bundled model. */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { composeJamo } from '../src/decoding/index.js';
import { addCounts, NO_EDITS, rate, scoreCharacters, scoreWords } from '../src/korean/scoring.js';
import { toSrt, toVtt } from '../src/recognition/formats.js';
import type { Transcript } from '../src/recognition/contract.js';
import { malgwi, MALGWI, ROOT, serve, start, type Service } from './cli-support.js';

// Every test starts the real program, models and all, more than once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Clip {
  readonly audio: string;
  readonly text: string;
}
const clipPath = (name: string): string => join(ROOT, 'test-audio', name);
const clips = readFileSync(clipPath('manifest.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Clip);
const wavClip = clips.find((clip) => clip.audio.endsWith('.wav'))!;
const wav = clipPath(wavClip.audio);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-cli-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The samples of a canonical 16-bit mono wav, and their rate. */
function rawSamples(file: Buffer): { samples: Buffer; rate: number } {
  expect([file.readUInt16LE(20), file.readUInt16LE(22), file.readUInt16LE(34)]).toEqual([1, 1, 16]);
  return { samples: file.subarray(file.indexOf('data') + 8), rate: file.readUInt32LE(24) };
}

describe('malgwi', () => {
  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    expect(await malgwi(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('explains every command, with examples', async () => {
    const { stdout } = await malgwi(['--help']);
    for (const command of ['serve', 'transcribe', 'batch', 'jobs', 'mic', 'intent', 'models', 'evaluate']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
      const help = await malgwi([command, '--help']);
      expect(help.code).toBe(0);
      if (command !== 'intent') expect(help.stdout).toContain('Examples:');
    }
  });

  it.each([
    [['transcrib'], 'Did you mean transcribe'],
    [['transcribe'], 'file'],
    [['transcribe', '--json', '--srt', 'x'], 'cannot be used with'],
    [['transcribe', '--raw', 'mp3:1', 'x'], 'ENCODING:RATE:CHANNELS'],
    [['transcribe', '--srt', 'a', 'b'], 'invalid_request'],
    [['transcribe', '--metadata', 'x'], '--json'],
    [['transcribe', '--beam-width', '0', 'x'], '4096'],
    [['transcribe', '--alternatives', '1000', 'x'], '100'],
    [['transcribe', '--hot-word', '좌석', 'x'], 'WORD:BOOST'],
    [['transcribe', '--hot-word', ':3', 'x'], 'WORD:BOOST'],
    [['transcribe', '--hot-word', '좌석:much', 'x'], 'number'],
    [['transcribe', '--hot-word', '좌석:1', '--hot-word', '좌석:2', 'x'], 'already'],
    [['transcribe', '--lm-alpha', '1e9', 'x'], 'number'],
    [['transcribe', '--lm-beta', '', 'x'], 'number'],
    [['transcribe', '--segmentation', 'words', 'x'], 'pauses, none'],
    [['transcribe', '-', '-'], 'invalid_request'],
    [['evaluate'], '--manifest'],
    [['evaluate', '--manifest', 'x', '--no-second-pass'], '--live'],
    [['serve', '--port', '70000'], '65535'],
    [['serve', '--model', 'no such model'], 'config_invalid'],
    [['models', '--models-dir', '/nonexistent-folder'], 'config_invalid'],
  ])('refuses %j', async (args, words) => {
    const { code, stdout, stderr } = await malgwi(args);
    expect(code).toBe(1);
    expect(stderr).toContain(words);
    expect(stdout).toBe('');
  });
});

describe('malgwi transcribe', () => {
  let transcript: Transcript & { file: string };
  beforeAll(async () => {
    const { code, stdout, stderr } = await malgwi(['transcribe', '--json', wav]);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    transcript = JSON.parse(stdout) as Transcript & { file: string };
  });

  it('prints JSON with text, words and times', () => {
    expect(transcript.file).toBe(wav);
    expect(transcript.model).toBe('malgwi-ko');
    expect(transcript.text).toMatch(/[가-힣]/);
    expect(transcript.segments.map((segment) => segment.text).join(' ')).toBe(transcript.text);
    const words = transcript.segments.flatMap((segment) => segment.words);
    expect(words.map((word) => word.word).join(' ')).toBe(transcript.text);
    let last = 0;
    for (const word of words) {
      expect(word.start).toBeGreaterThanOrEqual(last);
      expect(word.end).toBeGreaterThanOrEqual(word.start);
      expect(word.end).toBeLessThanOrEqual(transcript.duration + 0.1);
      last = word.start;
    }
  });

  it('prints metadata on request: the tokens with their frames, joined over the utterances', async () => {
    const args = ['transcribe', '--json', '--metadata', '--alternatives', '2', '--lm-beta', '-1'];
    const { code, stdout, stderr } = await malgwi([...args, '--hot-word', '창가 쪽:-1.5', wav]);
    expect([code, stderr]).toEqual([0, '']);
    const { metadata, text } = JSON.parse(stdout) as Transcript;
    const { tokens, confidence } = metadata!.transcripts[0]!;
    expect(confidence).toBeLessThan(0);
    expect(composeJamo(tokens.map((token) => token.text).join(''), 'drop')).toBe(text);
    let last = 0;
    for (const token of tokens) {
      expect(Object.keys(token)).toEqual(['text', 'timestep', 'start_time', 'confidence']);
      expect(token.timestep).toBeGreaterThanOrEqual(last);
      expect(token.start_time).toBeCloseTo(token.timestep * 0.04, 5);
      expect(token.confidence).toBeGreaterThan(0);
      expect(token.confidence).toBeLessThanOrEqual(1);
      last = token.timestep;
    }
  });

  it('takes a whole file as one utterance when told to', async () => {
    const dialogue = join(ROOT, 'test-audio/dialogue.wav');
    const args = ['transcribe', '--json', '--segmentation'];
    const { stdout } = await malgwi([...args, 'none', dialogue]);
    const { segments, duration } = JSON.parse(stdout) as Transcript;
    expect(segments.map(({ start, end }) => [start, end])).toEqual([[0, Math.round(duration * 1000) / 1000]]);
    const cut = JSON.parse((await malgwi([...args, 'pauses', dialogue])).stdout) as Transcript;
    expect(cut.segments.length).toBeGreaterThan(1);
  });

  it('writes text, subtitles and several files, and goes on after one that fails', async () => {
    const output = join(folder, 'out');
    const copy = join(folder, 'copy.wav');
    const other = join(folder, 'copy.dat');
    await writeFile(copy, await readFile(wav));
    await writeFile(other, await readFile(wav));
    const [text, srt, vtt, several, files] = await Promise.all([
      malgwi(['transcribe', wav]),
      malgwi(['transcribe', '--srt', wav]),
      malgwi(['transcribe', '--vtt', wav]),
      malgwi(['transcribe', '--json', MALGWI, wav, join(folder, 'missing.mp3')]),
      malgwi(['transcribe', '--srt', '--output', output, copy, MALGWI, wav, other]),
    ]);
    expect(text.stdout.replace(/\n/g, ' ').trim()).toBe(transcript.text);
    expect(srt.stdout).toBe(toSrt(transcript));
    expect(vtt.stdout).toBe(toVtt(transcript));

    expect(several.code).toBe(1);
    expect(several.stderr).toMatch(/malgwi\.js: audio_unrecognized: /);
    expect(several.stderr).toMatch(/missing\.mp3: missing_file: /);
    expect(JSON.parse(several.stdout)).toMatchObject([
      { error: { code: 'audio_unrecognized' } },
      { file: wav, text: transcript.text },
      { error: { code: 'missing_file' } },
    ]);

    expect(files.code).toBe(1);
    const names = ['copy.dat.srt', 'copy.wav.srt', `${basename(wav, '.wav')}.srt`].sort();
    expect((await readdir(output)).sort()).toEqual(names);
    for (const name of names) expect(await readFile(join(output, name), 'utf8')).toBe(srt.stdout);
  });

  it('says which folder it cannot write to', async () => {
    const { code, stdout, stderr } = await malgwi(['transcribe', '--output', join(wav, 'below'), wav]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^invalid_request: The folder .+below of --output cannot be made: ENOTDIR\.\n$/);
  });

  it('reads standard input, and raw samples, to the same text', async () => {
    const raw = join(folder, 'clip.pcm');
    const clip = rawSamples(await readFile(wav));
    await writeFile(raw, clip.samples);
    const piped = start(process.execPath, [MALGWI, 'transcribe', '-'], { env: { TMPDIR: folder } });
    piped.child.stdin.end(await readFile(wav));
    const [stdin, rawResult] = await Promise.all([
      piped.finished,
      malgwi(['transcribe', '--raw', `pcm_s16le:${clip.rate}:1`, raw]),
    ]);
    expect(stdin.stdout.replace(/\n/g, ' ').trim()).toBe(transcript.text);
    expect(rawResult.stdout).toBe(stdin.stdout);
    expect((await readdir(folder)).filter((name) => name.includes('stdin'))).toEqual([]);
  });

  it('ends at once when interrupted, and leaves nothing behind', async () => {
    const private_ = join(folder, 'interrupted');
    await mkdir(private_);
    const running = start(process.execPath, [MALGWI, 'transcribe', '-'], { env: { TMPDIR: private_ } });
    running.child.stdin.write(await readFile(wav));
    // Its temporary file says that it is reading.
    for (let i = 0; i < 200 && (await readdir(private_)).length === 0; i += 1) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    running.child.kill('SIGINT');
    const { code, stderr } = await running.finished;
    expect(code).toBe(130);
    expect(stderr).toBe('cancelled: Interrupted.\n');
    expect(await readdir(private_)).toEqual([]);
  });
});

describe('malgwi models', () => {
  it('lists what is installed', async () => {
    const { code, stdout } = await malgwi(['models', '--json']);
    expect(code).toBe(0);
    const { models, broken } = JSON.parse(stdout) as {
      models: { name: string; isDefault: boolean; bytes: number }[];
      broken: unknown[];
    };
    expect(broken).toEqual([]);
    expect(models.find((model) => model.name === 'malgwi-ko')).toMatchObject({ isDefault: true });
    expect((await malgwi(['models', 'list'])).stdout).toMatch(/^malgwi-ko \*/m);
  });

  it('shows a package, and says which there are when there is no such one', async () => {
    const { stdout } = await malgwi(['models', 'show', 'malgwi-ko', '--json']);
    const manifest = await readFile(join(ROOT, 'models/malgwi-ko/manifest.json'), 'utf8');
    expect(JSON.parse(stdout)).toEqual(JSON.parse(manifest));
    expect((await malgwi(['models', 'show', 'malgwi-ko'])).stdout).toMatch(/licence +.*CC-BY-NC/);
    const fixtures = ['--models-dir', 'test/fixtures/packages'];
    const live = async (name: string): Promise<string> =>
      /^live +(.*)$/m.exec((await malgwi(['models', 'show', name, ...fixtures])).stdout)![1];
    expect(await live('tiny-ds2')).toBe(
      'streams, in chunks of 120 ms, 140 ms ahead, normalised by what was heard so far',
    );
    expect(await live('tiny-ctc')).toBe('decoded again and again');
    const missing = await malgwi(['models', 'show', 'nothing']);
    expect(missing).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^model_not_found: .*malgwi-ko/) as string,
    });
  });

  it('lists a broken package as broken, and the others all the same', async () => {
    const models = join(folder, 'models');
    await mkdir(join(models, 'broken'), { recursive: true });
    await writeFile(join(models, 'broken/manifest.json'), '{"schema": 1}');
    await mkdir(join(models, 'malgwi-ko'));
    for (const name of await readdir(join(ROOT, 'models/malgwi-ko'))) {
      await writeFile(join(models, 'malgwi-ko', name), await readFile(join(ROOT, 'models/malgwi-ko', name)));
    }
    const { stdout, stderr, code } = await malgwi(['models', '--models-dir', models]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^malgwi-ko \*/m);
    expect(stderr).toMatch(/^broken: manifest_invalid: /);
  });
});

describe('malgwi serve, and what talks to it', () => {
  let service: Service;
  beforeAll(async () => {
    service = await serve();
  });
  afterAll(async () => {
    expect(await service.stop()).toMatchObject({ code: 0 });
  });

  it('answers, and says in words when its port is taken', async () => {
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    const port = new URL(service.url).port;
    const second = await malgwi(['serve', '--port', port, '--log-level', 'silent']);
    expect(second).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(`^config_invalid: Port ${port} is taken`) as string,
    });
  });

  it('evaluates recordings as live streams', async () => {
    const manifest = clipPath('manifest.jsonl');
    const { code, stdout } = await malgwi([
      'evaluate',
      '--manifest',
      manifest,
      '--limit',
      '2',
      '--live',
      '--json',
    ]);
    expect(code).toBe(0);
    const report = JSON.parse(stdout) as {
      cerNoSpaces: number;
      live: { realTimeFactor: number; partials: number; stableShare: number; changedStable: number };
    };
    expect(report.cerNoSpaces).toBeLessThan(0.5);
    expect(report.live.partials).toBeGreaterThan(2);
    expect(report.live.realTimeFactor).toBeGreaterThan(0);
    expect(report.live.changedStable).toBe(0);
  });

  it('evaluates: error rates, counts and failures, pushed to the metrics', async () => {
    const lines = [
      ...clips.slice(0, 3).map(({ audio, text }) => ({ audio: clipPath(audio), text, split: 'clips' })),
      { audio: 'missing.wav', text: '없는 파일', split: 'broken' },
    ];
    const manifest = join(folder, 'set.jsonl');
    await writeFile(manifest, lines.map((line) => JSON.stringify(line)).join('\n'));
    const [evaluation, transcribed] = await Promise.all([
      malgwi([
        'evaluate',
        '--manifest',
        manifest,
        '--json',
        '--errors',
        '5',
        '--push',
        service.url,
        '--set',
        'clips',
      ]),
      malgwi(['transcribe', '--json', ...lines.slice(0, 3).map((line) => line.audio)]),
    ]);
    expect(evaluation.code).toBe(1);
    expect(evaluation.stderr).toMatch(/^missing\.wav: missing_file: /m);
    const report = JSON.parse(evaluation.stdout) as Record<string, number> & {
      bySplit: Record<string, { utterances: number; cer: number; deletions: number }>;
      failures: unknown[];
      errors: { audio: string }[];
    };

    const texts = (JSON.parse(transcribed.stdout) as Transcript[]).map((transcript) => transcript.text);
    const pairs = lines.map((line, index) => [line.text, texts[index] ?? ''] as const);
    const total = (spaces: boolean) =>
      pairs.map(([r, h]) => scoreCharacters(r, h, { spaces })).reduce(addCounts, NO_EDITS);
    const words = pairs.map(([r, h]) => scoreWords(r, h)).reduce(addCounts, NO_EDITS);
    const characters = total(true);
    expect(report).toMatchObject({
      utterances: 4,
      failed: 1,
      substitutions: characters.substitutions,
      deletions: characters.deletions,
      insertions: characters.insertions,
      referenceCharacters: characters.referenceLength,
      normalizer: 'malgwi-score-1',
    });
    expect(report.cer).toBeCloseTo(rate(characters), 10);
    expect(report.cerNoSpaces).toBeCloseTo(rate(total(false)), 10);
    expect(report.wer).toBeCloseTo(rate(words), 10);
    expect(report.realTimeFactor).toBeGreaterThan(0);
    expect(report.bySplit).toMatchObject({
      clips: { utterances: 3 },
      broken: { utterances: 1, cer: 1, deletions: 5 },
    });
    expect(report.failures).toEqual([
      { audio: 'missing.wav', code: 'missing_file', message: expect.any(String) as string },
    ]);
    expect(report.errors.map((entry) => entry.audio)).toContain('missing.wav');

    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    const noSpaces = total(false);
    const counted = metrics
      .split('\n')
      .filter((line) => line.includes('set="clips"') && !line.startsWith('#'));
    expect(counted.some((line) => line.endsWith(` ${noSpaces.referenceLength}`))).toBe(true);
    expect(counted.some((line) => line.endsWith(` ${words.referenceLength}`))).toBe(true);
  });

  it('prints an evaluation for people, one split of it', async () => {
    const { code, stdout, stderr } = await malgwi([
      'evaluate',
      '--manifest',
      clipPath('manifest.jsonl'),
      '--limit',
      '2',
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /CER without spaces +[\d.]+ % +\d+ substitutions, \d+ deletions, \d+ insertions of \d+/,
    );
    expect(stdout).toMatch(/real-time factor 0\.\d+ \(\d+x real time\)/);
    expect(stdout).toContain('normaliser malgwi-score-1');
    expect(stderr).toContain('100 % (2/2 utterances)');
  });
});
