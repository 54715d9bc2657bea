// Writes the bundled model's figures, from its manifest, into the pages that show them.
//   node scripts/update-figures.mjs           rewrite what stands between the markers
//   node scripts/update-figures.mjs --check   exit code 1 where a page does not say what the manifest says
// Nobody types an error rate by hand: a page is either what the manifest says or the tests fail.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PAGES = ['README.md', 'docs/guides/measuring-accuracy.md'];
const MODEL = 'malgwi-ko';
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

const rate = ({ edits, referenceCharacters }) =>
  `${((100 * edits) / Math.max(1, referenceCharacters)).toFixed(1)} %`;
const row = (cells) => `| ${cells.join(' | ')} |`;

function figures(manifest) {
  const lines = [
    row(['set', 'CER without spaces', 'edits of characters', 'utterances', 'decoding', 'normaliser']),
    row(['---', '---:', '---:', '---:', '---', '---']),
  ];
  for (const metric of manifest.metrics) {
    const add = (name, counts) =>
      lines.push(
        row([
          name,
          rate(counts),
          `${counts.edits} of ${counts.referenceCharacters}`,
          counts.utterances,
          metric.decoding,
          `\`${metric.normalizer}\``,
        ]),
      );
    add(metric.set, metric);
    for (const [name, counts] of Object.entries(metric.bySubset ?? {})) add(`- ${name}`, counts);
  }
  return `\`${manifest.name}\` ${manifest.version}, ${(manifest.architecture.parameters / 1e6).toFixed(1)} million parameters:\n\n${lines.join('\n')}`;
}

const BLOCK = /(<!-- figures:begin[^>]*-->\n)[\s\S]*?(\n<!-- figures:end -->)/;

const manifest = JSON.parse(await readFile(path(`models/${MODEL}/manifest.json`), 'utf8'));
const check = process.argv.includes('--check');
let stale = 0;
for (const page of PAGES) {
  const text = await readFile(path(page), 'utf8');
  if (!BLOCK.test(text)) {
    console.error(`${page} has no markers for the figures`);
    process.exit(1);
  }
  const updated = text.replace(BLOCK, (_, begin, end) => `${begin}${figures(manifest)}${end}`);
  if (updated === text) continue;
  stale += 1;
  if (check)
    console.error(`${page} does not say what the manifest says: run node scripts/update-figures.mjs`);
  else await writeFile(path(page), updated);
}
if (check && stale > 0) process.exit(1);
