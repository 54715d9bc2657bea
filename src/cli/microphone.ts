/** The microphone through a recorder program (arecord or SoX), started by node-record-lpcm16. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { MalgwiError } from '../errors.js';

export const RECORDERS = ['arecord', 'sox', 'rec'] as const;
export type RecorderName = (typeof RECORDERS)[number];

export const MICROPHONE_RATE = 16_000;
/** Characters of a recorder's complaint that are kept. */
const MAX_COMPLAINT = 400;

export interface MicrophoneOptions {
  readonly recorder: RecorderName;
  /** ALSA or CoreAudio device; the recorder's default without it. */
  readonly device?: string;
}

export interface Microphone {
  readonly recorder: RecorderName;
  /** Signed 16-bit little-endian samples, mono, {@link MICROPHONE_RATE}; ends when the recorder ends. */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends the recording; what was recorded is still read. */
  stop(): void;
}

const INSTALL =
  'Install one: "apt-get install alsa-utils" (arecord) or "apt-get install sox" on Debian and Ubuntu, ' +
  '"brew install sox" on macOS.';

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const folder of folders) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}

/** @throws MalgwiError microphone_unavailable, with how to install one */
export async function findRecorder(wanted?: RecorderName): Promise<RecorderName> {
  for (const name of wanted === undefined ? RECORDERS : [wanted]) {
    if (await isInstalled(name)) return name;
  }
  const looked = wanted ?? RECORDERS.join(', ');
  throw new MalgwiError('microphone_unavailable', {
    detail: `No recorder program was found (${looked}). ${INSTALL}`,
  });
}

/**
 * Starts to record. `chunks` throws MalgwiError microphone_unavailable when the recorder ends by itself with an error
 * (no sound card, device busy), with the recorder's own words.
 */
export async function openMicrophone(options: MicrophoneOptions): Promise<Microphone> {
  const name = options.recorder;
  const { record } = (await import('node-record-lpcm16')).default;
  const recording = record({
    recorder: name,
    sampleRate: MICROPHONE_RATE,
    channels: 1,
    audioType: 'raw',
    ...(options.device === undefined ? {} : { device: options.device }),
  });
  let stopped = false;
  let complaint = '';
  const { process: child } = recording;
  const stream = recording.stream();
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-MAX_COMPLAINT);
  });
  // The library reports every exit that is not 0 on the stream, the one that `stop` causes included, after the last
  // samples; it is judged below, from the exit itself.
  stream.on('error', () => undefined);
  const ended = new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code) => {
      const words = complaint.trim().split('\n').at(-1) ?? '';
      resolve(code === 0 ? undefined : words || `it ended with code ${String(code)}`);
    });
  });
  return {
    recorder: name,
    chunks: readUntilEnd(stream, ended, () => stopped, name),
    stop: () => {
      if (stopped) return;
      stopped = true;
      recording.stop();
    },
  };
}

async function* readUntilEnd(
  stream: Readable,
  ended: Promise<string | undefined>,
  isStopped: () => boolean,
  name: string,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } catch (error) {
    // Only the exit code matters here; a stream that broke for another reason is an error of its own.
    if (typeof error !== 'string') throw error;
  }
  const problem = await ended;
  if (problem !== undefined && !isStopped()) {
    throw new MalgwiError('microphone_unavailable', { detail: `${name} could not record: ${problem}` });
  }
}
