import type { LiveEncoding } from '../audio/contract.js';
import type { SessionOptions } from './contract.js';

const BYTES_PER_SAMPLE: Partial<Record<LiveEncoding, number>> = {
  pcm_s16le: 2,
  pcm_f32le: 4,
  mulaw: 1,
  alaw: 1,
};
/** Containers are counted by this until they are decoded: 128 kbit/s, what browsers record speech at, at most. */
const CONTAINER_BYTES_PER_SECOND = 16_000;

/** Whether the bytes are a file's and say their rate themselves. */
export function isContainer(encoding: LiveEncoding): boolean {
  return BYTES_PER_SAMPLE[encoding] === undefined;
}

export function bytesPerSecond(
  options: Pick<SessionOptions, 'encoding' | 'sampleRate' | 'channels'>,
): number {
  const width = BYTES_PER_SAMPLE[options.encoding];
  return width === undefined ? CONTAINER_BYTES_PER_SECOND : width * options.channels * options.sampleRate;
}
