/** `malgwi models verify` and `remove`: the built program on small packages whose results PyTorch computed. */
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openAudioFile } from '../src/audio/index.js';
import { parseTokens, rawText } from '../src/decoding/index.js';
import { readPackage } from '../src/models/index.js';
import { RecognitionEngine } from '../src/recognition/engine.js';
import { malgwi, MALGWI, ROOT, script, start, type Finished } from './cli-support.js';
import { tokens, writeNpz, type TestArray } from './npz-support.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const packages = join(ROOT, 'test/fixtures/packages');
const wav = join(ROOT, 'test-audio/reserve-a3.wav');

interface Expected {
  readonly channels: number;
  readonly utterances: readonly {
    readonly frames: number;
    readonly ids?: readonly number[];
    readonly ctc?: { readonly ids: readonly number[] };
  }[];
}
interface Report {
  readonly model: string;
  readonly reference: string;
  readonly utterances: readonly Readonly<Record<string, unknown>>[];
  readonly agreed: number;
  readonly total: number;
  readonly agrees: boolean;
}

const expectedOf = (name: string): Expected =>
  JSON.parse(readFileSync(join(packages, name, 'expected.json'), 'utf8')) as Expected;
const idsOf = (name: string): number[][] =>
  expectedOf(name).utterances.map(({ ids, ctc }) => [...(ids ?? ctc!.ids)]);

