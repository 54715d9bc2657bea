// How many times faster than real time the CTC prefix beam search is, on one core.
//   npm run bench:ctc-beam [-- --json] [-- --seconds N] [-- --runs N] [-- --beam N] [-- --peer PYTHON]
// Runs the built code of dist/ on made-up log-probabilities over 2,000 syllables. Processor time, the best
// of several runs. --peer names a Python that has pyctcdecode (and numpy), to be measured on
// the same matrices in the same run.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const built = new URL('../dist/decoding/index.js', import.meta.url);
if (!existsSync(built)) {
  console.error('dist/decoding is missing: run `npm run build` first.');
  process.exit(1);
}
const { createCtcDecoder, parseTokens, readArpa } = await import(built);

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '20' },
    runs: { type: 'string', default: '5' },
    beam: { type: 'string', default: '64' },
    peer: { type: 'string' },
  },
});
const seconds = positive('seconds');
const runs = positive('runs');
const beamWidth = positive('beam');

const SYLLABLES = 1999;
const syllables = Array.from({ length: SYLLABLES }, (_, i) => String.fromCharCode(0xac00 + i * 5));
const tokens = [' ', ...syllables];
const table = parseTokens(tokens.join('\n'), { unit: 'character', blank: tokens.length, space: ' ' });
const classes = table.tokens.length;
const random = mulberry32(20);

/** A sentence of made-up words, as class ids: 5 syllables a second. */
const target = [];
for (let i = 0; i < seconds * 5; i++)
  target.push(i % 4 === 3 ? 0 : 1 + Math.floor(random() ** 2 * SYLLABLES));

/**
 * peaked: what training gives: the blank nearly certain between tokens, a token with a few rivals where it is.
 * doubtful: as a weak model: blanks of 0.7, ten rivals that share half of the probability.
 * flat: no model at all: every class within reach in every frame.
 */
const kinds = {
  peaked: () => frame(0.995, 0.9, 4),
  doubtful: () => frame(0.7, 0.3, 10),
  flat: () => (row) => row.forEach((_, id) => (row[id] = 2 * normal())),
};

function frame(blank, top, rivals) {
  return (row, token) => {
    row.forEach((_, id) => (row[id] = 1.5 * normal()));
    const noise = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    const best = token ?? classes - 1;
    const p = token === undefined ? blank : top;
    const left = 1 - p;
    row.forEach((value, id) => (row[id] = value - noise + Math.log(left / 2)));
    for (let i = 0; i < rivals; i++) {
      const rival = 1 + Math.floor(random() * SYLLABLES);
      row[rival] = Math.log(left / 2 / rivals);
    }
    row[best] = Math.log(p);
  };
}

function matrix(kind, frameMs) {
  const frames = Math.round((seconds * 1000) / frameMs);
  const data = new Float32Array(frames * classes);
  const fill = kinds[kind]();
  const every = frames / target.length;
  for (let f = 0, next = 0; f < frames; f++) {
    const due = next < target.length && f >= Math.floor(next * every);
    const row = new Float64Array(classes);
    fill(row, due ? target[next++] : undefined);
    const total = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    row.forEach((value, id) => (data[f * classes + id] = value - total));
  }
  return { data, frames, classes };
}

/** A trigram model over syllables with every target in it, among as many others as a small corpus gives. */
function languageModel() {
  const unigrams = ['-2.5\t<unk>', '-99\t<s>\t-0.4', '-2\t</s>'];
  for (const syllable of syllables)
    unigrams.push(`${(-2.5 - random()).toFixed(4)}\t${syllable}\t${(-random()).toFixed(4)}`);
  const pick = () => syllables[Math.floor(random() ** 2 * SYLLABLES)];
  const bigrams = new Set();
  const trigrams = new Set();
  for (let i = 0; i < 60_000; i++) {
    const [a, b, c] = [pick(), pick(), pick()];
    bigrams.add(`${a} ${b}`).add(`${b} ${c}`);
    trigrams.add(`${a} ${b} ${c}`);
  }
  const lines = (grams, backoff) =>
    [...grams].map(
      (gram) => `${(-0.5 - 2 * random()).toFixed(4)}\t${gram}${backoff ? `\t${(-random()).toFixed(4)}` : ''}`,
    );
  const text = [
    '\\data\\',
    `ngram 1=${unigrams.length}`,
    `ngram 2=${bigrams.size}`,
    `ngram 3=${trigrams.size}`,
    '\\1-grams:',
    ...unigrams,
    '\\2-grams:',
    ...lines(bigrams, true),
    '\\3-grams:',
    ...lines(trigrams, false),
    '\\end\\',
    '',
  ].join('\n');
  return { model: readArpa(Buffer.from(text)), unit: 'character', alpha: 0.5, beta: 0.5 };
}

