// Worse versions of a set of recordings: noise at 20, 10, 5 and 0 dB (white, pink, brown, babble and music in turn), the
// telephone (8 kHz, G.711) and a room with the microphone two to five metres away. Everything is seeded.
//   node scripts/make-conditions.mjs MANIFEST.jsonl FOLDER [--split dev] [--limit N] [--conditions "clean,telephone"]
//   npm run evaluate -- --manifest FOLDER/manifest.jsonl --by condition,noise
import { parseArgs } from 'node:util';
import { readManifest } from '../dist/cli/evaluation/manifest.js';
import { CONDITIONS, writeConditions } from './lib/conditions.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { split: { type: 'string' }, limit: { type: 'string' }, conditions: { type: 'string' } },
});
const [manifest, folder] = positionals;
const names = values.conditions?.split(',').map((name) => name.trim()) ?? Object.keys(CONDITIONS);
const unknown = names.filter((name) => !Object.hasOwn(CONDITIONS, name));
if (folder === undefined || unknown.length > 0) {
  console.error(
    'Usage: node scripts/make-conditions.mjs MANIFEST.jsonl FOLDER [--split NAME] [--conditions LIST]',
  );
  console.error(`Conditions: ${Object.keys(CONDITIONS).join(', ')}`);
  process.exit(2);
}
const items = await readManifest(manifest, {
  ...(values.split === undefined ? {} : { split: values.split }),
  ...(values.limit === undefined ? {} : { limit: Number(values.limit) }),
});
console.log(await writeConditions(items, folder, names));
