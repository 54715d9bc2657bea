/** Audio files that a command was given: names to show, standard input as a file, durations for the progress bar. */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { OpenAudioOptions } from '../audio/contract.js';
import { mapOrdered } from './concurrency.js';

export const STDIN = '-';

export interface Input {
  /** As the user named it. */
  readonly name: string;
  /** Where it is read from. */
  readonly path: string;
}

export interface Inputs {
  readonly list: readonly Input[];
  /** Removes what was stored. */
  close(): Promise<void>;
}

/**
 * Names to inputs; `-` is standard input, stored in a private temporary folder because containers such as MP4 need
 * random access.
 */
export async function openInputs(names: readonly string[], signal: AbortSignal): Promise<Inputs> {
  if (!names.includes(STDIN)) {
    return { list: names.map((name) => ({ name, path: name })), close: () => Promise.resolve() };
  }
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-stdin-'));
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const path = join(folder, 'audio');
  try {
    await pipeline(process.stdin, createWriteStream(path, { mode: 0o600 }), { signal });
  } catch (error) {
    await close();
    throw signal.aborted ? signal.reason : error;
  }
  return { list: names.map((name) => ({ name, path: name === STDIN ? path : name })), close };
}

/** Seconds of each input as its header claims; undefined where only decoding tells, 0 where it cannot be opened. */
export async function probeSeconds(
  inputs: readonly Input[],
  raw: OpenAudioOptions['raw'],
): Promise<(number | undefined)[]> {
  const { openAudioFile } = await import('../audio/index.js');
  const seconds: (number | undefined)[] = [];
  const probe = async ({ path }: Input): Promise<number | undefined> => {
    const stream = await openAudioFile(path, raw === undefined ? {} : { raw }).catch(() => undefined);
    await stream?.close();
    return stream === undefined ? 0 : stream.info.durationSeconds;
  };
  for await (const value of mapOrdered(inputs, 4, probe)) seconds.push(value);
  return seconds;
}

/**
 * Name of the result beside each input: `talk.mp3` gives `talk.srt`, or `talk.mp3.srt` where two inputs would share
 * the shorter name; further equal names are numbered.
 */
export function outputNames(inputs: readonly Input[], extension: string): string[] {
  const full = inputs.map(({ name }) => (name === STDIN ? 'stdin' : basename(name)));
  const short = full.map((name) => name.slice(0, name.length - extname(name).length));
  const count = new Map<string, number>();
  for (const stem of short) count.set(stem, (count.get(stem) ?? 0) + 1);
  const taken = new Set<string>();
  return full.map((name, index) => {
    const stem = count.get(short[index]) === 1 ? short[index] : name;
    let result = `${stem}.${extension}`;
    for (let n = 2; taken.has(result); n += 1) result = `${stem}-${n}.${extension}`;
    taken.add(result);
    return result;
  });
}
