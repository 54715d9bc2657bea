// Measures what a model's card says, in one go: error rates clean, by corpus, speaker and duration, in noise of 20 to 0 dB,
// over the telephone and far from the microphone; speed on one core; seat sentences end to end; sounds that are no speech.
//   node scripts/model-figures.mjs MANIFEST.jsonl [--split dev] [--set NAME] [--package models/malgwi-ko]
//        [--decoding NAME] [--workers N] [--limit N] [--every N] [--only conditions,speed,seats,sounds] [--write]
// --every 3 takes every third recording live and under the worse conditions, for a third of the time.
// --write puts the figures into the package's manifest and from there into its card and the pages (update-figures.mjs).
// Needs a build; espeak-ng for the seat sentences and other languages. About ten minutes on two cores.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { measureConditions, measureSounds, measureSpeed } from './lib/figures.mjs';

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const PARTS = ['conditions', 'speed', 'seats', 'sounds'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string', default: 'dev' },
    set: { type: 'string' },
    package: { type: 'string', default: here('../models/malgwi-ko') },
    decoding: { type: 'string' },
    workers: { type: 'string', default: '2' },
    limit: { type: 'string' },
    every: { type: 'string', default: '1' },
    only: { type: 'string', default: PARTS.join() },
    write: { type: 'boolean', default: false },
  },
});
const only = values.only.split(',');
if (positionals.length !== 1 || only.some((part) => !PARTS.includes(part))) {
  console.error(
    `Usage: node scripts/model-figures.mjs MANIFEST.jsonl [--split dev] [--write] [--only ${PARTS.join()}]`,
  );
  process.exit(2);
}
const folder = resolve(values.package);
const target = { modelsDir: dirname(folder), model: basename(folder), workers: Number(values.workers) };
const path = `${folder}/manifest.json`;
const read = async () => JSON.parse(await readFile(path, 'utf8'));
const started = performance.now();
const progress = (what) =>
  console.error(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${what}`);

/** How the package decodes, in words. */
function decodingOf({ decoder, languageModel }) {
  if (values.decoding !== undefined) return values.decoding;
  const method = decoder.method === 'beam' ? `beam ${decoder.beamWidth ?? ''}`.trim() : decoder.method;
  if (languageModel === undefined) return method;
  const units = { character: 'syllables', jamo: 'jamo', word: 'words' };
  return `${method}, n-gram of ${units[languageModel.unit]}`;
}

async function measureSeats() {
  const args = [
    here('evaluate-seats.mjs'),
    '--json',
    '--models-dir',
    target.modelsDir,
    '--model',
    target.model,
  ];
  if (values.limit !== undefined) args.push('--limit', values.limit);
  const { stdout } = await run(process.execPath, [...args, '--workers', values.workers], {
    maxBuffer: 2 ** 26,
  });
  const result = JSON.parse(stdout);
  const shared = result.overlap;
  if (shared.sharedSentences.length > 0 || shared.trainedVoices.length > 0)
    throw new Error(`not held out: ${JSON.stringify(shared)}`);
  const task = 'seat sentences: intent and seat';
  const row = (condition, { right, of, interval }) => ({
    task,
    condition,
    right,
    of,
    interval: interval.map((v) => Math.round(1e4 * v) / 1e4),
  });
  return [
    row('text without a recogniser', result.text),
    row('clean', result.clean.both),
    row(`noise ${result.snr} dB`, result.noisy.both),
  ];
}

const same = (a, b) => ['set', 'normalizer', 'decoding', 'condition'].every((key) => a[key] === b[key]);

/** Puts error rates and measurements in place of earlier ones: after each part, so that a later one may fail. */
async function keep({ rows = [], measurements = {} }) {
  figures.rows.push(...rows);
  Object.assign(figures.measurements, measurements);
  if (!values.write) return;
  const manifest = await read();
  if (rows.length > 0) {
    // Without its condition the clean row stands beside the other sets.
    const clean = rows
      .filter((row) => row.condition === 'clean')
      .map(({ condition: _, bySubset: __, ...row }) => row);
    const others = manifest.metrics.filter(
      (row) => row.condition === undefined && !clean.some((one) => same(row, one)),
    );
    manifest.metrics = [...others, ...clean, ...rows];
  }
  manifest.measurements = { ...manifest.measurements, ...measurements };
  await writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
}

const figures = { rows: [], measurements: {} };
if (only.includes('conditions')) {
  const set = values.set ?? `${values.split}, through the service`;
  const limit = values.limit === undefined ? undefined : Number(values.limit);
  const decoding = decodingOf(await read());
  const options = {
    manifest: positionals[0],
    split: values.split,
    set,
    decoding,
    limit,
    every: Number(values.every),
  };
  await keep({ rows: await measureConditions(target, options, progress) });
}
if (only.includes('speed')) {
  progress('speed');
  const speed = await measureSpeed(target, { manifest: positionals[0], split: values.split });
  await keep({ measurements: { speed } });
}
if (only.includes('seats')) {
  progress('seat sentences');
  await keep({ measurements: { tasks: await measureSeats() } });
}
if (only.includes('sounds')) {
  progress('sounds');
  await keep({ measurements: { sounds: await measureSounds(target) } });
}
if (values.write) await run(process.execPath, [here('update-figures.mjs')]);
progress('done');
console.log(JSON.stringify(figures, undefined, 2));
