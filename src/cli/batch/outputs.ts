/** Where results lie, and how they get there. */
import { mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join, sep } from 'node:path';
import { MalgwiError } from '../../errors.js';
import type { OutputFormat } from '../../jobs/contract.js';
import { EXTENSIONS, type Source } from './contract.js';

/** Names that some file systems take for the same. */
const folded = (name: string): string => name.normalize('NFC').toLowerCase();

/**
 * Result of each source without its extension, in the folder's own layout: `a/talk.mp3` gives `a/talk`, or `a/talk.mp3`
 * where two sources would share the shorter name.
 */
export function outputStems(sources: readonly Source[]): string[] {
  const short = sources.map(({ name }) => name.slice(0, name.length - extname(name).length));
  const count = new Map<string, number>();
  for (const stem of short) count.set(folded(stem), (count.get(folded(stem)) ?? 0) + 1);
  const taken = new Set<string>();
  return sources.map(({ name }, index) => {
    const stem = count.get(folded(short[index])) === 1 ? short[index] : name;
    let free = stem;
    for (let n = 2; taken.has(folded(free)); n += 1) free = `${stem}-${n}`;
    taken.add(folded(free));
    return free;
  });
}

export class Outputs {
  private constructor(
    readonly root: string,
    readonly formats: readonly OutputFormat[],
  ) {}

  /** @throws MalgwiError invalid_request: the folder cannot be made */
  static async open(folder: string, formats: readonly OutputFormat[]): Promise<Outputs> {
    try {
      await mkdir(folder, { recursive: true });
      return new Outputs(await realpath(folder), formats);
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw new MalgwiError('invalid_request', {
        detail: `The folder ${folder} of --out cannot be made: ${reason}.`,
        cause: error,
      });
    }
  }

  path(stem: string, format: OutputFormat): string {
    return join(this.root, `${stem}.${EXTENSIONS[format]}`);
  }

  /** Age of the oldest result in milliseconds since 1970; nothing where one is missing. */
  async writtenAt(stem: string): Promise<number | undefined> {
    const files = await Promise.all(
      this.formats.map((format) => stat(this.path(stem, format)).catch(() => undefined)),
    );
    if (files.some((file) => file === undefined || !file.isFile())) return undefined;
    return Math.min(...files.map((file) => file!.mtimeMs));
  }

  /**
   * Each file is whole or not there.
   * @throws MalgwiError invalid_request: the place lies outside of the folder, or cannot be written to
   */
  async write(stem: string, texts: ReadonlyMap<OutputFormat, string>): Promise<void> {
    for (const format of this.formats) {
      const path = this.path(stem, format);
      const folder = dirname(path);
      try {
        await mkdir(folder, { recursive: true });
        // A link in the folder of results must not lead them elsewhere.
        const real = await realpath(folder);
        if (real !== this.root && !real.startsWith(this.root.endsWith(sep) ? this.root : this.root + sep)) {
          throw new MalgwiError('invalid_request', { detail: `${folder} leads out of the folder of --out.` });
        }
        await rm(`${path}.part`, { force: true });
        const file = await open(`${path}.part`, 'wx');
        try {
          await file.writeFile(texts.get(format) ?? '');
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(`${path}.part`, path);
      } catch (error) {
        if (error instanceof MalgwiError) throw error;
        const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
        throw new MalgwiError('invalid_request', {
          detail: `${path} cannot be written: ${reason}.`,
          cause: error,
        });
      }
    }
  }
}
