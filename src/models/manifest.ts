/** The model package: `manifest.json` and the files it names. docs/reference/model-package.md describes every field. */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MalgwiError } from '../errors.js';

export const MANIFEST_FILE = 'manifest.json';
const MAX_MANIFEST_BYTES = 1 << 20;

const Finite = Type.Number({ minimum: -1e9, maximum: 1e9 });
const Count = Type.Integer({ minimum: 0, maximum: 1e12 });
const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' });
/** One path component: a package is flat, so nothing in it can point outside. */
const FileName = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' });

const Normalize = Type.Union([
  Type.Object({ kind: Type.Literal('none') }),
  Type.Object({ kind: Type.Literal('utterance') }),
  Type.Object({
    kind: Type.Literal('fixed'),
    mean: Type.Array(Finite, { minItems: 1, maxItems: 1024 }),
    inverseStd: Type.Array(Finite, { minItems: 1, maxItems: 1024 }),
  }),
]);

export const KaldiFbankSchema = Type.Object({
  kind: Type.Literal('kaldi-fbank'),
  sampleRate: Type.Literal(16000),
  numMels: Type.Integer({ minimum: 8, maximum: 256 }),
  windowMs: Type.Number({ minimum: 5, maximum: 100 }),
  hopMs: Type.Number({ minimum: 2, maximum: 100 }),
  fftSize: Type.Integer({ minimum: 64, maximum: 8192 }),
  window: Type.Union([
    Type.Literal('povey'),
    Type.Literal('hamming'),
    Type.Literal('hann'),
    Type.Literal('rectangular'),
  ]),
  preemphasis: Type.Number({ minimum: 0, maximum: 1 }),
  removeDcOffset: Type.Boolean(),
  lowFrequency: Type.Number({ minimum: 0, maximum: 8000 }),
  highFrequency: Type.Number({ minimum: 100, maximum: 8000 }),
  power: Type.Boolean(),
  snipEdges: Type.Boolean(),
  dither: Type.Literal(0),
  waveformScale: Type.Number({ minimum: 1e-3, maximum: 1e6 }),
  energyFloor: Type.Number({ minimum: 1e-20, maximum: 1e6 }),
  trimSilence: Type.Boolean(),
  normalize: Normalize,
  reverse: Type.Boolean(),
});

const MeasuredCer = Type.Object({
  cerNoSpaces: Type.Number({ minimum: 0 }),
  edits: Count,
  referenceCharacters: Count,
  utterances: Count,
});

export const ManifestSchema = Type.Object({
  schema: Type.Literal(1),
  name: Name,
  version: Type.String({ pattern: '^\\d+\\.\\d+\\.\\d+([-+][0-9A-Za-z.-]{1,64})?$' }),
  language: Type.String({ minLength: 2, maxLength: 16 }),
  description: Type.String({ maxLength: 2000 }),
  /** The decoding family: which runtime runs it. */
  family: Type.Literal('ctc'),
  architecture: Type.Object({
    name: Type.String({ maxLength: 128 }),
    parameters: Count,
    layers: Type.Optional(Count),
    dimension: Type.Optional(Count),
    heads: Type.Optional(Count),
    units: Type.Optional(Type.String({ maxLength: 64 })),
  }),
  frontEnd: KaldiFbankSchema,
  tokens: Type.Object({
    file: FileName,
    unit: Type.Union([
      Type.Literal('character'),
      Type.Literal('grapheme'),
      Type.Literal('syllable'),
      Type.Literal('subword'),
      Type.Literal('byte'),
    ]),
    blank: Count,
    eos: Type.Optional(Count),
    space: Type.String({ minLength: 1, maxLength: 16 }),
    compose: Type.Optional(Type.Union([Type.Literal('nfc'), Type.Literal('none')])),
  }),
  encoder: Type.Object({
    subsampling: Type.Integer({ minimum: 1, maximum: 64 }),
    /** Duration of one encoder frame, milliseconds. */
    frameMs: Type.Number({ minimum: 1, maximum: 1000 }),
    /** Feature frames that the graph needs at least, and takes at most. */
    minFrames: Type.Integer({ minimum: 1, maximum: 10000 }),
    maxFrames: Type.Integer({ minimum: 1, maximum: 100000 }),
    /** Whether a shorter utterance in a padded batch gives the same result as alone. */
    paddingSafe: Type.Boolean(),
  }),
  graphs: Type.Object({
    encoder: Type.Object({
      file: FileName,
      precision: Type.Union([Type.Literal('float32'), Type.Literal('float16'), Type.Literal('int8')]),
    }),
  }),
  decoder: Type.Object({
    method: Type.Literal('greedy'),
    /** What becomes of jamo that form no syllable. */
    strayJamo: Type.Optional(
      Type.Union([Type.Literal('drop'), Type.Literal('compatibility'), Type.Literal('silent-onset')]),
    ),
  }),
  files: Type.Record(
    FileName,
    Type.Object({ sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }), bytes: Count }),
  ),
  license: Type.Object({
    code: Type.Optional(Type.String({ maxLength: 200 })),
    weights: Type.String({ maxLength: 500 }),
    notes: Type.Optional(Type.String({ maxLength: 4000 })),
  }),
  training: Type.Object({
    data: Type.Array(
      Type.Object({
        name: Type.String({ maxLength: 200 }),
        hours: Type.Number({ minimum: 0 }),
        speakers: Type.Optional(Count),
        license: Type.String({ maxLength: 200 }),
      }),
      { maxItems: 100 },
    ),
    cost: Type.Optional(Type.String({ maxLength: 2000 })),
    recipe: Type.Optional(Type.String({ maxLength: 500 })),
  }),
  metrics: Type.Array(
    Type.Intersect([
      MeasuredCer,
      Type.Object({
        set: Type.String({ maxLength: 128 }),
        normalizer: Type.String({ maxLength: 128 }),
        decoding: Type.String({ maxLength: 128 }),
        bySubset: Type.Optional(Type.Record(Type.String({ maxLength: 128 }), MeasuredCer)),
      }),
    ]),
    { maxItems: 100 },
  ),
});

