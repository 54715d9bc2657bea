/** Checks of what the `stt` package would refuse, or abort the process over. */
import { badArgument } from './errors.js';

const MAX_BEAM_WIDTH = 65_535;
const MAX_RESULTS = 0xffffffff;
const MAX_HOT_WORD = 1000;

/** Bytes of int16 samples, from any kind of buffer. */
export function pcmBytes(call: string, buffer: unknown): Uint8Array {
  if (!ArrayBuffer.isView(buffer)) {
    throw badArgument(
      call,
      'aBuffer',
      'The audio must be a Buffer or another typed array of 16-bit samples.',
    );
  }
  if (buffer.byteLength % 2 !== 0) {
    const detail = 'Buffer length must be even. Make sure your input audio is 16-bits per sample.';
    throw badArgument(call, 'aBuffer', detail);
  }
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

export function resultCount(call: string, count: unknown): number {
  if (typeof count !== 'number' || !(count >= 0 && count <= MAX_RESULTS)) {
    throw badArgument(call, 'aNumResults', 'The number of results must be 0 or more.');
  }
  return Math.floor(count);
}

export function beamWidth(call: string, width: unknown): number {
  if (typeof width !== 'number' || !(width >= 1 && width <= MAX_BEAM_WIDTH)) {
    throw badArgument(call, 'aBeamWidth', `The beam width must be from 1 to ${String(MAX_BEAM_WIDTH)}.`);
  }
  return Math.floor(width);
}

export function finite(call: string, param: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw badArgument(call, param, `${param} must be a finite number.`);
  }
  return value;
}

export function hotWord(call: string, word: unknown): string {
  if (typeof word !== 'string' || word === '' || word.length > MAX_HOT_WORD) {
    throw badArgument(
      call,
      'aWord',
      `A hot-word must be a string of 1 to ${String(MAX_HOT_WORD)} characters.`,
    );
  }
  return word;
}

export function path(call: string, param: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.includes('\0')) {
    throw badArgument(call, param, `${param} must be the path of a file.`);
  }
  return value;
}

/** An option of the model: a whole number from 1 on. */
export function positive(param: string, value: number | undefined, most: number): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= most)) {
    throw badArgument('CreateModel', param, `${param} must be a whole number from 1 to ${String(most)}.`);
  }
}
