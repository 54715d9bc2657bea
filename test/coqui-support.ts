/** What the original engine computed (test/fixtures/coqui/README.md). */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const folder = new URL('fixtures/coqui/', import.meta.url);

/** float32, row-major, as `acoustic/NAME.f32.gz` holds them. */
export function acoustic(name: string): Float32Array {
  const bytes = gunzipSync(readFileSync(new URL(`acoustic/${name}.f32.gz`, folder)));
  return new Float32Array(new Uint8Array(bytes).buffer);
}

/** The samples of `audio/NAME.wav` behind its header of 44 bytes: int16, little-endian. */
export function pcm(name: string): Buffer {
  return readFileSync(new URL(`audio/${name}.wav`, folder)).subarray(44);
}

/** The same as float32 in [-1, 1]. */
export function samples(name: string): Float32Array {
  const bytes = pcm(name);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readInt16LE(2 * i) / 32768);
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Infinity;
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}