/** The features that `expected.json` speaks of. */
function features(frames: number, dims: number): TestArray {
  const values = Float32Array.from({ length: frames * dims }, (_, index) => {
    const t = Math.floor(index / dims);
    const f = index % dims;
    return Math.sin(0.05 * t * (1 + (f % 5)) + 0.7 * f) + 0.5 * Math.cos(0.013 * t * f);
  });
  return { shape: [frames, dims], values };
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-verify-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
/** A reference of the package's features with these results. */
async function reference(
  name: string,
  results: (index: number, ids: number[]) => Readonly<Record<string, TestArray>>,
): Promise<string> {
  const { channels, utterances } = expectedOf(name);
  const arrays: Record<string, TestArray> = {};
  idsOf(name).forEach((ids, index) => {
    const input = features(utterances[index]!.frames, channels);
    arrays[`${index}_features`] =
      typeof input === 'string' || index % 2 === 0 ? input : { ...input, shape: [1, ...input.shape] };
    for (const [kind, array] of Object.entries(results(index, ids))) arrays[`${index}_${kind}`] = array;
  });
  const path = join(folder, `${(count += 1)}.npz`);
  await writeNpz(path, arrays);
  return path;
}

async function verify(name: string, path: string, models = packages): Promise<Finished & { report: Report }> {
  const args = ['models', 'verify', name, '--reference', path, '--models-dir', models, '--json'];
  const finished = await malgwi(args);
  expect(finished.stderr).toBe('');
  return { ...finished, report: JSON.parse(finished.stdout) as Report };
}

const texts = (name: string): ((ids: readonly number[]) => string) => {
  const manifest = JSON.parse(readFileSync(join(packages, name, 'manifest.json'), 'utf8')) as {
    tokens: { file: string } & Parameters<typeof parseTokens>[1];
  };
  const table = parseTokens(
    readFileSync(join(packages, name, manifest.tokens.file), 'utf8'),
    manifest.tokens,
  );
  return (ids) => rawText(table, ids);
};

const ALL = ['tiny-ctc', 'tiny-las', 'tiny-las-mha', 'tiny-transformer', 'tiny-rnnt'];

describe.each(ALL)('malgwi models verify %s', (name) => {
  it('agrees with what PyTorch computed, tokens and texts', async () => {
    const say = texts(name);
    const path = await reference(name, (_, ids) => ({ ids: tokens(ids), text: say(ids) }));
    const { code, report } = await verify(name, path);
    expect(report).toEqual({
      model: name,
      reference: path,
      utterances: idsOf(name).map((ids, index) => ({
        id: String(index),
        idsEqual: true,
        textEqual: true,
        expectedTokens: ids.length,
        gotTokens: ids.length,
        firstDifference: null,
        note: null,
      })),
      agreed: 3,
      total: 3,
      agrees: true,
    });
    expect(code).toBe(0);
  });

  it('agrees with the texts alone', async () => {
    const say = texts(name);
    const { code, report } = await verify(name, await reference(name, (_, ids) => ({ text: say(ids) })));
    expect(report.utterances.map(({ idsEqual, textEqual }) => [idsEqual, textEqual])).toEqual([
      [null, true],
      [null, true],
      [null, true],
    ]);
    expect(code).toBe(0);
  });

  it('finds the one token, and the one letter, that differ', async () => {
    const say = texts(name);
    const path = await reference(name, (index, ids) =>
      index === 1
        ? { ids: tokens(ids.with(2, ids[2]! + 1)), text: say(ids) }
        : { ids: tokens(ids), text: index === 0 ? '나' : say(ids) },
    );
    const { code, report } = await verify(name, path);
    expect(code).toBe(1);
    expect(report).toMatchObject({ agreed: 1, total: 3, agrees: false });
    expect(report.utterances[0]).toMatchObject({ idsEqual: true, textEqual: false, firstDifference: null });
    expect(report.utterances[1]).toMatchObject({ idsEqual: false, firstDifference: 2 });
    expect(report.utterances[2]).toMatchObject({ idsEqual: true, textEqual: true });
  });

  it('finds a token too many and one too few', async () => {
    const path = await reference(name, (index, ids) => ({
      ids: tokens(index === 0 ? [...ids, 5] : index === 1 ? ids.slice(0, -1) : ids),
    }));
    const { code, report } = await verify(name, path);
    expect(code).toBe(1);
    expect(report.utterances).toMatchObject([
      { idsEqual: false, firstDifference: 1 },
      { idsEqual: false, firstDifference: 3 },
      { idsEqual: true },
    ]);
  });
});

describe('malgwi models verify', () => {
  it('follows an attention model beyond its end, where the reference does', async () => {
    const eos = 2;
    const engine = await RecognitionEngine.load(await readPackage(join(packages, 'tiny-las')));
    const { channels, utterances } = expectedOf('tiny-las');
    const beyond: number[][] = [];
    for (const { frames } of utterances) {
      const { values } = features(frames, channels) as Exclude<TestArray, string>;
      beyond.push(
        await engine.family.greedyIds({ data: values as Float32Array, frames, dims: channels }, 20),
      );
    }
    await engine.close();
    expect(beyond.map((ids) => ids.slice(0, ids.indexOf(eos)))).toEqual(idsOf('tiny-las'));
    const path = await reference('tiny-las', (index) => ({ ids: tokens(beyond[index]!) }));
    expect(await verify('tiny-las', path)).toMatchObject({ code: 0, report: { agreed: 3 } });
  });

  it('takes samples through the front end of the package', async () => {
    const stream = await openAudioFile(wav);
    const pieces: number[] = [];
    for await (const chunk of stream.chunks()) pieces.push(...chunk);
    const pcm = Int16Array.from(pieces.slice(0, 40_000), (value) => value * 32768);
    const engine = await RecognitionEngine.load(await readPackage(join(ROOT, 'models/malgwi-ko')));
    const samples = Float32Array.from(pcm, (value) => value / 32768);
    const ids = await engine.family.greedyIds(engine.frontEnd.extract(samples));
    const { text } = (await engine.recognize(samples)).hypotheses[0]!;
    await engine.close();
    expect(ids.length).toBeGreaterThan(5);
    const path = join(folder, 'pcm.npz');
    const input = { shape: [pcm.length], values: pcm };
    await writeNpz(path, { clip_pcm: input, clip_ids: tokens(ids), clip_text: text });
    const { code, report } = await verify('malgwi-ko', path, join(ROOT, 'models'));
    expect([code, report.utterances[0]]).toMatchObject([0, { id: 'clip', idsEqual: true, textEqual: true }]);
    pcm.fill(0, 5000, 30_000);
    await writeNpz(path, { clip_pcm: input, clip_ids: tokens(ids) });
    expect(await verify('malgwi-ko', path, join(ROOT, 'models'))).toMatchObject({ code: 1 });
  });

  it('prints a table for people', async () => {
    const path = await reference('tiny-ctc', (index, ids) => ({ ids: tokens(index === 2 ? [4] : ids) }));
    const args = ['models', 'verify', 'tiny-ctc', '--reference', path, '--models-dir', packages];
    const { code, stdout } = await malgwi(args);
    expect(code).toBe(1);
    expect(stdout.split('\n').map((line) => line.replace(/ +/g, ' '))).toEqual([
      'UTTERANCE IDS TEXT EXPECTED GOT NOTE',
      '0 equal - 1 1',
      '1 equal - 4 4',
      '2 differ at 0 - 1 11',
      '2 of 3 utterances agree.',
      '',
    ]);
  });

  it('counts an utterance that is too long for the model as a difference, and goes on', async () => {
    const path = join(folder, 'long.npz');
    const long = features(100_001, 16);
    const short = features(4, 16);
    await writeNpz(path, { a_features: long, a_ids: tokens([4]), b_features: short, b_ids: tokens([4]) });
    const { code, report } = await verify('tiny-ctc', path);
    expect(code).toBe(1);
    expect(report.utterances[0]).toMatchObject({
      idsEqual: false,
      note: expect.stringMatching(/^inference_failed: /) as string,
    });
    expect(report.utterances[1]).toMatchObject({ idsEqual: true });
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no reference', ['tiny-ctc'], /--reference/],
    ['no such file', ['tiny-ctc', '--reference', '/nonexistent.npz'], /^reference_invalid: .*ENOENT/],
    ['another kind of file', ['tiny-ctc', '--reference', wav], /^reference_invalid: /],
    [
      'a pickle',
      ['tiny-ctc', '--reference', join(ROOT, 'test/fixtures/npz/pickles.npz')],
      /^reference_invalid: .*pickle/,
    ],
    ['no such model', ['tiny', '--reference', wav], /^model_not_found: .*tiny-ctc/],
    ['a path', ['../packages/tiny-ctc', '--reference', wav], /^model_not_found: /],
  ])('refuses %s', async (_, args, words) => {
    const finished = await malgwi(['models', 'verify', ...args, '--models-dir', packages]);
    expect(finished).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(words) as string });
  });

  it('says when features are those of another model', async () => {
    const path = join(folder, 'channels.npz');
    await writeNpz(path, { a_features: features(10, 80), a_ids: tokens([4]) });
    const args = ['models', 'verify', 'tiny-ctc', '--reference', path, '--models-dir', packages];
    expect((await malgwi(args)).stderr).toMatch(/^reference_invalid: a_features has 80 channels, .* 16\./);
  });
});

