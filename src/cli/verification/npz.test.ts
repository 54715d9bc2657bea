import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { npy, zip, type ZipEntry } from '../../../test/npz-support.js';
import { parseNpy } from './npy.js';
import { NpzFile } from './npz.js';
import { Reference } from './reference.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../test/fixtures/npz/${name}`, import.meta.url));
const matrix = [0, 0.25, 0.5, 0.75, 1, 1.25];
const refused = (words: RegExp): object => ({
  code: 'reference_invalid',
  message: expect.stringMatching(words) as string,
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'malgwi-npz-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let count = 0;
async function archive(entries: readonly ZipEntry[]): Promise<string> {
  const path = join(folder, `${(count += 1)}.npz`);
  await writeFile(path, zip(entries));
  return path;
}

describe.each(['stored.npz', 'deflated.npz'])('%s', (name) => {
  it.each<[string, readonly number[], readonly (number | string)[]]>([
    ['f4', [2, 3], matrix],
    ['f8', [2, 3], matrix],
    ['f4_fortran', [2, 3], matrix],
    ['f4_big', [2, 3], matrix],
    ['cube_fortran', [2, 3, 4], Array.from({ length: 24 }, (_, i) => i)],
    ['i1', [2], [-1, 2]],
    ['u1', [2], [255, 2]],
    ['i2', [2], [-32768, 32767]],
    ['u2', [1], [65535]],
    ['i4', [1, 2], [-5, 7]],
    ['u4', [1], [4294967295]],
    ['i8', [2], [-9007199254740991, 2001]],
    ['i8_big', [2], [-3, 2001]],
    ['u8', [1], [7]],
    ['scalar', [], [3.5]],
    ['empty', [0], []],
    ['no_frames', [0, 80], []],
    ['text', [], ['나라 마']],
    ['texts', [3], ['가', '나라', '']],
    ['no_text', [], ['']],
    ['astral', [], ['a😀b']],
    ['bytes_', [], ['가']],
  ])('has %s as NumPy wrote it', async (array, shape, values) => {
    const file = await NpzFile.open(fixture(name));
    const read = await file.read(array);
    file.close();
    expect(read.shape).toEqual(shape);
    expect([...read.values]).toEqual(values);
  });
});

describe('refused', () => {
  it.each([
    ['a_text', /pickle/],
    ['b', /records/],
    ['c', /not read/],
    ['d', /not read/],
    ['e', /type of the array is not known/],
  ])('what is no number or text: %s', async (name, words) => {
    const file = await NpzFile.open(fixture('pickles.npz'));
    await expect(file.read(name)).rejects.toMatchObject(refused(words));
    file.close();
  });

  it('a reference with a pickle, without reading it', async () => {
    await expect(Reference.open(fixture('pickles.npz'))).rejects.toMatchObject(refused(/pickle/));
  });

  it.each<[string, ZipEntry, RegExp]>([
    ['a path upwards', { name: '../0_ids.npy', data: npy('<i8', [0], new Uint8Array(0)) }, /damaged/],
    ['an absolute path', { name: '/0_ids.npy', data: npy('<i8', [0], new Uint8Array(0)) }, /damaged/],
    ['a path of Windows', { name: 'a\\0_ids.npy', data: npy('<i8', [0], new Uint8Array(0)) }, /damaged/],
    ['a folder', { name: 'a/0_ids.npy', data: npy('<i8', [0], new Uint8Array(0)) }, /no array/],
    ['another file', { name: 'readme.txt', data: Buffer.from('hello') }, /no array/],
    [
      'a bomb that says so',
      { name: '0_ids.npy', data: new Uint8Array(0), claimedSize: 2 ** 31, deflate: true },
      /larger/,
    ],
    [
      'a bomb that lies',
      { name: '0_ids.npy', data: new Uint8Array(2 ** 24), claimedSize: 100, deflate: true },
      /damaged/,
    ],
    [
      'one that ends too soon',
      { name: '0_ids.npy', data: new Uint8Array(50), claimedSize: 100, deflate: true },
      /damaged/,
    ],
    ['an encrypted one', { name: '0_ids.npy', data: new Uint8Array(50), flags: 1 }, /damaged|encrypted/],
    ['an unknown packing', { name: '0_ids.npy', data: new Uint8Array(50), method: 12 }, /packed/],
    [
      'tokens beyond measure',
      { name: '0_ids.npy', data: npy('<i8', [2 ** 18], new Uint8Array(2 ** 21)), deflate: true },
      /larger/,
    ],
    ['no array', { name: '0_ids.npy', data: Buffer.from('something else') }, /not a NumPy array/],
    [
      'an absurd shape',
      { name: '0_ids.npy', data: npy('<i8', [999_999_999_999, 999_999_999], new Uint8Array(8)) },
      /shape/,
    ],
    [
      'an absurd number of empty texts',
      { name: '0_ids.npy', data: npy('<U0', [999_999_999_999], new Uint8Array(0)) },
      /shape/,
    ],
    ['an absurd text', { name: '0_text.npy', data: npy('<U999999999', [1], new Uint8Array(8)) }, /shape/],
    [
      'too many dimensions',
      { name: '0_ids.npy', data: npy('<i8', new Array<number>(9).fill(1), new Uint8Array(8)) },
      /dimensions/,
    ],
    [
      'a negative token',
      { name: '0_ids.npy', data: npy('<i8', [1], new Uint8Array(8).fill(255)) },
      /0 or more/,
    ],
    [
      'half a token',
      { name: '0_ids.npy', data: npy('<f8', [1], new Uint8Array(new Float64Array([0.5]).buffer)) },
      /integers/,
    ],
  ])('%s', async (_, entry, words) => {
    const features = { name: '0_features.npy', data: npy('<f4', [0, 80], new Uint8Array(0)) };
    await expect(archive([features, entry]).then((path) => Reference.open(path))).rejects.toMatchObject(
      refused(words),
    );
  });

  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['another file', Buffer.from('not a zip'.repeat(100))],
    ['a zip cut off', zip([{ name: '0_ids.npy', data: new Uint8Array(5000) }]).subarray(0, 4000)],
  ])('%s in place of an archive', async (_, bytes) => {
    const path = join(folder, 'other');
    await writeFile(path, bytes);
    await expect(Reference.open(path)).rejects.toMatchObject(refused(/no .npz file/));
  });

  it('a file that is not there, and the same array twice', async () => {
    await expect(Reference.open(join(folder, 'absent'))).rejects.toMatchObject(refused(/ENOENT/));
    const entry = { name: '0_ids.npy', data: npy('<i8', [0], new Uint8Array(0)) };
    const path = await archive([entry, entry]);
    await expect(Reference.open(path)).rejects.toMatchObject(refused(/twice/));
  });

  it('whatever is made of a good array, or reads it', () => {
    const good = npy('<i8', [3], new Uint8Array(24));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }),
        fc.nat(good.length),
        (changes, length) => {
          const bytes = Uint8Array.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          try {
            expect(parseNpy(bytes.subarray(0, length), 'x').values.length).toBeLessThanOrEqual(24);
          } catch (error) {
            expect(error).toMatchObject({ code: 'reference_invalid' });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('Reference', () => {
  const empty = npy('<i8', [0], new Uint8Array(0));
  const features = npy('<f4', [0, 80], new Uint8Array(0));

  it('takes any name before the underscore, in the order of numbers, and leaves other arrays alone', async () => {
    const path = await archive([
      ...['u10', 'u9', 'kor_1'].flatMap((id) => [
        { name: `${id}_features.npy`, data: features },
        { name: `${id}_ids.npy`, data: empty },
      ]),
      { name: 'u9_ctc_ids.npy', data: empty },
      { name: 'u9_length.npy', data: empty },
      { name: 'version.npy', data: empty },
    ]);
    const reference = await Reference.open(path);
    expect(reference.utterances.map(({ id }) => id)).toEqual(['kor_1', 'u9', 'u10']);
    expect(reference.utterances[1]).toEqual({ id: 'u9', input: 'features', ids: [] });
    expect(await reference.features('u9')).toMatchObject({ frames: 0, dims: 80 });
    reference.close();
  });

  it('takes samples as int16 / 32768', async () => {
    const good = await archive([
      { name: 'a_pcm.npy', data: npy('<i2', [1, 3], new Uint8Array(Int16Array.of(-32768, 1, 32767).buffer)) },
      { name: 'a_text.npy', data: npy('<U1', [], new Uint8Array(Uint32Array.of(0xac00).buffer)) },
    ]);
    const reference = await Reference.open(good);
    expect(reference.utterances).toEqual([{ id: 'a', input: 'pcm', text: '가' }]);
    expect([...(await reference.samples('a'))]).toEqual([-1, 1 / 32768, 32767 / 32768]);
    reference.close();
  });

  it.each<[string, Readonly<Record<string, Buffer>>, RegExp]>([
    ['nothing', {}, /no .npz|no utterance/],
    ['no utterance', { version: empty }, /no utterance/],
    ['results of nothing', { '0_features': features, '0_ids': empty, '1_ids': empty }, /1 has results/],
    ['nothing to compare', { '0_features': features }, /neither 0_ids nor 0_text/],
    [
      'features of one dimension',
      { '0_features': npy('<f4', [0], new Uint8Array(0)), '0_ids': empty },
      /shape/,
    ],
    [
      'features of integers',
      { '0_features': npy('<i8', [0, 80], new Uint8Array(0)), '0_ids': empty },
      /floating/,
    ],
    ['samples of floats', { '0_pcm': npy('<f4', [0], new Uint8Array(0)), '0_ids': empty }, /16-bit/],
    [
      'samples beyond 16 bits',
      { '0_pcm': npy('<i4', [1], new Uint8Array([0, 0, 1, 0])), '0_ids': empty },
      /beyond/,
    ],
    ['two texts', { '0_features': features, '0_text': npy('<U1', [2], new Uint8Array(8)) }, /one text/],
    ['texts as tokens', { '0_features': features, '0_ids': npy('<U1', [2], new Uint8Array(8)) }, /integers/],
  ])('refuses %s', async (_, arrays, words) => {
    const path = await archive(Object.entries(arrays).map(([name, data]) => ({ name: `${name}.npy`, data })));
    const read = async (): Promise<void> => {
      const reference = await Reference.open(path);
      try {
        for (const { id, input } of reference.utterances) {
          await (input === 'pcm' ? reference.samples(id) : reference.features(id));
        }
      } finally {
        reference.close();
      }
    };
    await expect(read()).rejects.toMatchObject(refused(words));
  });
});
