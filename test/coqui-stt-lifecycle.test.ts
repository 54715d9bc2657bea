/** `malgwi/coqui-stt` as a module: what it refuses, its bounds, its threads, and the example of its reference page. */
import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  FreeMetadata,
  FreeModel,
  FreeStream,
  Model,
  STT_ERRORS,
  SttError,
  Version,
} from '../src/coqui-stt/index.js';
import { pcm } from './coqui-support.js';

vi.setConfig({ testTimeout: 60_000 });

const root = new URL('..', import.meta.url).pathname;
const tiny = join(root, 'test/fixtures/packages/tiny-coqui');
const scorer = join(root, 'test/fixtures/coqui/scorers/ko_syl.qatrie.scorer');
const run = promisify(execFile);

const models: Model[] = [];
async function load(options = {}): Promise<Model> {
  const model = await Model.load(tiny, options);
  models.push(model);
  return model;
}
afterEach(async () => {
  await Promise.all(models.splice(0).map(FreeModel));
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'malgwi-coqui-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The package with a manifest that was changed. */
function changed(change: (manifest: Record<string, never>) => void): string {
  cpSync(tiny, folder, { recursive: true });
  const path = join(folder, 'manifest.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, never>;
  change(manifest);
  writeFileSync(path, JSON.stringify(manifest));
  return folder;
}

const refusal = (promise: Promise<unknown>): Promise<SttError> =>
  promise.then(
    () => {
      throw new Error('was not refused');
    },
    (error: unknown) => {
      expect(error).toBeInstanceOf(SttError);
      return error as SttError;
    },
  );

describe('models that cannot be loaded', () => {
  it.each([
    ['model.tflite', 0x2003, /^CreateModel failed: Incompatible model\. \(0x2003\) .*import-coqui --tflite/],
    ['/some/where/output_graph.pbmm', 0x2003, /export a \.tflite/],
    ['', 0x1000, /^CreateModel failed: Missing model information\. \(0x1000\)$/],
  ])('says at once what to do about %j', async (path, number, message) => {
    expect(() => new Model(path)).toThrow(message);
    const error = await refusal(Model.load(path));
    expect(error).toMatchObject({ sttErrorCode: number, code: 'invalid_field' });
  });

  it('refuses the bytes of a model', () => {
    expect(() => new Model(Buffer.alloc(8) as never, true)).toThrow(/0x1000/);
  });

  it('rejects the first call on a model that is not there, and all others', async () => {
    const model = new Model(join(folder, 'none'));
    const expected = { sttErrorCode: 0x3000, code: 'model_file_missing' };
    expect(await refusal(model.sampleRate())).toMatchObject(expected);
    expect(await refusal(model.stt(Buffer.alloc(2)))).toMatchObject(expected);
    expect(await refusal(model.createStream())).toMatchObject(expected);
    await FreeModel(model);
  });

  it('refuses packages of other families', async () => {
    const path = changed((manifest) =>
      Object.assign(manifest, { family: 'ctc', decoder: { method: 'greedy' } }),
    );
    const error = await refusal(Model.load(path));
    expect(error).toMatchObject({ sttErrorCode: 0x2003, code: 'manifest_invalid' });
    expect(error.message).toContain('family ctc');
  });

  it('refuses an alphabet that has not one label for each class', async () => {
    const path = changed(() => undefined);
    const file = join(path, 'tokens.txt');
    const text = readFileSync(file, 'utf8').split('\n').slice(1).join('\n');
    writeFileSync(file, text);
    const manifest = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8')) as {
      files: Record<string, { bytes: number }>;
      tokens: { blank: number };
    };
    manifest.files['tokens.txt'].bytes = Buffer.byteLength(text);
    manifest.tokens.blank -= 1;
    writeFileSync(join(path, 'manifest.json'), JSON.stringify(manifest));
    expect(await refusal(Model.load(path))).toMatchObject({ sttErrorCode: 0x2000, code: 'manifest_invalid' });
  });
});

describe('arguments', () => {
  let model: Model;
  beforeAll(async () => {
    model = await Model.load(tiny);
  });
  afterAll(() => FreeModel(model));

  it.each<[string, () => Promise<unknown>, string]>([
    ['audio that is text', () => model.stt('audio' as never), 'aBuffer'],
    ['no audio', () => model.stt(undefined as never), 'aBuffer'],
    ['half a sample', () => model.stt(Buffer.alloc(3)), 'aBuffer'],
    ['a negative number of results', () => model.sttWithMetadata(Buffer.alloc(2), -1), 'aNumResults'],
    ['a beam of nothing', () => model.setBeamWidth(0), 'aBeamWidth'],
    ['a beam that is no number', () => model.setBeamWidth('x' as never), 'aBeamWidth'],
    ['a beam beyond all reason', () => model.setBeamWidth(1e9), 'aBeamWidth'],
    ['a boost that is no number', () => model.addHotWord('줘', NaN), 'aBoost'],
    ['a hot-word of nothing', () => model.addHotWord('', 1), 'aWord'],
    ['an infinite alpha', () => model.setScorerAlphaBeta(Infinity, 1), 'aLMAlpha'],
    ['a path that is none', () => model.enableExternalScorer(3 as never), 'aScorerPath'],
  ])('refuses %s', async (_, call, param) => {
    const error = await refusal(call());
    expect(error).toMatchObject({ code: 'invalid_field', param, sttErrorCode: undefined });
  });

  it('says of odd buffers what the original says', async () => {
    const stream = await model.createStream();
    const error = await refusal(stream.feedAudioContent(Buffer.alloc(1)));
    expect(error.message).toContain(
      'Buffer length must be even. Make sure your input audio is 16-bits per sample.',
    );
  });

  it('takes any typed array of samples', async () => {
    const bytes = pcm('ko07');
    const aligned = new Int16Array(new Uint8Array(bytes).buffer);
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    const expected = await model.stt(bytes);
    expect(expected).toBe('불을 꺼 줘');
    expect(await model.stt(aligned)).toBe(expected);
    expect(await model.stt(shifted.subarray(1))).toBe(expected);
  });

  it.each([{ threads: 0 }, { maxStreams: 1.5 }, { maxBacklogSeconds: -1 }])('refuses %j', (options) => {
    expect(() => new Model(tiny, options)).toThrow(SttError);
  });
});

describe('scorers', () => {
  it('needs one in the package when no path is given', async () => {
    const model = await load();
    const error = await refusal(model.enableExternalScorer());
    expect(error).toMatchObject({ sttErrorCode: 0x2002, sttErrorName: 'STT_ERR_INVALID_SCORER' });
  });

  it('refuses one that does not fit the alphabet, and names the reason', async () => {
    const model = await load();
    for (const name of ['ko_bytes.trie.scorer', 'ko_jamo.trie.scorer']) {
      const error = await refusal(model.enableExternalScorer(scorer.replace('ko_syl.qatrie.scorer', name)));
      expect(error).toMatchObject({ code: 'scorer_mismatch', sttErrorCode: 0x2002 });
      expect(error.message).toMatch(/^EnableExternalScorer failed: Invalid scorer file\. \(0x2002\) ./);
    }
    expect(await refusal(model.disableExternalScorer())).toMatchObject({ sttErrorCode: 0x2004 });
  });

  it('enables that of the package', async () => {
    const path = changed((manifest) => {
      const bytes = readFileSync(scorer).length;
      Object.assign(manifest, {
        languageModel: { file: 'lm.scorer', format: 'coqui-scorer', unit: 'word' },
        files: { ...(manifest['files'] as object), 'lm.scorer': { sha256: '0'.repeat(64), bytes } },
      });
    });
    copyFileSync(scorer, join(path, 'lm.scorer'));
    const model = await Model.load(path);
    models.push(model);
    expect(await model.stt(pcm('ko00'))).toBe('오녕하세요 반갑습다');
    await model.enableExternalScorer();
    expect(await model.stt(pcm('ko00'))).toBe('안녕하세요 반갑습니다');
  });
});

describe('streams', () => {
  it('flush without harm', async () => {
    const model = await load();
    const bytes = pcm('ko02');
    const [plain, flushed] = [await model.createStream(), await model.createStream()];
    for (let at = 0; at < bytes.length; at += 8000) {
      const piece = bytes.subarray(at, at + 8000);
      await Promise.all([plain.feedAudioContent(piece), flushed.feedAudioContent(piece)]);
      const soFar = await model.stt(bytes.subarray(0, at + 8000));
      expect(await flushed.intermediateDecodeFlushBuffers()).toBe(soFar);
      const { transcripts } = await flushed.intermediateDecodeWithMetadataFlushBuffers(2);
      expect(transcripts[0].tokens.map(({ text }) => text).join('')).toBe(soFar);
      expect(await flushed.intermediateDecodeWithMetadata(3)).toEqual(
        await plain.intermediateDecodeWithMetadata(3),
      );
    }
    expect(await flushed.finishStreamWithMetadata(3)).toEqual(await plain.finishStreamWithMetadata(3));
  });

  it('keep to the order of calls that nobody awaits, and take buffers that are used again', async () => {
    const model = await load();
    await model.enableExternalScorer(scorer);
    const bytes = pcm('ko00');
    const expected = await model.stt(bytes);
    const stream = await model.createStream();
    const buffer = Buffer.alloc(2000);
    for (let at = 0; at < bytes.length; at += 2000) {
      const size = bytes.copy(buffer, 0, at, at + 2000);
      void stream.feedAudioContent(buffer.subarray(0, size));
    }
    buffer.fill(0);
    expect(await stream.finishStream()).toBe(expected);
  });

  it('see settings changed before them and none changed after', async () => {
    const model = await load();
    const bytes = pcm('ko00');
    const results = [
      model.stt(bytes),
      model.enableExternalScorer(scorer),
      model.stt(bytes),
      model.disableExternalScorer(),
      model.stt(bytes),
    ];
    const [before, , during, , after] = await Promise.all(results);
    expect([before, during, after]).toEqual([
      '오녕하세요 반갑습다',
      '안녕하세요 반갑습니다',
      '오녕하세요 반갑습다',
    ]);
  });

  it('are many over one model, on several threads', async () => {
    const model = await load({ threads: 2 });
    await model.enableExternalScorer(scorer);
    await model.setBeamWidth(32);
    const names = Array.from({ length: 10 }, (_, i) => `ko0${String(i)}`);
    const alone = [];
    for (const name of names) alone.push(await model.stt(pcm(name)));
    const streams = await Promise.all(
      names.map(async (name) => ({ name, stream: await model.createStream() })),
    );
    for (let at = 0; at < 80_000; at += 6400) {
      await Promise.all(
        streams.map(({ name, stream }) => stream.feedAudioContent(pcm(name).subarray(at, at + 6400))),
      );
    }
    expect(await Promise.all(streams.map(({ stream }) => stream.finishStream()))).toEqual(alone);
  });

  it('are refused beyond the bound, and can be opened again when one is free', async () => {
    const model = await load({ maxStreams: 2 });
    const [first, second] = [await model.createStream(), await model.createStream()];
    const error = await refusal(model.createStream());
    expect(error).toMatchObject({
      code: 'too_many_sessions',
      sttErrorCode: 0x3004,
      sttErrorName: 'STT_ERR_FAIL_CREATE_STREAM',
    });
    expect(await refusal(model.stt(pcm('ko07')))).toMatchObject({ code: 'too_many_sessions' });
    await first.finishStream();
    const third = await model.createStream();
    FreeStream(second);
    expect(await refusal(second.finishStream())).toMatchObject({ code: 'invalid_request' });
    await model.createStream();
    expect(await refusal(model.createStream())).toMatchObject({ code: 'too_many_sessions' });
    await third.feedAudioContent(pcm('ko07'));
    expect(await third.finishStream()).toBe('불을 꺼 줘');
  });

  it('refuse audio beyond the backlog, without an unhandled rejection, and then every later call', async () => {
    const model = await load({ maxBacklogSeconds: 1 });
    const stream = await model.createStream();
    const second = Buffer.alloc(32_000);
    void stream.feedAudioContent(second);
    const refused = stream.feedAudioContent(Buffer.alloc(2));
    void stream.feedAudioContent(Buffer.alloc(2));
    expect(await refusal(refused)).toMatchObject({ code: 'audio_backlog_full' });
    expect(await refusal(stream.finishStream())).toMatchObject({ code: 'audio_backlog_full' });
    const patient = await model.createStream();
    for (let i = 0; i < 3; i++) await patient.feedAudioContent(second);
    await patient.finishStream();
  });

  it('have ended after finishStream', async () => {
    const model = await load();
    const stream = await model.createStream();
    await stream.finishStream();
    for (const call of [
      () => stream.feedAudioContent(Buffer.alloc(2)),
      () => stream.intermediateDecode(),
      () => stream.finishStream(),
    ]) {
      expect(await refusal(call())).toMatchObject({ code: 'invalid_request', sttErrorCode: 0x3003 });
    }
    FreeStream(stream);
  });
});

describe('a model', () => {
  it('leaves the event loop free', async () => {
    const model = await load();
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    const bytes = Buffer.concat(Array.from({ length: 10 }, (_, i) => pcm(`ko0${String(i)}`)));
    const started = performance.now();
    await model.stt(bytes);
    const took = performance.now() - started;
    clearInterval(timer);
    expect(took).toBeGreaterThan(100);
    expect(longest).toBeLessThan(took / 2);
  });

  it('fails what is under way when it is freed, and all that comes later', async () => {
    const model = await load();
    const stream = await model.createStream();
    const running = refusal(stream.feedAudioContent(Buffer.alloc(32_000 * 60)));
    await FreeModel(model);
    expect(await running).toMatchObject({ code: 'shutting_down' });
    for (const call of [
      model.beamWidth(),
      model.stt(Buffer.alloc(2)),
      model.createStream(),
      stream.finishStream(),
    ]) {
      expect(await refusal(call)).toMatchObject({ code: 'shutting_down' });
    }
    await FreeModel(model);
  });

  it('can be freed while it loads', async () => {
    await FreeModel(new Model(tiny));
    await FreeModel(new Model(join(folder, 'none')));
  });

  it('lets the process end when nothing is under way, freed or not', async () => {
    const script = `
      import { Model } from 'malgwi/coqui-stt';
      new Model(${JSON.stringify(tiny)});
      const model = await Model.load(${JSON.stringify(tiny)});
      const stream = await model.createStream();
      await stream.feedAudioContent(Buffer.alloc(32000));
      console.log('done');`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: root,
      timeout: 50_000,
    });
    expect(stdout).toBe('done\n');
  });

  it('has the version and the codes of the original', () => {
    expect(Version()).toBe('1.4.0');
    FreeMetadata({ transcripts: [] });
    const codes = Object.values(STT_ERRORS).map(({ code }) => code);
    expect(codes).toEqual([...new Set(codes)].sort((a, b) => a - b));
    expect(codes).toHaveLength(23);
  });
});

describe('the example of the reference page', () => {
  it('runs, and its process ends', async () => {
    const page = readFileSync(join(root, 'docs/reference/coqui-stt.md'), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(page)![1];
    expect(code).toContain("Model.load('models/my-coqui')");
    const script = code
      .replace('models/my-coqui', tiny)
      .replace('ko.scorer', scorer)
      .replace('clip.wav', join(root, 'test/fixtures/coqui/audio/ko02.wav'));
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: root,
      timeout: 50_000,
    });
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('서울역까지 가 주세요');
    expect(stdout).toContain("'0 서'");
    expect(lines.length).toBeGreaterThan(10);
  });
});
