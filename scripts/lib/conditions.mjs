// A manifest's recordings under worse conditions, in a folder of their own, for `malgwi evaluate --by condition`.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { farField, NOISE_NAMES, room, telephoneWav, withNoise } from './degrade.mjs';
import { seeded, seedOf } from './random.mjs';
import { readAudio, wav } from './wav.mjs';

const ROOMS = 8;
const rooms = () => Array.from({ length: ROOMS }, (_, n) => room(seeded(n + 1)));
const noisy = (snr) => (samples, random, noise) => wav(withNoise(samples, noise, snr, random));

/** What is done to a recording: samples in, the bytes of an audio file out. */
export const CONDITIONS = {
  clean: (samples) => wav(samples),
  'noise 20 dB': noisy(20),
  'noise 10 dB': noisy(10),
  'noise 5 dB': noisy(5),
  'noise 0 dB': noisy(0),
  telephone: (samples) => telephoneWav(samples),
  'far field': (samples, random, _noise, halls) => wav(farField(samples, halls, random)),
};

/**
 * Writes each recording once for each condition, and `manifest.jsonl` beside them, whose lines carry the fields of the
 * original and `condition` (and `noise`, the kind: one for each recording, in turn).
 * @param items as the evaluation's manifest reader gives them
 * @returns path of the new manifest
 */
export async function writeConditions(items, folder, names = Object.keys(CONDITIONS)) {
  await mkdir(folder, { recursive: true });
  const halls = rooms();
  const lines = [];
  for (const [n, { path, audio, text, fields }] of items.entries()) {
    const samples = await readAudio(path);
    const noise = NOISE_NAMES[n % NOISE_NAMES.length];
    for (const name of names) {
      const file = `${String(n).padStart(5, '0')}-${name.replaceAll(' ', '-')}.wav`;
      const bytes = CONDITIONS[name](samples, seeded(seedOf(`${audio} ${name}`)), noise, halls);
      await writeFile(join(folder, file), bytes);
      const kind = name.startsWith('noise') ? { noise } : {};
      lines.push(JSON.stringify({ ...fields, audio: file, text, condition: name, ...kind }));
    }
  }
  const manifest = join(folder, 'manifest.jsonl');
  await writeFile(manifest, `${lines.join('\n')}\n`);
  return manifest;
}