const hotWords = Array.from({ length: 100 }, (_, i) => {
  const from = (i * 3) % Math.max(1, target.length - 3);
  return {
    phrase:
      target
        .slice(from, from + 3)
        .map((id) => tokens[id])
        .join('')
        .trim() || '가',
    weight: 4,
  };
});

const variants = [
  ['alone', undefined, {}],
  ['100 hot words', undefined, { hotWords }],
  ['character 3-gram', languageModel(), {}],
  ['3-gram and hot words', languageModel(), { hotWords }],
];

const results = [];
for (const frameMs of [40, 20]) {
  for (const kind of Object.keys(kinds)) {
    const logProbs = matrix(kind, frameMs);
    for (const [name, lm, options] of variants) {
      const decoder = createCtcDecoder(table, { method: 'beam', beamWidth }, lm);
      const took = best(() => decoder.decode(logProbs, options));
      results.push(row({ engine: 'malgwi', kind, frameMs, variant: name, frames: logProbs.frames, took }));
    }
    if (values.peer !== undefined)
      results.push(
        row({
          engine: 'pyctcdecode',
          kind,
          frameMs,
          variant: 'alone',
          frames: logProbs.frames,
          took: peer(logProbs),
        }),
      );
  }
}

/** Processor time, garbage collection included: what other programs take does not count. Milliseconds of the best run. */
function best(run) {
  let shortest = Infinity;
  for (let i = 0; i < runs; i++) {
    const started = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(started);
    shortest = Math.min(shortest, (user + system) / 1000);
  }
  return shortest;
}

function row({ took, frames, ...rest }) {
  const round = (value, digits) => Number(value.toFixed(digits));
  return {
    ...rest,
    frames,
    milliseconds: round(took, 2),
    microsecondsPerFrame: round((took * 1000) / frames, 1),
    timesRealTime: Math.round((seconds * 1000) / took),
  };
}

/** pyctcdecode with its own defaults but for the beam. It takes text tokens, so a space for the word delimiter. */
function peer({ data, frames }) {
  const folder = mkdtempSync(join(tmpdir(), 'bench-ctc-'));
  try {
    const path = join(folder, 'log-probs.f32');
    writeFileSync(path, data);
    writeFileSync(join(folder, 'labels.json'), JSON.stringify([...tokens, '']));
    const script = fileURLToPath(new URL('./lib/bench-pyctcdecode.py', import.meta.url));
    const out = execFileSync(values.peer, [script, folder, String(frames), String(beamWidth), String(runs)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
    });
    return Number(out.trim().split('\n').at(-1)) * 1000;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (values.json) {
  const cpu = cpus()[0]?.model ?? 'unknown';
  console.log(
    JSON.stringify(
      { node: process.version, cpu, audioSeconds: seconds, beamWidth, classes, runs, results },
      undefined,
      2,
    ),
  );
} else {
  console.log(
    `${seconds} s, ${classes} classes, beam ${beamWidth}, best of ${runs} runs, processor time, Node ${process.version}\n`,
  );
  console.log('engine       frames of  distribution  with                        ms  us/frame  x real time');
  for (const r of results) {
    const columns = [
      r.engine.padEnd(11),
      `${r.frameMs} ms`.padEnd(9),
      r.kind.padEnd(12),
      r.variant.padEnd(20),
      r.milliseconds.toFixed(1).padStart(8),
      r.microsecondsPerFrame.toFixed(1).padStart(8),
      String(r.timesRealTime).padStart(11),
    ];
    console.log(columns.join('  '));
  }
}

function normal() {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** A small generator of its own, so that every run decodes the same. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function positive(name) {
  const value = Number(values[name]);
  if (value > 0 && value < 1e5) return value;
  console.error(`--${name} must be a number over 0`);
  return process.exit(2);
}
