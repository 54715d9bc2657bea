/** The results of an original engine, to compare with: features or samples, and what became of them. */
import type { FeatureMatrix } from '../../features/contract.js';
import { MalgwiError } from '../../errors.js';
import { NpzFile } from './npz.js';
import type { NpyArray } from './npy.js';

const INPUTS = ['features', 'pcm'] as const;
const RESULTS = ['ids', 'text'] as const;
const NAME = /^(.+)_(features|pcm|ids|text)$/;
/** Of the tokens or the text of one utterance. */
const MAX_RESULT_BYTES = 2 ** 20;

export interface ReferenceUtterance {
  readonly id: string;
  readonly input: (typeof INPUTS)[number];
  readonly ids?: readonly number[];
  readonly text?: string;
}

const invalid = (detail: string): MalgwiError => new MalgwiError('reference_invalid', { detail });

export class Reference {
  private constructor(
    private readonly file: NpzFile,
    /** Ordered by name, numbers in it by value. */
    readonly utterances: readonly ReferenceUtterance[],
  ) {}

  /**
   * Reads tokens and texts of all utterances; features and samples follow one by one.
   * @param path an `.npz` with `ID_features` or `ID_pcm`, and `ID_ids`, `ID_text` or both, for each utterance; arrays
   * of other names are not looked at
   * @throws MalgwiError reference_invalid
   */
  static async open(path: string): Promise<Reference> {
    const file = await NpzFile.open(path);
    try {
      const utterances: ReferenceUtterance[] = [];
      for (const id of utteranceIds(file)) utterances.push(await readUtterance(file, id));
      if (utterances.length === 0) {
        throw invalid('The reference holds no utterance: it needs arrays such as 0_features and 0_ids.');
      }
      return new Reference(file, utterances);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** [T, F] of the array [T, F] or [1, T, F]. @throws MalgwiError reference_invalid */
  async features(id: string): Promise<FeatureMatrix> {
    const name = `${id}_features`;
    const array = await this.file.read(name);
    const shape = withoutBatch(array.shape, 2);
    if (array.kind !== 'float' || shape.length !== 2) {
      throw invalid(`${name}: features are floating-point numbers of the shape [frames, channels].`);
    }
    const [frames = 0, dims = 0] = shape;
    return { data: Float32Array.from(array.values), frames, dims };
  }

  /** Samples in [-1, 1) of 16-bit ones at 16 kHz. @throws MalgwiError reference_invalid */
  async samples(id: string): Promise<Float32Array> {
    const name = `${id}_pcm`;
    const array = await this.file.read(name);
    if (array.kind !== 'integer' || withoutBatch(array.shape, 1).length !== 1) {
      throw invalid(`${name}: samples are 16-bit integers in one dimension.`);
    }
    return Float32Array.from(array.values, (value) => {
      if (value < -32768 || value > 32767) throw invalid(`${name}: a sample is beyond 16 bits.`);
      return value / 32768;
    });
  }

  close(): void {
    this.file.close();
  }
}

/** Names before the last underscore that have an input; results alone are a mistake, unless they belong to such a name. */
function utteranceIds(file: NpzFile): string[] {
  const found = new Set<string>();
  for (const name of file.names()) {
    const id = NAME.exec(name)?.[1];
    if (id !== undefined) found.add(id);
  }
  const has = (id: string, kinds: readonly string[]): boolean =>
    kinds.some((kind) => file.has(`${id}_${kind}`));
  const utterances = [...found].filter((id) => has(id, INPUTS));
  for (const id of found) {
    // Such as u0_ctc_ids beside u0_features: more than is asked for here.
    const extra = utterances.some((utterance) => id.startsWith(`${utterance}_`));
    if (!has(id, INPUTS) && !extra)
      throw invalid(`${id} has results, but neither ${id}_features nor ${id}_pcm.`);
  }
  for (const id of utterances) {
    if (!has(id, RESULTS)) throw invalid(`${id} has neither ${id}_ids nor ${id}_text.`);
  }
  return utterances.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

async function readUtterance(file: NpzFile, id: string): Promise<ReferenceUtterance> {
  const read = async (kind: string): Promise<NpyArray | undefined> =>
    file.has(`${id}_${kind}`) ? await file.read(`${id}_${kind}`, MAX_RESULT_BYTES) : undefined;
  const ids = await read('ids');
  const text = await read('text');
  if (ids !== undefined && (ids.kind === 'text' || withoutBatch(ids.shape, 1).length > 1)) {
    throw invalid(`${id}_ids: tokens are integers in one dimension.`);
  }
  if (text !== undefined && (text.kind !== 'text' || text.values.length !== 1)) {
    throw invalid(`${id}_text: it must be one text.`);
  }
  return {
    id,
    input: file.has(`${id}_features`) ? 'features' : 'pcm',
    ...(ids === undefined ? {} : { ids: Array.from(ids.values as Float64Array, wholeNumber(id)) }),
    ...(text === undefined ? {} : { text: String(text.values[0]) }),
  };
}

/** An empty list of Python is an array of floats. */
function wholeNumber(id: string): (value: number) => number {
  return (value) => {
    if (!Number.isSafeInteger(value) || value < 0)
      throw invalid(`${id}_ids: tokens are integers of 0 or more.`);
    return value;
  };
}

/** Leading axes of length 1 beyond `dimensions` are a batch of one. */
function withoutBatch(shape: readonly number[], dimensions: number): readonly number[] {
  let rest = shape;
  while (rest.length > dimensions && rest[0] === 1) rest = rest.slice(1);
  return rest;
}
