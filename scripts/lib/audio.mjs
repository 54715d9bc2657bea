// Test audio for the benchmarks: the clips of test-audio/ joined to any length, 16 kHz mono wav.
import { open, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { pcm, readAudio, wavHeader } from './wav.mjs';

const RATE = 16_000;
const PAUSE_SECONDS = 0.7;

export const CLIPS = fileURLToPath(new URL('../../test-audio', import.meta.url));

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
  for (const name of names) clips.push(pcm(await readAudio(join(folder, name))));
  const pause = Buffer.alloc(PAUSE_SECONDS * RATE * 2);
  const target = minutes * 60 * RATE * 2;
  const file = await open(path, 'w');
  try {
    let written = 0;
    await file.write(wavHeader(target));
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
