/** The model package: `manifest.json` and the files it names. docs/reference/model-package.md describes every field. */
import type { Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readFile, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MalgwiError } from '../errors.js';
import { filesOf, ManifestSchema } from './schema.js';

export { ManifestSchema } from './schema.js';
export type { Graph, State, StreamingSizes } from './schema.js';

export const MANIFEST_FILE = 'manifest.json';
const MAX_MANIFEST_BYTES = 1 << 20;

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
  for (const file of filesOf(manifest)) {
    if (!Object.hasOwn(manifest.files, file)) fail(`manifest.json: files lacks ${file}`);
  }
  checkFamily(manifest);
  checkFrontEndShape(manifest.frontEnd);
  if (manifest.encoder.minFrames > manifest.encoder.maxFrames) fail('manifest.json: /encoder/minFrames is above maxFrames');
  return manifest;
}

/** What each family cannot do without. */
function checkFamily(manifest: Manifest): void {
  const { family, graphs, tokens, decoder } = manifest;
  const need = (ok: boolean, field: string): void => {
    if (!ok) fail(`manifest.json: ${field} is missing, which a model of the family ${family} needs`);
  };
  need(family === 'attention' || tokens.blank !== undefined, '/tokens/blank');
  if (family === 'attention') {
    need(graphs.decoder !== undefined, '/graphs/decoder');
    need(tokens.eos !== undefined, '/tokens/eos');
  }
  if (family === 'transducer') {
    need(graphs.predictor !== undefined, '/graphs/predictor');
    need(graphs.joiner !== undefined, '/graphs/joiner');
  }
  if (family === 'attention' || family === 'transducer') need(tokens.sos !== undefined, '/tokens/sos');
  if (family === 'coqui') {
    need((graphs.encoder.states?.length ?? 0) > 0, '/graphs/encoder/states');
    if (manifest.frontEnd.kind !== 'coqui-mfcc') fail('manifest.json: /frontEnd/kind is not coqui-mfcc');
  }
  if (manifest.encoder.streaming !== undefined) checkStreaming(manifest);
  if (decoder.method === 'coqui' && family !== 'coqui') fail('manifest.json: /decoder/method coqui is for the family coqui');
  for (const graph of Object.values(graphs)) {
    const names = [...(graph?.states ?? []).map(({ name }) => name), ...(graph?.memory ?? [])];
    if (new Set(names).size !== names.length) fail('manifest.json: /graphs names a state or memory twice');
  }
}

function checkStreaming({ family, graphs, encoder, frontEnd }: Manifest): void {
  const refuse = (why: string): never => fail(`manifest.json: /encoder/streaming is ${why}`);
  if (family !== 'ctc') refuse('for the family ctc');
  if ((graphs.encoder.states?.length ?? 0) === 0) refuse('without /graphs/encoder/states');
  if (!encoder.paddingSafe) refuse('for encoders with paddingSafe');
  const live = { ...frontEnd, ...encoder.streaming?.frontEnd };
  if (live.kind !== 'kaldi-fbank' || live.normalize.kind === 'utterance' || live.trimSilence || live.reverse) {
    refuse('for a kaldi-fbank front end that does not need the whole utterance');
  }
  const { chunkFrames, overlapFrames } = encoder.streaming!;
  if (chunkFrames * encoder.subsampling + overlapFrames < encoder.minFrames) refuse('of chunks below minFrames');
}

function checkFrontEndShape(frontEnd: Manifest['frontEnd']): void {
  if (frontEnd.kind === 'kaldi-fbank') {
    if (frontEnd.lowFrequency >= frontEnd.highFrequency) fail('manifest.json: /frontEnd/lowFrequency is not below highFrequency');
    if (frontEnd.fftSize < (frontEnd.windowMs / 1000) * frontEnd.sampleRate) fail('manifest.json: /frontEnd/fftSize is below the window');
  }
  if (frontEnd.kind === 'librosa-mfcc' && frontEnd.numCoefficients > frontEnd.numMels) {
    fail('manifest.json: /frontEnd/numCoefficients is above numMels');
  }
  if (frontEnd.kind === 'coqui-mfcc') {
    if (frontEnd.numCoefficients > frontEnd.numMels) fail('manifest.json: /frontEnd/numCoefficients is above numMels');
    return;
  }
  const { normalize } = frontEnd;
  const dims = 'numCoefficients' in frontEnd ? frontEnd.numCoefficients : 'numMels' in frontEnd ? frontEnd.numMels : undefined;
  if (normalize.kind === 'fixed' && (normalize.mean.length !== normalize.inverseStd.length || (dims !== undefined && normalize.mean.length !== dims))) {
    fail('manifest.json: /frontEnd/normalize has not one value for each channel');
  }
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
  const root = await realpath(directory);
  if (!(await realpath(path)).startsWith(root + sep)) fail('manifest.json points outside the package');
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    fail('manifest.json is not valid JSON', error);
  }
  const manifest = parseManifest(value);
  for (const [name, entry] of Object.entries(manifest.files)) {
    const file = await lstat(join(directory, name)).catch(() => undefined);
    if (file === undefined) throw new MalgwiError('model_file_missing', { detail: `The model package lacks ${name}.` });
    const target = await realpath(join(directory, name));
    if (!target.startsWith(root + sep)) fail(`${name} points outside the package`);
    const found = await stat(target);
    // Reading a pipe would never end.
    if (!found.isFile()) fail(`${name} is not a file`);
    if (found.size !== entry.bytes) {
      throw new MalgwiError('model_file_mismatch', { detail: `${name} has ${found.size} bytes, not ${entry.bytes}.` });
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