describe('malgwi models list', () => {
  it('lists broken packages where no other is, and an empty folder', async () => {
    const models = join(folder, 'none');
    await mkdir(join(models, 'half'), { recursive: true });
    const list = await malgwi(['models', '--models-dir', models, '--json']);
    expect(list.code).toBe(0);
    expect(JSON.parse(list.stdout)).toMatchObject({
      models: [],
      broken: [{ folder: 'half', code: 'model_file_missing' }],
    });
    expect(await malgwi(['models', '--models-dir', models])).toMatchObject({
      stdout: '',
      stderr: expect.stringMatching(/^No model .*\nhalf: model_file_missing: /) as string,
    });
    await rm(join(models, 'half'), { recursive: true });
    expect((await malgwi(['models', '--models-dir', models])).stderr).toMatch(/^No model/);
  });
});

describe('malgwi models remove', () => {
  let models: string;
  const remove = (...args: string[]): Promise<Finished> =>
    malgwi(['models', 'remove', '--models-dir', models, ...args]);
  beforeAll(async () => {
    models = join(folder, 'removal');
    for (const name of ['tiny-ctc', 'tiny-las', 'malgwi-ko']) {
      await cp(join(packages, name === 'malgwi-ko' ? 'tiny-rnnt' : name), join(models, name), {
        recursive: true,
      });
    }
    await mkdir(join(models, 'notes'));
    await writeFile(join(models, 'notes/todo.txt'), 'keep');
    await mkdir(join(models, 'nested/deeper'), { recursive: true });
    await writeFile(join(models, 'nested/manifest.json'), '{}');
    await writeFile(join(models, 'file'), 'keep');
    await symlink(join(models, 'tiny-las'), join(models, 'link'));
    await mkdir(join(folder, 'outside'));
    await writeFile(join(folder, 'outside/manifest.json'), '{}');
  });

  it.each<[string, readonly string[], RegExp]>([
    ['without a terminal to ask on', ['tiny-ctc'], /^invalid_request: .*--yes/],
    ['the default model', ['malgwi-ko', '--yes'], /^invalid_request: .*--force/],
    ['what is not there', ['tiny', '--yes'], /^model_not_found: /],
    ['a path', ['../outside', '--yes'], /^invalid_request: .*path/],
    ['a path below', ['tiny-ctc/../tiny-las', '--yes'], /^invalid_request: .*path/],
    ['the folder itself', ['.', '--yes'], /^invalid_request: .*path/],
    ['a folder without a manifest', ['notes', '--yes'], /^invalid_request: .*manifest\.json/],
    ['a folder with folders', ['nested', '--yes'], /^invalid_request: .*folders/],
    ['a file', ['file', '--yes'], /^invalid_request: /],
    ['a link', ['link', '--yes'], /^invalid_request: .*link/],
  ])('refuses %s', async (_, args, words) => {
    const before = await readdir(models, { recursive: true });
    expect(await remove(...args)).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(words) as string,
    });
    expect(await readdir(models, { recursive: true })).toEqual(before);
  });

  it('deletes the package and nothing else, and no more than the links in it', async () => {
    await symlink(join(folder, 'outside/manifest.json'), join(models, 'tiny-ctc/extra'));
    expect(await remove('tiny-ctc', '--yes')).toEqual({
      code: 0,
      stdout: 'tiny-ctc was removed.\n',
      stderr: '',
    });
    expect(await remove('malgwi-ko', '--yes', '--force')).toMatchObject({ code: 0 });
    expect((await readdir(models)).sort()).toEqual(['file', 'link', 'nested', 'notes', 'tiny-las']);
    expect(await readdir(join(folder, 'outside'))).toEqual(['manifest.json']);
  });

  it.skipIf(!script).each([
    ['n', true],
    ['', true],
    ['y', false],
  ])('asks on a terminal, and takes %j for an answer', async (answer, kept) => {
    await cp(join(packages, 'tiny-ctc'), join(models, 'asked'), { recursive: true });
    const command = `'${process.execPath}' '${MALGWI}' models remove asked --models-dir '${models}'`;
    const running = start('script', ['-qec', command, '/dev/null']);
    await running.until(/Delete .*asked\? \[y\/N\]/);
    running.child.stdin.write(`${answer}\n`);
    expect((await running.finished).code).toBe(kept ? 1 : 0);
    running.child.stdin.end();
    expect((await readdir(models)).includes('asked')).toBe(kept);
  });
});
