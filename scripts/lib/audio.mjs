// Test audio for the benchmarks: the clips of test-audio/ joined to any length, 16 kHz mono wav.
import { open, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { openAudioFile } from '../../dist/audio/index.js';

const RATE = 16_000;
const PAUSE_SECONDS = 0.7;
const HEADER_BYTES = 44;

export const CLIPS = fileURLToPath(new URL('../../test-audio', import.meta.url));

function header(samples) {
  const bytes = samples * 2;
  const head = Buffer.alloc(HEADER_BYTES);
  head.write('RIFF', 0);
  head.writeUInt32LE(HEADER_BYTES - 8 + bytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(RATE, 24);
  head.writeUInt32LE(RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(bytes, 40);
  return head;
}

async function decode(path) {
  const stream = await openAudioFile(path);
  const pieces = [];
  try {
    for await (const chunk of stream.chunks()) {
      const pcm = Buffer.alloc(chunk.length * 2);
      chunk.forEach((value, index) => {
        pcm.writeInt16LE(Math.round(Math.max(-1, Math.min(1, value)) * 32767), index * 2);
      });
      pieces.push(pcm);
    }
  } finally {
    await stream.close();
  }
  return Buffer.concat(pieces);
}

/**
 * Writes a wav of `minutes` to `path`: the clips in turn with pauses between them, again and again.
 * @returns {Promise<number>} its seconds
 */
export async function writeLongWav(path, minutes, folder = CLIPS) {
  const names = (await readdir(folder))
    .filter((name) => /\.(wav|flac|mp3|ogg|opus|webm|m4a)$/.test(name))
    .sort();
  if (names.length === 0) throw new Error(`no audio in ${folder}`);
  const clips = [];
  for (const name of names) clips.push(await decode(join(folder, name)));
  const pause = Buffer.alloc(PAUSE_SECONDS * RATE * 2);
  const target = minutes * 60 * RATE * 2;
  const file = await open(path, 'w');
  try {
    let written = 0;
    await file.write(header(target / 2));
    for (let turn = 0; written < target; turn += 1) {
      for (const piece of [clips[turn % clips.length], pause]) {
        const part = piece.subarray(0, target - written);
        await file.write(part);
        written += part.length;
      }
    }
  } finally {
    await file.close();
  }
  return minutes * 60;
}

/** Command-line options: `--name value` and `--flag`. */
export function parseOptions(defaults) {
  const options = { ...defaults };
  const args = process.argv.slice(2);
  for (let i = 0; i < args.length; i += 1) {
    const name = args[i].replace(/^--/, '').replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
    if (!args[i].startsWith('--') || !(name in defaults)) {
      const known = Object.keys(defaults).map(
        (key) => `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
      );
      console.error(`Unknown option ${args[i]}. Options: ${known.join(' ')}`);
      process.exit(1);
    }
    if (typeof defaults[name] === 'boolean') options[name] = true;
    else options[name] = typeof defaults[name] === 'number' ? Number(args[(i += 1)]) : args[(i += 1)];
  }
  return options;
}
