/** Writes `.npz` files for tests: what `numpy.savez` writes, and what it never would. */
import { writeFile } from 'node:fs/promises';
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly deflate?: boolean;
  /** What the entry claims, in place of the truth. */
  readonly claimedSize?: number;
  readonly method?: number;
  readonly flags?: number;
}

/** A zip of these entries, without the 64-bit fields (APPNOTE.TXT 6.3.10, PKWARE). */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, deflate = false, claimedSize = data.length, method, flags = 0 } of entries) {
    const packed = deflate ? deflateRawSync(data) : data;
    const path = Buffer.from(name);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method ?? (deflate ? 8 : 0), 4);
    common.writeUInt32LE(crc32(data), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimedSize, 18);
    common.writeUInt16LE(path.length, 22);
    const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), common, path, packed]);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\0'), common, place, path]));
    parts.push(local);
    offset += local.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

/** A `.npy` file with this header and data, whether they fit or not. */
export function npy(descr: string, shape: readonly number[], data: Uint8Array): Buffer {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  const header = Buffer.from(`${text.padEnd(117)}\n`, 'latin1');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length);
  return Buffer.concat([Buffer.from('\u0093NUMPY\u0001\0', 'latin1'), length, header, data]);
}

export type TestArray =
  { readonly shape: readonly number[]; readonly values: Float32Array | Int16Array | BigInt64Array } | string;

function encode(array: TestArray): Buffer {
  if (typeof array === 'string') {
    const points = Uint32Array.from([...array], (character) => character.codePointAt(0)!);
    return npy(`<U${points.length}`, [], new Uint8Array(points.buffer));
  }
  const { values, shape } = array;
  const type = values instanceof Float32Array ? '<f4' : values instanceof Int16Array ? '<i2' : '<i8';
  return npy(type, shape, new Uint8Array(values.buffer));
}

export const tokens = (ids: readonly number[]): TestArray => ({
  shape: [ids.length],
  values: BigInt64Array.from(ids, BigInt),
});

export async function writeNpz(path: string, arrays: Readonly<Record<string, TestArray>>): Promise<void> {
  const entries = Object.entries(arrays).map(([name, array]) => ({
    name: `${name}.npy`,
    data: encode(array),
  }));
  await writeFile(path, zip(entries));
}
