/** What a batch remembers from run to run, beside its results: one line of JSON for each step, the latest one counts. */
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { MalgwiError } from '../../errors.js';

export const JOURNAL = '.malgwi-batch.jsonl';

export interface Note {
  /** Of the task; see {@link Task}. */
  readonly mark: string;
  /** The service that the upload and the job are at. */
  readonly server?: string | undefined;
  readonly upload?: string | undefined;
  readonly job?: string | undefined;
  readonly done?: boolean;
}

export class Journal {
  private constructor(
    private readonly notes: Map<string, Note>,
    private readonly file: FileHandle,
  ) {}

  /**
   * A last line that was cut off counts as never written: everything noted can be done again.
   * @throws MalgwiError invalid_request
   */
  static async open(folder: string): Promise<Journal> {
    const path = join(folder, JOURNAL);
    try {
      const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return '';
        throw error;
      });
      const notes = new Map<string, Note>();
      for (const line of text.split('\n')) {
        const entry = parse(line);
        if (entry !== undefined) notes.set(entry.name, entry.note);
      }
      await writeFile(`${path}.part`, [...notes].map(([name, note]) => format(name, note)).join(''));
      await rename(`${path}.part`, path);
      return new Journal(notes, await open(path, 'a'));
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unknown reason';
      throw new MalgwiError('invalid_request', {
        detail: `${path} cannot be used: ${reason}.`,
        cause: error,
      });
    }
  }

  /** What is known of a file; nothing where that is of another state of it, or for other settings. */
  get(name: string, mark: string): Note | undefined {
    const note = this.notes.get(name);
    return note?.mark === mark ? note : undefined;
  }

  /** Whether anything is known of a file, be it of another state of it. */
  has(name: string): boolean {
    return this.notes.has(name);
  }

  async set(name: string, note: Note): Promise<void> {
    this.notes.set(name, note);
    await this.file.appendFile(format(name, note));
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

const format = (name: string, note: Note): string => `${JSON.stringify({ name, ...note })}\n`;

function parse(line: string): { readonly name: string; readonly note: Note } | undefined {
  try {
    const { name, ...note } = JSON.parse(line) as Note & { name?: unknown };
    return typeof name === 'string' && typeof note.mark === 'string' ? { name, note } : undefined;
  } catch {
    return undefined;
  }
}
