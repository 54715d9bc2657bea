// Speech from espeak-ng, brought to 16 kHz by the service's own resampler.
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { decodeRaw } from './wav.mjs';

const run = promisify(execFile);
const HEADER_BYTES = 44;
const RATE_AT = 24;

/** Why there is no synthetic speech; undefined where there is. */
export function whyNoSpeech() {
  try {
    execFileSync('espeak-ng', ['--version'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'espeak-ng is not installed';
  }
}

/**
 * @param {string} text
 * @param {{voice: string, rate: number, pitch: number}} how words a minute; pitch from 0 to 99
 * @returns {Promise<Float32Array>} 16 kHz
 */
export async function speak(text, { voice, rate, pitch }) {
  const args = ['-v', voice, '-s', String(rate), '-p', String(pitch), '--stdout', '--', text];
  const { stdout } = await run('espeak-ng', args, { encoding: 'buffer', maxBuffer: 2 ** 26 });
  // Written to a pipe, the header does not know the length: the samples are what follows it.
  return decodeRaw(stdout.subarray(HEADER_BYTES), 'pcm_s16le', stdout.readUInt32LE(RATE_AT));
}
