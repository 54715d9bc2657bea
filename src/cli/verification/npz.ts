/** Archives as `numpy.savez` writes them: a zip of `.npy` files. Hostile ones cost bounded memory and are refused. */
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { MalgwiError } from '../../errors.js';
import { parseNpy, type NpyArray } from './npy.js';

const MAX_ENTRIES = 20_000;
/** Of one array, unpacked: more than an hour of samples, or half an hour of 80 float32 features every 10 ms. */
const MAX_ARRAY_BYTES = 128 * 2 ** 20;
/** Of all arrays together: what is never in memory at once still takes its time. */
const MAX_TOTAL_BYTES = 4 * 2 ** 30;
/** 0 is stored, 8 is deflate: what NumPy writes. */
const METHODS: ReadonlySet<number> = new Set([0, 8]);

const invalid = (detail: string, cause?: unknown): MalgwiError =>
  new MalgwiError('reference_invalid', { detail, cause });

export class NpzFile {
  private constructor(
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
  ) {}

  /**
   * Reads the table of contents; arrays are read one by one, when they are asked for.
   * @throws MalgwiError reference_invalid: not such a file, or one that is made to do harm
   */
  static async open(path: string): Promise<NpzFile> {
    let zip: ZipFile;
    try {
      zip = await openPromise(path, { lazyEntries: true, autoClose: false, strictFileNames: true });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw invalid(
        code === undefined ? 'The reference is no .npz file.' : `The reference cannot be read: ${code}.`,
        error,
      );
    }
    try {
      if (zip.entryCount > MAX_ENTRIES) throw invalid(`The reference holds more than ${MAX_ENTRIES} arrays.`);
      const entries = new Map<string, Entry>();
      let total = 0;
      for await (const entry of zip.eachEntry()) {
        const name = checkEntry(entry);
        if (entries.has(name)) throw invalid(`The reference holds ${name} twice.`);
        entries.set(name, entry);
        total += entry.uncompressedSize;
      }
      if (total > MAX_TOTAL_BYTES) throw invalid('The reference unpacks to more than 4 GiB.');
      return new NpzFile(zip, entries);
    } catch (error) {
      zip.close();
      throw error instanceof MalgwiError ? error : invalid('The reference is a damaged .npz file.', error);
    }
  }

  /** Names of the arrays, without `.npy`. */
  names(): readonly string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /**
   * @param maxBytes of the array, in place of the general limit
   * @throws MalgwiError reference_invalid
   */
  async read(name: string, maxBytes = MAX_ARRAY_BYTES): Promise<NpyArray> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw invalid(`The reference has no ${name}.`);
    if (entry.uncompressedSize > maxBytes) throw invalid(`${name} is larger than is accepted.`);
    return parseNpy(await this.unpack(entry, name), name);
  }

  close(): void {
    this.zip.close();
  }

  private async unpack(entry: Entry, name: string): Promise<Uint8Array> {
    const bytes = new Uint8Array(entry.uncompressedSize);
    let filled = 0;
    try {
      // The reader fails once the stream is longer than the entry says, or ends before.
      for await (const chunk of (await this.zip.openReadStreamPromise(entry)) as AsyncIterable<Uint8Array>) {
        bytes.set(chunk, filled);
        filled += chunk.length;
      }
    } catch (error) {
      throw invalid(`${name} is damaged.`, error);
    }
    if (filled !== bytes.length) throw invalid(`${name} is damaged.`);
    return bytes;
  }
}

/** The array's name. @throws MalgwiError reference_invalid */
function checkEntry(entry: Entry): string {
  const { fileName, uncompressedSize } = entry;
  const name = fileName.endsWith('.npy') ? fileName.slice(0, -4) : '';
  if (name === '' || /[/\\\0]/.test(name) || name.length > 200) {
    throw invalid('The reference holds something that is no array of numpy.savez.');
  }
  if (entry.isEncrypted() || !METHODS.has(entry.compressionMethod)) {
    throw invalid(`${name} is encrypted, or packed in a way that NumPy does not know.`);
  }
  if (uncompressedSize > MAX_ARRAY_BYTES) {
    throw invalid(`${name} is larger than the ${MAX_ARRAY_BYTES / 2 ** 20} MiB that are accepted.`);
  }
  return name;
}
