/** Which files a batch is made of. */
import { lstat, readdir, realpath } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { MalgwiError } from '../../errors.js';
import type { Source } from './contract.js';

/** Names of files that the decoders read; what a file really is only its content tells, later. */
const AUDIO = new Set(
  'wav wave flac mp3 mp2 m4a m4b mp4 mov aac ogg oga opus webm weba mka mkv'.split(' ').map((e) => `.${e}`),
);

export interface Found {
  /** In the order of their names. */
  readonly sources: readonly Source[];
  /** Links are not followed: they may lead out of the folder, or in circles. */
  readonly links: number;
}

/**
 * Audio files in a folder and all folders below it. Hidden files and folders are left out.
 * @param leaveOut a folder that is not looked into, as a real path: the results may lie below the audio
 * @throws MalgwiError invalid_request: the folder cannot be read
 */
export async function findSources(folder: string, leaveOut: string): Promise<Found> {
  const sources: Source[] = [];
  let links = 0;
  const walk = async (path: string, name: string): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      if (entry.name.startsWith('.')) continue;
      const inner = join(path, entry.name);
      const innerName = name === '' ? entry.name : `${name}/${entry.name}`;
      if (entry.isSymbolicLink()) links += 1;
      else if (entry.isDirectory() && inner !== leaveOut) await walk(inner, innerName);
      else if (entry.isFile() && AUDIO.has(extname(entry.name).toLowerCase())) {
        const { mtimeMs, size } = await lstat(inner);
        sources.push({ name: innerName, path: inner, bytes: size, mtimeMs });
      }
    }
  };
  try {
    await walk(await realpath(folder), '');
  } catch (error) {
    const { code = 'unknown reason', path = folder } = error as NodeJS.ErrnoException;
    throw new MalgwiError('invalid_request', {
      detail: `The folder ${path} cannot be read: ${code}.`,
      cause: error,
    });
  }
  return { sources, links };
}