export type Manifest = Static<typeof ManifestSchema>;

const validator = Compile(ManifestSchema);

/** A package on disk whose manifest was read and checked. */
export interface ModelPackage {
  readonly directory: string;
  readonly manifest: Manifest;
}

function fail(detail: string, cause?: unknown): never {
  throw new MalgwiError('manifest_invalid', { detail, cause });
}

/**
 * Checks a parsed manifest.
 * @throws MalgwiError manifest_invalid, naming the field at fault
 */
export function parseManifest(value: unknown): Manifest {
  if (!validator.Check(value)) {
    const first = [...validator.Errors(value)][0];
    fail(`manifest.json: ${first === undefined ? 'not valid' : `${first.instancePath || '/'} ${first.message}`}`);
  }
  const manifest = value;
  for (const file of [manifest.tokens.file, manifest.graphs.encoder.file]) {
    if (!Object.hasOwn(manifest.files, file)) fail(`manifest.json: files lacks ${file}`);
  }
  const { frontEnd } = manifest;
  if (frontEnd.lowFrequency >= frontEnd.highFrequency) fail('manifest.json: /frontEnd/lowFrequency is not below highFrequency');
  if (frontEnd.fftSize < (frontEnd.windowMs / 1000) * frontEnd.sampleRate) fail('manifest.json: /frontEnd/fftSize is below the window');
  const { normalize } = frontEnd;
  if (normalize.kind === 'fixed' && (normalize.mean.length !== frontEnd.numMels || normalize.inverseStd.length !== frontEnd.numMels)) {
    fail('manifest.json: /frontEnd/normalize has not one value for each mel channel');
  }
  if (manifest.encoder.minFrames > manifest.encoder.maxFrames) fail('manifest.json: /encoder/minFrames is above maxFrames');
  return manifest;
}

/**
 * Reads a package's manifest and looks that its files are there, inside the folder and of the stated size.
 * The hashes are a separate, slower step: {@link verifyPackage}.
 * @throws MalgwiError manifest_invalid | model_file_missing | model_file_mismatch
 */
export async function readPackage(directory: string): Promise<ModelPackage> {
  const path = join(directory, MANIFEST_FILE);
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || !info.isFile()) throw new MalgwiError('model_file_missing', { detail: 'The model package has no manifest.json.' });
  if (info.size > MAX_MANIFEST_BYTES) fail('manifest.json is too large');
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    fail('manifest.json is not valid JSON', error);
  }
  const manifest = parseManifest(value);
  const root = await realpath(directory);
  for (const [name, entry] of Object.entries(manifest.files)) {
    const file = await lstat(join(directory, name)).catch(() => undefined);
    if (file === undefined) throw new MalgwiError('model_file_missing', { detail: `The model package lacks ${name}.` });
    const target = await realpath(join(directory, name));
    if (!target.startsWith(root + sep)) fail(`${name} points outside the package`);
    const size = (await stat(target)).size;
    if (size !== entry.bytes) {
      throw new MalgwiError('model_file_mismatch', { detail: `${name} has ${size} bytes, not ${entry.bytes}.` });
    }
  }
  return { directory, manifest };
}

/**
 * Compares the SHA-256 of every file with the manifest's.
 * @throws MalgwiError model_file_mismatch
 */
export async function verifyPackage(model: ModelPackage): Promise<void> {
  for (const [name, entry] of Object.entries(model.manifest.files)) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(model.directory, name)), hash);
    if (hash.digest('hex') !== entry.sha256) {
      throw new MalgwiError('model_file_mismatch', { detail: `The SHA-256 of ${name} is not the manifest's.` });
    }
  }
}
