// What Coqui's decoder costs for each second of audio, on one core, at Coqui's own beam of 500.
//   npm run bench:decoding-coqui [-- --beam N] [-- --runs N] [-- --json]
// Runs the built code of dist/ over the probabilities of test/fixtures/coqui and over made-up ones of 2000 classes. Each
// row is the best of several runs; the load of other programs only adds time.
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

const built = new URL('../dist/decoding/coqui/index.js', import.meta.url);
if (!existsSync(built)) {
  console.error('dist/decoding is missing: run `npm run build` first.');
  process.exit(1);
}
const { bytesAlphabet, CoquiDecoder, CoquiScorer, parseAlphabet } = await import(built);
const { MemoryReader } = await import(new URL('../dist/decoding/lm/bytes.js', import.meta.url));

const { values } = parseArgs({
  options: {
    beam: { type: 'string', default: '500' },
    runs: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const beamWidth = Number(values.beam);
const runs = Number(values.runs);
if (!(Number.isInteger(beamWidth) && beamWidth > 0 && Number.isInteger(runs) && runs > 0)) {
  console.error('--beam and --runs are numbers from 1.');
  process.exit(1);
}

const FRAME_SECONDS = 0.02;
const fixtures = new URL('../test/fixtures/', import.meta.url);
const range = (first, count) => Array.from({ length: count }, (_, i) => String.fromCodePoint(first + i));
const alphabets = {
  ko_syl: parseAlphabet(readFileSync(new URL('packages/tiny-coqui/tokens.txt', fixtures), 'utf8')),
  ko_jamo: parseAlphabet([' ', ...range(0x1100, 19), ...range(0x1161, 21), ...range(0x11a8, 27)].join('\n')),
  ko_bytes: bytesAlphabet(),
};

function recorded(model, audio) {
  const bytes = gunzipSync(
    readFileSync(new URL(`coqui/decoding/${model}.f32.${audio}.probs.f32.gz`, fixtures)),
  );
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

/** A blank that takes most of the time, a label every few frames, and noise below: of the shape that models give. */
function peaked(classes, frames, noise) {
  let seed = 1;
  const random = () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
  const rows = new Float32Array(classes * frames);
  for (let frame = 0; frame < frames; frame++) {
    const row = rows.subarray(frame * classes, (frame + 1) * classes);
    for (let c = 0; c < classes; c++) row[c] = Math.exp(noise * 4 * (random() + random() + random() - 1.5));
    row[frame % 6 === 0 ? Math.floor(random() * (classes - 1)) : classes - 1] *= noise === 0 ? 1 : 1e5;
    const sum = row.reduce((total, value) => total + value, 0);
    for (let c = 0; c < classes; c++) row[c] /= sum;
  }
  return rows;
}

function measure(alphabet, rows, scorer) {
  const classes = alphabet.labels.length + 1;
  const frames = rows.length / classes;
  let best = Infinity;
  for (let run = 0; run < runs; run++) {
    const decoder = new CoquiDecoder(alphabet, { beamWidth, scorer });
    const started = performance.now();
    decoder.next(rows, frames, classes);
    decoder.decode(1);
    best = Math.min(best, performance.now() - started);
  }
  return best / (frames * FRAME_SECONDS);
}

const results = [];
for (const model of ['ko_syl', 'ko_jamo', 'ko_bytes']) {
  const alphabet = alphabets[model];
  const rows = recorded(model, 'ko02');
  const file = new URL(`coqui/scorers/${model}.qatrie.scorer`, fixtures);
  const scorer = new CoquiScorer(new MemoryReader(new Uint8Array(readFileSync(file))), alphabet);
  results.push({
    what: `${model}, no scorer`,
    classes: alphabet.labels.length + 1,
    ms: measure(alphabet, rows),
  });
  results.push({
    what: `${model}, scorer`,
    classes: alphabet.labels.length + 1,
    ms: measure(alphabet, rows, scorer),
  });
}
const large = parseAlphabet([' ', ...range(0xac00, 1998)].join('\n'));
results.push({ what: 'made up, as a model gives', classes: 2000, ms: measure(large, peaked(2000, 200, 1)) });
results.push({ what: 'made up, all about equal', classes: 2000, ms: measure(large, peaked(2000, 50, 0.05)) });

if (values.json) console.log(JSON.stringify({ beamWidth, results }));
else {
  console.log(`beam ${beamWidth}: milliseconds for a second of audio`);
  for (const { what, classes, ms } of results)
    console.log(`  ${what.padEnd(28)} ${classes} classes  ${ms.toFixed(1)}`);
}
