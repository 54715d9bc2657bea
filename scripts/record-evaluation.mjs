// Puts what `npm run evaluate -- --json` measured into a model package's manifest, so that the service, the README and
// the model card say it too. Replaces an earlier measurement of the same set, normaliser and decoding.
//   node scripts/record-evaluation.mjs models/malgwi-ko evaluation.json --set "dev, through the service"
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { set: { type: 'string' }, decoding: { type: 'string', default: 'greedy' } },
});
const [directory, file] = positionals;
if (directory === undefined || file === undefined || values.set === undefined) {
  console.error('usage: record-evaluation.mjs PACKAGE EVALUATION.json --set NAME [--decoding NAME]');
  process.exit(2);
}
const path = join(directory, 'manifest.json');
const manifest = JSON.parse(await readFile(path, 'utf8'));
const measured = JSON.parse(await readFile(file, 'utf8'));
if (measured.model !== manifest.name) {
  console.error(`the evaluation is of ${measured.model}, the package is ${manifest.name}`);
  process.exit(1);
}
const { substitutions, deletions, insertions, referenceCharacters } = measured.noSpaces;
const edits = substitutions + deletions + insertions;
const row = {
  set: values.set,
  normalizer: measured.normalizer,
  decoding: values.decoding,
  cerNoSpaces: Math.round((1e4 * edits) / Math.max(1, referenceCharacters)) / 1e4,
  edits,
  referenceCharacters,
  utterances: measured.utterances,
};
const same = (other) => ['set', 'normalizer', 'decoding'].every((key) => other[key] === row[key]);
manifest.metrics = [...manifest.metrics.filter((other) => !same(other)), row];
await writeFile(path, `${JSON.stringify(manifest, null, 2)}\n`);
console.log(`${row.set}: CER without spaces ${row.cerNoSpaces} (${edits} of ${referenceCharacters})`);
