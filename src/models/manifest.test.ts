import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { draftManifest, writePackage, type DraftManifest } from '../../test/fixtures/manifest.js';
import { parseManifest, readPackage, verifyPackage } from './manifest.js';
import { ModelRegistry } from './registry.js';

let models: string;
beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), 'malgwi-models-'));
});
afterEach(() => rm(models, { recursive: true, force: true }));

const broken: readonly (readonly [string, (manifest: DraftManifest) => void, RegExp])[] = [
  ['an unknown schema version', (m) => (m['schema'] = 2), /schema/],
  ['a path that climbs out', (m) => Object.assign(m['tokens'] as object, { file: '../tokens.txt' }), /tokens\/file/],
  ['a path of Windows', (m) => Object.assign(m['tokens'] as object, { file: '..\\tokens.txt' }), /tokens\/file/],
  ...['encoder', 'decoder', 'predictor', 'joiner'].flatMap((graph) =>
    ['../../secret', '..', 'a/../../b', '/etc/passwd', ''].map(
      (file) =>
        [
          `the path ${file} of graphs.${graph}`,
          (m: DraftManifest) => Object.assign(m['graphs'] as object, { [graph]: { file, precision: 'float32' } }),
          new RegExp(`graphs/${graph}/file`),
        ] as const,
    ),
  ),
  [
    'a language model that climbs out',
    (m) => (m['languageModel'] = { file: '../../x.scorer', format: 'coqui-scorer', unit: 'word' }),
    /languageModel\/file/,
  ],
  ['a language model without a hash', (m) => (m['languageModel'] = { file: 'x.arpa', format: 'arpa', unit: 'word' }), /x\.arpa/],
  ['a listed file that climbs out', (m) => (m.files['../../secret'] = m.files['tokens.txt']!), /files/],
  ['a listed file with an absolute path', (m) => (m.files['/etc/passwd'] = m.files['tokens.txt']!), /files/],
  ['an absolute path', (m) => Object.assign(m['tokens'] as object, { file: '/etc/passwd' }), /tokens\/file/],
  ['a file without a hash', (m) => delete (m.files as Record<string, unknown>)['encoder.onnx'], /encoder\.onnx/],
  [
    'a file without a hash that is named like a property of every object',
    (m) => Object.assign(m['tokens'] as object, { file: 'constructor' }),
    /constructor/,
  ],
  ['a name with a slash', (m) => (m['name'] = 'a/b'), /name/],
  ['an FFT below the window', (m) => Object.assign(m['frontEnd'] as object, { fftSize: 256 }), /fftSize/],
  [
    'statistics of another size',
    (m) => Object.assign(m['frontEnd'] as object, { normalize: { kind: 'fixed', mean: [0], inverseStd: [1] } }),
    /normalize/,
  ],
  ['an absurd frame count', (m) => Object.assign(m['encoder'] as object, { maxFrames: 1e12 }), /maxFrames/],
];

describe('parseManifest', () => {
  it('accepts a valid manifest', () => {
    expect(parseManifest(draftManifest()).name).toBe('tiny');
  });

  it.each(broken)('refuses %s and names the field', (_, change, field) => {
    const manifest = draftManifest();
    change(manifest);
    expect(() => parseManifest(manifest)).toThrow(field);
    expect(() => parseManifest(manifest)).toThrow(expect.objectContaining({ code: 'manifest_invalid' }) as Error);
  });
});

describe('live front ends', () => {
  const streaming = (frontEnd: object, live?: object): DraftManifest => {
    const manifest = draftManifest();
    const sizes = { chunkFrames: 8, lookaheadFrames: 4, leftFrames: 8, overlapFrames: 0 };
    Object.assign(manifest['encoder'] as object, { paddingSafe: true, streaming: { ...sizes, frontEnd: live } });
    Object.assign((manifest['graphs'] as { encoder: object }).encoder, { states: [{ name: 'hidden', shape: ['batch', 4] }] });
    Object.assign(manifest['frontEnd'] as object, frontEnd);
    return JSON.parse(JSON.stringify(manifest)) as DraftManifest;
  };
  const kospeech = { normalize: { kind: 'utterance' }, trimSilence: true };
  const running = { kind: 'running', withinDb: 30, prior: { mean: -5, deviation: 3, frames: 20 } };

  it.each<[object, object]>([
    [kospeech, { normalize: running, trimSilence: false }],
    [{ ...kospeech, trimSilence: false }, { normalize: { kind: 'running' } }],
    [{ ...kospeech, normalize: { kind: 'none' } }, { trimSilence: false }],
    [{ normalize: { kind: 'none' }, trimSilence: false }, {}],
  ])('take the place of what needs the whole utterance: %j live %j', (frontEnd, live) => {
    expect(parseManifest(streaming(frontEnd, live)).encoder.streaming?.frontEnd).toEqual(live);
  });

  it.each<[object, object | undefined]>([
    [kospeech, undefined],
    [kospeech, { normalize: running }],
    [kospeech, { trimSilence: false }],
    [{ ...kospeech, reverse: true }, { normalize: running, trimSilence: false }],
    [kospeech, { normalize: { kind: 'utterance' }, trimSilence: false }],
    [kospeech, { normalize: running, trimSilence: true }],
    [kospeech, { normalize: { ...running, withinDb: 0 }, trimSilence: false }],
    [kospeech, { normalize: { ...running, prior: { mean: 0, deviation: 0, frames: 1 } }, trimSilence: false }],
  ])('are refused where that is left: %j live %j', (frontEnd, live) => {
    expect(() => parseManifest(streaming(frontEnd, live))).toThrow(/encoder\/streaming/);
  });
});

