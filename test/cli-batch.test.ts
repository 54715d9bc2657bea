/** `malgwi batch` and `malgwi jobs` as their users meet them: the built program, in this process or against a service. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { markOf } from '../src/cli/batch/run.js';
import type { ConfigOverrides } from '../src/config.js';
import { jobIdOfUpload } from '../src/resumable/index.js';
import { malgwi, MALGWI, ROOT, start } from './cli-support.js';
import { silence } from './http-support.js';
import { jobService, models, transcript } from './jobs-support.js';
import type { JobService } from './jobs-support.js';

// Every test starts the real program more than once.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const clip = (name: string): string => join(ROOT, 'test-audio', name);
const files = async (dir: string): Promise<string[]> =>
  (await readdir(dir, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(dir.length + 1))
    .sort();

let folder: string;
let audio: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-cli-batch-'));
  [audio, out] = [join(folder, 'audio'), join(folder, 'audio/out')];
  await mkdir(join(audio, '강의'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('malgwi batch in this process', () => {
  it('does a folder, reports what failed, and the next time does what is left', async () => {
    await copyFile(clip('reserve-a3.wav'), join(audio, 'reserve.wav'));
    await copyFile(clip('cancel.ogg'), join(audio, '강의/1.ogg'));
    await writeFile(join(audio, 'bad.mp3'), 'no audio');
    await symlink('/etc', join(audio, 'etc'));
    const args = ['batch', audio, '--out', out, '--formats', 'text,srt,json'];
    const first = await malgwi(args);
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/^Left out, because links are not followed: 1\.$/m);
    expect(first.stderr).toMatch(/^bad\.mp3: audio_unrecognized: /m);
    expect(first.stdout).toMatch(/^done +2 +\d:\d\d +\d:\d\d +[\d.]+x real time$/m);
    expect(first.stdout).toMatch(/^failed +1$/m);
    expect(await files(out)).toEqual(
      [
        '.malgwi-batch.jsonl',
        'reserve.json',
        'reserve.srt',
        'reserve.txt',
        '강의/1.json',
        '강의/1.srt',
        '강의/1.txt',
      ].sort(),
    );
    // The same as the service gives.
    const { stdout } = await malgwi(['transcribe', '--srt', clip('reserve-a3.wav')]);
    expect(await readFile(join(out, 'reserve.srt'), 'utf8')).toBe(stdout);
    const json = JSON.parse(await readFile(join(out, '강의/1.json'), 'utf8')) as object;
    expect(json).toMatchObject({
      task: 'transcribe',
      language: 'korean',
      words: expect.any(Array) as object,
    });

    await copyFile(clip('greeting.wav'), join(audio, 'bad.mp3'));
    const second = await malgwi(args);
    expect([second.code, second.stderr]).toEqual([0, expect.stringContaining('links') as string]);
    expect(second.stdout).toMatch(/^done +1 .*\nskipped +2\nfailed +0$/m);
  });

  it('refuses what cannot be', async () => {
    for (const [args, words] of [
      [['batch', audio], '--out'],
      [['batch', audio, '--out', out, '--formats', 'docx'], 'json, text, srt, vtt'],
      [['batch', join(folder, 'nowhere'), '--out', out], 'invalid_request'],
      [['batch', audio, '--out', MALGWI], 'invalid_request'],
      [['batch', audio, '--out', out, '--concurrency', '0'], '256'],
      [['jobs', 'list', '--state', 'lost'], 'completed'],
    ] as const) {
      const { code, stderr } = await malgwi(args);
      expect([code, stderr]).toEqual([1, expect.stringContaining(words) as string]);
    }
    expect((await malgwi(['batch', audio, '--out', out])).code).toBe(0);
  });
});

describe('against a service', () => {
  let service: JobService;
  let server: string;
  let worker: NodeJS.Timeout | undefined;

  async function serve(overrides: ConfigOverrides = {}): Promise<void> {
    service = await jobService(models, overrides);
    await service.app.listen({ host: '127.0.0.1', port: 0 });
    server = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}/`;
  }
  afterEach(async () => {
    clearInterval(worker);
    await service.close();
  });

  /** Completes whatever is queued, or fails it. */
  function work(fail = false): void {
    clearInterval(worker);
    const { queue, storage } = service;
    worker = setInterval(() => {
      for (const [id, { job }] of queue.entries) {
        if (job.state !== 'queued') continue;
        queue.change(id, 'started', { state: 'active', startedAt: Date.now() });
        const finishedAt = Date.now() + 1;
        if (fail) {
          const error = { code: 'worker_crashed', message: 'it fell over' } as const;
          queue.change(id, 'failed', { state: 'failed', error, finishedAt });
          continue;
        }
        const resultKey = `results/${id}.json`;
        const progress = { doneSeconds: 2.4, totalSeconds: 2.4 };
        void storage.put(resultKey, Readable.from([Buffer.from(JSON.stringify(transcript))])).then(() =>
          queue.change(id, 'completed', {
            state: 'completed',
            resultKey,
            finishedAt,
            progress,
            error: undefined,
          }),
        );
      }
    }, 20);
  }
  const jobs = () => [...service.queue.entries.values()].map(({ job }) => job);
  const batch = (...more: string[]) => malgwi(['batch', audio, '--out', out, '--server', server, ...more]);

  it('has a folder done: small files as forms, large ones resumable', async () => {
    await serve();
    work();
    await writeFile(join(audio, 'small.wav'), silence(0.2));
    await writeFile(join(audio, '강의/large.wav'), silence(300));
    const first = await batch('--formats', 'text,vtt', '--model', 'test-other');
    expect([first.code, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/^done +2 +0:05 /m);
    expect(await readFile(join(out, '강의/large.txt'), 'utf8')).toBe(`${transcript.text}\n`);
    expect(await readFile(join(out, 'small.vtt'), 'utf8')).toMatch(/^WEBVTT/);
    expect(jobs().map(({ spec }) => [spec.name, spec.model, spec.outputs, spec.source])).toEqual(
      expect.arrayContaining([
        ['small.wav', 'test-other', ['text', 'vtt'], expect.objectContaining({ bytes: silence(0.2).length })],
        ['large.wav', 'test-other', ['text', 'vtt'], expect.objectContaining({ bytes: silence(300).length })],
      ]) as unknown,
    );
    expect((await batch('--formats', 'text,vtt', '--model', 'test-other')).stdout).toMatch(/^skipped +2$/m);
    // Nothing noted any more: the key of the request leads to the same job.
    await rm(join(out, '.malgwi-batch.jsonl'));
    await rm(join(out, 'small.txt'));
    expect((await batch('--formats', 'text,vtt', '--model', 'test-other')).code).toBe(0);
    expect(jobs()).toHaveLength(2);
  });

  it('goes on after Ctrl-C with the jobs that were begun', async () => {
    await serve();
    for (const name of ['a', 'b', 'c']) await writeFile(join(audio, `${name}.wav`), silence(0.2));
    await writeFile(join(audio, 'large.wav'), silence(300));
    const args = ['batch', audio, '--out', out, '--server', server, '--concurrency', '2'];
    const running = start(process.execPath, [MALGWI, ...args]);
    await vi.waitFor(() => expect(jobs()).toHaveLength(2), { timeout: 60_000 });
    running.child.kill('SIGINT');
    const { code, stderr } = await running.finished;
    expect([code, stderr]).toEqual([130, expect.stringContaining('the same command goes on') as string]);
    const begun = jobs().map(({ id }) => id);
    work();
    const again = await malgwi(args);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toMatch(/^done +4 /m);
    const all = jobs().map(({ id }) => id);
    expect(all).toHaveLength(4);
    expect(all).toEqual(expect.arrayContaining(begun));
    expect(await files(out)).toEqual(['.malgwi-batch.jsonl', 'a.json', 'b.json', 'c.json', 'large.json']);
  });

  it('goes on with an upload that was cut off', async () => {
    await serve();
    work();
    const path = join(audio, 'large.wav');
    const bytes = silence(300);
    await writeFile(path, bytes);
    const tus = { 'tus-resumable': '1.0.0' };
    const length = String(bytes.length);
    const made = await fetch(`${server}v1/uploads`, {
      method: 'POST',
      headers: { ...tus, 'upload-length': length },
    });
    const upload = new URL(made.headers.get('location')!, server).href;
    const patch = { ...tus, 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
    await fetch(upload, {
      method: 'PATCH',
      headers: patch,
      body: new Uint8Array(bytes.subarray(0, 4_000_000)),
    });
    const { mtimeMs } = await stat(path);
    const mark = markOf({ name: 'large.wav', path, bytes: bytes.length, mtimeMs }, ['']);
    await mkdir(out);
    const note = { name: 'large.wav', mark, server, upload };
    await writeFile(join(out, '.malgwi-batch.jsonl'), `${JSON.stringify(note)}\n`);
    let received = 0;
    service.app.server.on('request', ({ headers, method }) => {
      if (method === 'PATCH') received += Number(headers['content-length']);
    });
    expect(await batch()).toMatchObject({ code: 0, stderr: '' });
    expect(received).toBe(bytes.length - 4_000_000);
    expect(jobs().map(({ id }) => id)).toEqual([jobIdOfUpload(upload.split('/').at(-1)!)]);
  });

  it('lists what failed with its code, and tries that again the next time', async () => {
    await serve();
    work(true);
    await writeFile(join(audio, 'a.wav'), silence(0.2));
    await writeFile(join(audio, 'text.wav'), 'no audio');
    const first = await batch();
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/^a\.wav: worker_crashed: it fell over$/m);
    expect(first.stderr).toMatch(/^text\.wav: audio_unrecognized: /m);
    await rm(join(audio, 'text.wav'));
    work();
    expect(await batch()).toMatchObject({ code: 0, stderr: '' });
    expect(jobs()).toHaveLength(1);
  });

  it('says at once that nobody answers, or that the key is wrong', async () => {
    await serve({ server: { apiKeys: ['right-key'] } });
    work();
    await writeFile(join(audio, 'a.wav'), silence(0.2));
    expect(await batch()).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^invalid_api_key: /) as string,
    });
    const env = { MALGWI_API_KEYS: 'right-key' };
    const args = ['batch', audio, '--out', out, '--server'];
    expect(await malgwi([...args, server], { env })).toMatchObject({ code: 0, stderr: '' });
    await rm(join(out, 'a.json'));
    const nobody = await malgwi([...args, 'http://127.0.0.1:9']);
    expect(nobody).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^not_ready: No service/) as string,
    });
  });

  it('shows, cancels and retries jobs', async () => {
    await serve();
    for (const name of ['a', 'b']) await writeFile(join(audio, `${name}.wav`), silence(0.2));
    const running = start(process.execPath, [MALGWI, 'batch', audio, '--out', out, '--server', server]);
    await vi.waitFor(() => expect(jobs()).toHaveLength(2), { timeout: 60_000 });
    running.child.kill('SIGINT');
    await running.finished;
    const run = (...args: string[]) => malgwi(['jobs', ...args, '--server', server]);
    const [{ id }, other] = jobs();
    const list = await run('list');
    expect(list.stdout).toMatch(new RegExp(`^ID .*NAME\n[^]*${id}  queued  0:00 .*[ab]\\.wav$`, 'm'));
    expect((await run('show', id)).stdout).toMatch(new RegExp(`^id +${id}\nstate +queued\n`));
    expect(await run('cancel', id)).toMatchObject({ code: 0, stdout: `${id}  cancelled\n` });
    // Once more: it is as it was, and above all not forgotten.
    expect(await run('cancel', id)).toMatchObject({ code: 0, stdout: `${id}  cancelled\n` });
    const json = JSON.parse((await run('list', '--state', 'cancelled', '--json')).stdout) as { id: string }[];
    expect(json.map((job) => job.id)).toEqual([id]);
    expect(await run('retry', id)).toMatchObject({ code: 0, stdout: `${id}  queued\n` });
    const mixed = await run('retry', other.id, 'job_none', id);
    expect(mixed).toMatchObject({ code: 1, stdout: '' });
    expect(mixed.stderr).toMatch(/^job_none: job_not_found: /m);
    expect(mixed.stderr.match(/job_not_retryable/g)).toHaveLength(2);
  });
});
