/** Evaluation manifests: JSON Lines of `{audio, text, split?, speaker?}`, audio relative to the manifest. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { MalgwiError } from '../../errors.js';
import { MAX_SCORED_LENGTH, normalizeForScoring } from '../../korean/scoring.js';

export interface EvaluationItem {
  /** As the manifest names it. */
  readonly audio: string;
  readonly path: string;
  readonly text: string;
  readonly split: string;
  readonly speaker?: string;
  /** Everything else that the line says in strings, numbers and truth values, by name: what results can be grouped by. */
  readonly fields: Readonly<Record<string, string>>;
}

/** Name under which lines without a split are counted. */
export const NO_SPLIT = 'none';

export interface ManifestOptions {
  /** Only lines of this split. */
  readonly split?: string;
  /** Only so many lines, the first ones. */
  readonly limit?: number;
}

/**
 * Reads a manifest.
 * @throws MalgwiError invalid_request (no such file, nothing to do), invalid_json, missing_field, invalid_field,
 * text_too_long, each with the line's number
 */
export async function readManifest(file: string, options: ManifestOptions = {}): Promise<EvaluationItem[]> {
  const info = await stat(file).catch(() => undefined);
  if (info === undefined || !info.isFile()) {
    throw new MalgwiError('invalid_request', { detail: `The manifest ${file} cannot be read.` });
  }
  const items: EvaluationItem[] = [];
  const splits = new Set<string>();
  const lines = createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Infinity });
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    const item = parseLine(number === 1 ? line.replace(/^\uFEFF/, '') : line, number, file);
    splits.add(item.split);
    if (options.split !== undefined && item.split !== options.split) continue;
    if (options.limit !== undefined && items.length >= options.limit) break;
    items.push(item);
  }
  if (items.length === 0) {
    const there = splits.size === 0 ? 'It has no lines.' : `Its splits are ${[...splits].sort().join(', ')}.`;
    throw new MalgwiError('invalid_request', { detail: `The manifest has nothing to evaluate. ${there}` });
  }
  return items;
}

function parseLine(line: string, number: number, file: string): EvaluationItem {
  const where = `Line ${number} of the manifest`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw new MalgwiError('invalid_json', { detail: `${where} is not valid JSON.`, cause: error });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalgwiError('invalid_json', { detail: `${where} is not a JSON object.` });
  }
  const entry = value as Record<string, unknown>;
  for (const field of ['audio', 'text']) {
    if (entry[field] === undefined) {
      throw new MalgwiError('missing_field', { detail: `${where} has no ${field}.`, param: field });
    }
  }
  for (const field of ['audio', 'text', 'split', 'speaker']) {
    if (entry[field] !== undefined && entry[field] !== null && typeof entry[field] !== 'string') {
      throw new MalgwiError('invalid_field', { detail: `${where}: ${field} is not a string.`, param: field });
    }
  }
  const { audio, text, split, speaker } = entry as {
    audio: string;
    text: string;
    split?: string | null;
    speaker?: string | null;
  };
  if (normalizeForScoring(text).length > MAX_SCORED_LENGTH) {
    throw new MalgwiError('text_too_long', {
      detail: `${where}: text is longer than ${MAX_SCORED_LENGTH} characters; cut the recording into utterances.`,
    });
  }
  return {
    audio,
    path: resolve(dirname(file), audio),
    text,
    split: split ?? NO_SPLIT,
    ...(speaker == null ? {} : { speaker }),
    fields: groupable(entry),
  };
}

const MAX_FIELDS = 50;
const MAX_FIELD_LENGTH = 200;

function groupable(entry: Record<string, unknown>): Record<string, string> {
  const scalars = Object.entries(entry).filter(
    ([name, value]) =>
      name !== 'audio' && name !== 'text' && ['string', 'number', 'boolean'].includes(typeof value),
  );
  return Object.fromEntries(
    scalars.slice(0, MAX_FIELDS).map(([name, value]) => [name, String(value).slice(0, MAX_FIELD_LENGTH)]),
  );
}
