import { MalgwiError } from '../errors.js';

/**
 * The error for audio that stops before it should.
 * @param seconds how much was there
 * @param promised how much the header announced, where it did
 */
export function truncatedAfter(seconds: number, promised?: number): MalgwiError {
  const rest =
    promised === undefined ? 'the file was cut off' : `its header promises ${promised.toFixed(2)} s`;
  return new MalgwiError('audio_truncated', {
    detail: `The audio ends after ${seconds.toFixed(2)} s; ${rest}.`,
  });
}
