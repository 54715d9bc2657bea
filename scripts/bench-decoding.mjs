// What decoding costs, on one core: encoder, greedy and beam search of each family, and of attention models one step
// at growing prefix lengths.
//   npm run bench:decoding [-- --json] [-- --model FOLDER ...] [-- --seconds N] [-- --beam N] [-- --runs N]
// Runs the built code of dist/ over the test packages, or over packages of yours. Features are noise: an untrained
// model, or one that hears noise, says as much as it is let. Each figure is the best of several runs.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
if (!existsSync(join(root, 'dist/recognition/families/index.js'))) {
  console.error('dist is missing: run `npm run build` first.');
  process.exit(1);
}
const { createFrontEnd } = await import('../dist/features/index.js');
const { OnnxAttentionRuntime, readPackage } = await import('../dist/models/index.js');
const { loadFamily } = await import('../dist/recognition/families/index.js');

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    model: { type: 'string', multiple: true },
    seconds: { type: 'string', default: '10' },
    beam: { type: 'string', default: '8' },
    runs: { type: 'string', default: '3' },
  },
});
const seconds = positive('seconds');
const beam = positive('beam');
const runs = positive('runs');
const TEST_PACKAGES = ['tiny-ctc', 'tiny-las', 'tiny-las-mha', 'tiny-transformer', 'tiny-rnnt'];
const folders = values.model ?? TEST_PACKAGES.map((name) => join(root, 'test/fixtures/packages', name));
/** Prefix lengths at which a step is timed, and how many steps up to each are averaged. */
const PREFIXES = [8, 32, 64, 128, 256];
const WINDOW = 8;

/** Noise as the model's front end has it: normal in each channel, the same each time. */
function noise(frames, dims) {
  let state = 1;
  const next = () => (state = (Math.imul(state, 48271) >>> 0) % 2147483647) / 2147483647;
  const normal = () => Math.sqrt(-2 * Math.log(next() || 1e-9)) * Math.cos(2 * Math.PI * next());
  return { data: Float32Array.from({ length: frames * dims }, normal), frames, dims };
}

async function timed(family, features, options) {
  let best;
  for (let run = 0; run < runs; run++) {
    const { encoderMs, decodingMs, hypotheses } = await family.decode(features, options);
    if (best === undefined || decodingMs < best.decodingMs) best = { encoderMs, decodingMs, hypotheses };
  }
  const [{ tokens }] = best.hypotheses;
  return {
    encoderMs: round(best.encoderMs),
    decodingMs: round(best.decodingMs),
    tokens: tokens.length,
    realTimeFactor: round((best.encoderMs + best.decodingMs) / (seconds * 1000), 4),
  };
}

/** Milliseconds of one step of `beam` hypotheses, whose rows change places from step to step as in a search. */
async function steps(model, features) {
  const runtime = await OnnxAttentionRuntime.load(model);
  const prefixes = PREFIXES.filter((prefix) => prefix <= (model.manifest.decoder.maxTokens ?? Infinity));
  const found = prefixes.map(() => Infinity);
  for (let run = 0; run < runs; run++) {
    const { scorer } = await runtime.encode(features);
    let states = new Array(beam).fill(scorer.initial());
    let started = 0;
    for (let prefix = 1; prefix <= prefixes.at(-1); prefix++) {
      if (prefixes.includes(prefix + WINDOW - 1)) started = performance.now();
      const tokens = states.map((_, row) => 3 + ((prefix + row) % 8));
      const next = (await scorer.step(states, tokens)).states;
      if (prefix > 1) scorer.release(states);
      states = [...next].reverse();
      const at = prefixes.indexOf(prefix);
      if (at !== -1) found[at] = Math.min(found[at], (performance.now() - started) / WINDOW);
    }
  }
  await runtime.close();
  return prefixes.map((prefix, at) => ({ prefix, milliseconds: round(found[at], 3) }));
}

const results = [];
for (const folder of folders) {
  const model = await readPackage(folder);
  const { frontEnd, family: kind, encoder, name } = model.manifest;
  const frames = Math.min(encoder.maxFrames, Math.round((seconds * 1000) / (frontEnd.hopMs ?? 20)));
  const features = noise(frames, createFrontEnd(frontEnd).dims ?? frontEnd.numMels);
  const family = await loadFamily(model);
  results.push({
    name,
    family: kind,
    frames,
    greedy: await timed(family, features, { beamWidth: 1 }),
    beam: await timed(family, features, { beamWidth: beam }),
    ...(kind === 'attention' ? { steps: await steps(model, features) } : {}),
  });
  await family.close();
}

if (values.json) {
  const cpu = cpus()[0]?.model ?? 'unknown';
  console.log(JSON.stringify({ node: process.version, cpu, seconds, beam, runs, results }, undefined, 2));
} else {
  console.log(`${seconds} s of noise, best of ${runs} runs, one core, Node ${process.version}\n`);
  table(
    ['model', 'family', 'search', 'encoder ms', 'search ms', 'tokens', 'RTF'],
    results.flatMap(({ name, family, greedy, beam: wide }) =>
      [
        ['width 1', greedy],
        [`width ${beam}`, wide],
      ].map(([search, one]) => [
        name,
        family,
        search,
        one.encoderMs,
        one.decodingMs,
        one.tokens,
        one.realTimeFactor,
      ]),
    ),
  );
  const stepped = results.filter((one) => one.steps !== undefined);
  if (stepped.length > 0) {
    console.log(`\nmilliseconds of one step of ${beam} hypotheses, by tokens before it\n`);
    table(
      ['model', ...PREFIXES],
      stepped.map(({ name, steps: measured }) => [
        name,
        ...PREFIXES.map((prefix) => measured.find((one) => one.prefix === prefix)?.milliseconds ?? '-'),
      ]),
    );
  }
}

function table(head, rows) {
  const cells = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  for (const row of cells) {
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])))
        .join('  '),
    );
  }
}

function round(value, digits = 1) {
  return Number(value.toFixed(digits));
}

function positive(name) {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value > 0 && value < 1e5) return value;
  console.error(`--${name} must be a whole number over 0`);
  return process.exit(2);
}
