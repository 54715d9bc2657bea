/** Arrays as `numpy.save` writes them (NumPy, "NEP 1: A simple file format for NumPy arrays"). Nothing is executed. */
import { MalgwiError } from '../../errors.js';

/** The headers of real arrays have about a hundred bytes. */
const MAX_HEADER = 8192;
const MAX_DIMENSIONS = 8;
const MAGIC = '\u0093NUMPY';

interface ArrayBase {
  readonly shape: readonly number[];
}
export interface NumberArray extends ArrayBase {
  readonly kind: 'float' | 'integer';
  /** Row-major. */
  readonly values: Float64Array | Float32Array;
}
export interface TextArray extends ArrayBase {
  readonly kind: 'text';
  /** Row-major. */
  readonly values: readonly string[];
}
export type NpyArray = NumberArray | TextArray;

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  readonly dataStart: number;
}

const fail = (name: string, what: string): MalgwiError =>
  new MalgwiError('reference_invalid', { detail: `${name}: ${what}.` });

/**
 * Reads one array. Integers become doubles: those beyond 2^53 lose their last digits.
 * @param bytes a whole `.npy` file
 * @param name for error messages
 * @throws MalgwiError reference_invalid: no such file, a type that is no number or text (Python objects, which are
 * pickles, above all), or a shape that is not that of the data
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const { descr, fortran, shape, dataStart } = parseHeader(bytes, name);
  const type = /^([<>|=])([a-zA-Z])(\d{0,9})$/.exec(descr);
  if (type === null) throw fail(name, 'the type of the array is not known');
  const [, order, kind, digits] = type;
  if (kind === 'O') throw fail(name, 'it holds Python objects (a pickle), which are not read');
  const size = Number(digits || 0) * (kind === 'U' ? 4 : 1);
  const read = reader(kind!, size, order !== '>');
  if (read === undefined) throw fail(name, `arrays of the type ${descr} are not read`);
  const count = shape.reduce((product, length) => product * length, 1);
  // Elements of no size (empty texts) are the one way to have more of them than bytes.
  if (count * size !== bytes.length - dataStart || (size === 0 && count > 1))
    throw fail(name, 'its shape is not that of its data');
  const view = new DataView(bytes.buffer, bytes.byteOffset + dataStart, bytes.length - dataStart);
  const at = fortran && shape.length > 1 ? columnMajor(shape) : (index: number) => index;
  if (read.kind === 'text') {
    const values = Array.from({ length: count }, (_, i) => read.at(view, at(i) * size));
    return { kind: 'text', shape, values };
  }
  const values = kind === 'f' && size <= 4 ? new Float32Array(count) : new Float64Array(count);
  for (let i = 0; i < count; i++) values[i] = read.at(view, at(i) * size);
  return { kind: read.kind, shape, values };
}

function parseHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 6)) !== MAGIC) {
    throw fail(name, 'it is not a NumPy array');
  }
  const major = bytes[6]!;
  if (major < 1 || major > 3) throw fail(name, `version ${major} of the format is not known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > MAX_HEADER || start + length > bytes.length) throw fail(name, 'its header is too long');
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  // A Python literal, of which NumPy writes this form only.
  const descr = /'descr': '([^']{1,16})'/.exec(header)?.[1];
  const fortran = /'fortran_order': (True|False)/.exec(header)?.[1];
  const lengths = /'shape': \(((?:\d{1,15}, ?)*\d{0,15})\)/.exec(header)?.[1];
  if (descr === undefined) throw fail(name, 'arrays of records are not read, and it has no other type');
  if (fortran === undefined || lengths === undefined) throw fail(name, 'its header is damaged');
  const shape = lengths
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number);
  if (shape.length > MAX_DIMENSIONS) throw fail(name, 'it has too many dimensions');
  return { descr, fortran: fortran === 'True', shape, dataStart: start + length };
}

type Reader =
  | { readonly kind: 'float' | 'integer'; at(view: DataView, offset: number): number }
  | { readonly kind: 'text'; at(view: DataView, offset: number): string };

function reader(kind: string, size: number, little: boolean): Reader | undefined {
  const number = (type: 'float' | 'integer', at: (view: DataView, offset: number) => number): Reader => ({
    kind: type,
    at,
  });
  switch (`${kind}${size}`) {
    case 'f4':
      return number('float', (view, offset) => view.getFloat32(offset, little));
    case 'f8':
      return number('float', (view, offset) => view.getFloat64(offset, little));
    case 'i1':
      return number('integer', (view, offset) => view.getInt8(offset));
    case 'u1':
      return number('integer', (view, offset) => view.getUint8(offset));
    case 'i2':
      return number('integer', (view, offset) => view.getInt16(offset, little));
    case 'u2':
      return number('integer', (view, offset) => view.getUint16(offset, little));
    case 'i4':
      return number('integer', (view, offset) => view.getInt32(offset, little));
    case 'u4':
      return number('integer', (view, offset) => view.getUint32(offset, little));
    case 'i8':
      return number('integer', (view, offset) => Number(view.getBigInt64(offset, little)));
    case 'u8':
      return number('integer', (view, offset) => Number(view.getBigUint64(offset, little)));
  }
  if (kind === 'U') return { kind: 'text', at: (view, offset) => unicode(view, offset, size, little) };
  if (kind === 'S') return { kind: 'text', at: (view, offset) => utf8(view, offset, size) };
  return undefined;
}

/** UTF-32, filled up with zeros. */
function unicode(view: DataView, offset: number, size: number, little: boolean): string {
  let text = '';
  for (let i = 0; i < size; i += 4) {
    const code = view.getUint32(offset + i, little);
    if (code === 0) break;
    text += code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
  }
  return text;
}

function utf8(view: DataView, offset: number, size: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + offset, size);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

/** Where the element that is `index`-th row by row stands in an array that is stored column by column. */
function columnMajor(shape: readonly number[]): (index: number) => number {
  const strides: number[] = [];
  let stride = 1;
  for (const length of shape) {
    strides.push(stride);
    stride *= length;
  }
  return (index) => {
    let rest = index;
    let at = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]!) * strides[axis]!;
      rest = Math.floor(rest / shape[axis]!);
    }
    return at;
  };
}