describe('readPackage and verifyPackage', () => {
  it('reads and verifies a good package', async () => {
    const model = await readPackage(await writePackage(models, 'tiny', draftManifest()));
    await expect(verifyPackage(model)).resolves.toBeUndefined();
  });

  it('refuses JSON that is none', async () => {
    const folder = await writePackage(models, 'tiny', '{"schema":1');
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'manifest_invalid' });
  });

  it('notices a missing file, a file of another size and a changed file', async () => {
    const folder = await writePackage(models, 'tiny', draftManifest());
    await writeFile(join(folder, 'encoder.onnx'), 'not a grapH');
    await expect(verifyPackage(await readPackage(folder))).rejects.toMatchObject({ code: 'model_file_mismatch' });
    await truncate(join(folder, 'encoder.onnx'), 3);
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'model_file_mismatch' });
    await unlink(join(folder, 'encoder.onnx'));
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'model_file_missing' });
  });

  it('does not follow a link out of the package', async () => {
    const folder = await writePackage(models, 'tiny', draftManifest());
    const outside = join(models, 'secret');
    await writeFile(outside, 'not a graph');
    await unlink(join(folder, 'encoder.onnx'));
    await symlink(outside, join(folder, 'encoder.onnx'));
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'manifest_invalid' });
  });
});

describe('what is not a plain file of the package', () => {
  it('is refused: a manifest that is a link out of it', async () => {
    const folder = await writePackage(models, 'tiny', draftManifest());
    await writeFile(join(models, 'secret.json'), JSON.stringify(draftManifest()));
    await unlink(join(folder, 'manifest.json'));
    await symlink('../secret.json', join(folder, 'manifest.json'));
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'manifest_invalid' });
  });

  it('is refused: a folder, or a pipe that would never end', async () => {
    const folder = await writePackage(models, 'tiny', draftManifest());
    await unlink(join(folder, 'encoder.onnx'));
    execFileSync('mkfifo', [join(folder, 'encoder.onnx')]);
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'manifest_invalid' });
    await unlink(join(folder, 'encoder.onnx'));
    await mkdir(join(folder, 'encoder.onnx'));
    await expect(readPackage(folder)).rejects.toMatchObject({ code: 'manifest_invalid' });
  });
});

describe('ModelRegistry', () => {
  it('lists good packages and keeps the reason of broken ones', async () => {
    await writePackage(models, 'tiny', draftManifest('tiny'));
    await writePackage(models, 'other', draftManifest('misnamed'));
    const registry = await ModelRegistry.open(models);
    expect(registry.list().map((model) => model.manifest.name)).toEqual(['tiny']);
    expect(registry.defaultName).toBe('tiny');
    expect(registry.broken).toMatchObject([{ folder: 'other', error: { code: 'manifest_invalid' } }]);
    expect(() => registry.get('../tiny')).toThrow(expect.objectContaining({ code: 'model_not_found' }) as Error);
  });

  it('fails with the reason when the default is broken or absent', async () => {
    await writePackage(models, 'tiny', { schema: 9 });
    await expect(ModelRegistry.open(models, 'tiny')).rejects.toMatchObject({ code: 'manifest_invalid' });
    await expect(ModelRegistry.open(models, 'nope')).rejects.toMatchObject({ code: 'model_not_found' });
    await expect(ModelRegistry.open(join(models, 'absent'))).rejects.toMatchObject({ code: 'config_invalid' });
  });
});
