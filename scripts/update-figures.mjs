// Writes the bundled model's figures, from its manifest, into the pages that show them.
//   node scripts/update-figures.mjs           rewrite what stands between the markers
//   node scripts/update-figures.mjs --check   exit code 1 where a page does not say what the manifest says
// Nobody types an error rate by hand: a page is either what the manifest says or the tests fail.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const PAGES = ['README.md', 'docs/guides/measuring-accuracy.md'];
const MODEL = 'malgwi-ko';
const CARD = `models/${MODEL}/README.md`;
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

const rate = ({ edits, referenceCharacters }) =>
  `${((100 * edits) / Math.max(1, referenceCharacters)).toFixed(1)} %`;
const row = (cells) => `| ${cells.join(' | ')} |`;

function figures(manifest) {
  const lines = [
    row(['set', 'CER without spaces', 'edits of characters', 'utterances', 'decoding', 'normaliser']),
    row(['---', '---:', '---:', '---:', '---', '---']),
  ];
  // What was measured under conditions is for the card; the manifest has the recipe's own sets of them, too.
  const plain = manifest.metrics.filter(
    ({ condition, set }) => condition === undefined && !set.startsWith('dev-'),
  );
  for (const metric of plain) {
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

const percent = (value) => `${(100 * value).toFixed(1)} %`;
const span = (interval) =>
  interval === undefined ? '' : interval.map((value) => (100 * value).toFixed(1)).join('-');
const CLEAN = 'clean';

/** Error rates by condition and part, tasks, speed and sounds: what a card says beside the table of sets. */
function card({ metrics, measurements = {} }) {
  const parts = [];
  const heading = row(['', 'CER without spaces', '95 %', 'edits of characters', 'utterances']);
  const rule = row(['---', '---:', '---', '---:', '---:']);
  const line = (name, counts) =>
    row([
      name,
      rate(counts),
      span(counts.interval),
      `${counts.edits} of ${counts.referenceCharacters}`,
      counts.utterances,
    ]);
  const measured = metrics.filter(({ condition }) => condition !== undefined);
  if (measured.length > 0) {
    const [{ set, decoding, normalizer }] = measured;
    parts.push(
      `By condition (${set}; ${decoding}; \`${normalizer}\`). Noise is white, pink, brown, babble and music in turn:`,
    );
    const conditions = measured.flatMap((metric) => [
      line(metric.condition, metric),
      ...(metric.condition === CLEAN
        ? []
        : Object.entries(metric.bySubset ?? {}).map(([name, counts]) => line(`- ${name}`, counts))),
    ]);
    parts.push([heading, rule, ...conditions].join('\n'));
    const clean = measured.find(({ condition }) => condition === CLEAN);
    if (clean?.bySubset !== undefined) {
      parts.push('Clean, by corpus, speaker and duration:');
      parts.push(
        [heading, rule, ...Object.entries(clean.bySubset).map(([name, counts]) => line(name, counts))].join(
          '\n',
        ),
      );
    }
  }
  const { tasks, speed, sounds } = measurements;
  if (tasks !== undefined) {
    parts.push('Seat sentences of voices that were never trained on, end to end through the service:');
    parts.push(
      [
        row(['', 'right', 'of', 'share', '95 %']),
        row(['---', '---:', '---:', '---:', '---']),
        ...tasks.map(({ condition, right, of, interval }) =>
          row([condition, right, of, percent(right / of), span(interval)]),
        ),
      ].join('\n'),
    );
  }
  if (speed !== undefined) {
    const of = ({ kind, realTimeFactor, audioSeconds }) =>
      `${kind} ${(1 / realTimeFactor).toFixed(0)} times real time (${Math.round(audioSeconds / 60)} min of audio)`;
    parts.push(`Speed on one core, everything from the file to the text: ${speed.map(of).join(', ')}.`);
  }
  if (sounds !== undefined) {
    parts.push('Syllables a minute written for sounds that are not Korean speech:');
    parts.push(
      [
        row(['', 'sounds', 'seconds', 'as a file', 'live']),
        row(['---', '---:', '---:', '---:', '---:']),
        ...sounds.map((one) =>
          row([one.kind, one.sounds, one.seconds, one.syllablesPerMinute, one.liveSyllablesPerMinute]),
        ),
      ].join('\n'),
    );
  }
  return parts.join('\n\n');
}

const blockOf = (name) => new RegExp(`(<!-- ${name}:begin[^>]*-->\\n)[\\s\\S]*?(\\n<!-- ${name}:end -->)`);
const NEXT_SECTION = /\n+(?=## What it can and cannot do)/;
const EMPTY_CARD = '<!-- measured:begin (node scripts/model-figures.mjs) -->\n\n<!-- measured:end -->';

const manifest = JSON.parse(await readFile(path(`models/${MODEL}/manifest.json`), 'utf8'));
const check = process.argv.includes('--check');
let stale = 0;

async function update(page, block, content, prepare = (text) => text) {
  const text = await readFile(path(page), 'utf8');
  const prepared = prepare(text);
  if (!block.test(prepared)) {
    console.error(`${page} has no markers for the figures`);
    process.exit(1);
  }
  const updated = prepared.replace(block, (_, begin, end) => `${begin}${content}${end}`);
  if (updated === text) return;
  stale += 1;
  if (check)
    console.error(`${page} does not say what the manifest says: run node scripts/update-figures.mjs`);
  else await writeFile(path(page), updated);
}

for (const page of PAGES) await update(page, blockOf('figures'), figures(manifest));
const measured = card(manifest);
// A card that the recipe just wrote has no place for them yet.
if (measured !== '') {
  const measuredBlock = blockOf('measured');
  await update(CARD, measuredBlock, measured, (text) =>
    measuredBlock.test(text) ? text : text.replace(NEXT_SECTION, `\n\n${EMPTY_CARD}\n\n`),
  );
}
if (check && stale > 0) process.exit(1);
