// Side by side with the original engine (libstt 1.4.0, npm package `stt`) on the same model and recording.
//   npm run bench:coqui -- [--tflite model.tflite] [--scorer x.scorer] [--audio clip.wav] [--cells 2048] [--beam 500]
//                          [--runs 3] [--all-cores] [--python python3] [--cache FOLDER] [--json]
// Without --tflite: models of random weights, float32 and int8, of --cells cells. Needs a Python with ./python
// installed, and the npm registry the first time: the engine's binding loads under Node 16 at the newest, so both come
// from there into the cache folder.
//
// Both are held to one core (taskset): the original always starts four threads, Malgwi's drop-in one per stream.
// --all-cores lets them loose. Real-time factor = seconds of work for a second of audio, the median of --runs.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, platform, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openAudioFile } from '../dist/audio/index.js';
import { parseOptions } from './lib/audio.mjs';

const RATE = 16_000;
const STT = 'stt@1.4.0';
const NODE = `node-${platform() === 'win32' ? 'win' : platform()}-${arch()}`;
const MAX_OUTPUT = 64 << 20;
const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const options = parseOptions({
  tflite: '',
  scorer: '',
  audio: '',
  cells: 2048,
  beam: 500,
  runs: 3,
  allCores: false,
  python: 'python3',
  cache: join(tmpdir(), 'malgwi-bench-coqui'),
  json: false,
});
const say = options.json ? () => undefined : (...words) => console.error(...words);

/** Node 16 and the original engine, installed once. */
async function original() {
  const folder = join(options.cache, 'engine');
  const node = join(folder, 'node_modules', NODE, 'bin', platform() === 'win32' ? 'node.exe' : 'node');
  const stt = join(folder, 'node_modules', 'stt');
  if (!existsSync(node) || !existsSync(stt)) {
    say(`installing ${STT} and Node 16 into ${folder}`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
    // Both packages carry their binaries: nothing has to be run to install them.
    const wanted = ['install', '--ignore-scripts', '--no-audit', '--no-fund', STT, `${NODE}@16`];
    await run('npm', wanted, { cwd: folder, shell: platform() === 'win32' });
  }
  return { node, stt };
}

function python(...args) {
  const env = { ...process.env, PYTHONPATH: here('../python'), OMP_NUM_THREADS: '1' };
  return run(options.python, ['-m', ...args], { env, maxBuffer: MAX_OUTPUT });
}

/** The models to compare, each as a .tflite and as a package. */
async function models() {
  const found = [];
  if (options.tflite) found.push({ name: basename(options.tflite), tflite: options.tflite });
  for (const kind of options.tflite ? [] : ['float32', 'int8']) {
    const tflite = join(options.cache, `random-${options.cells}-${kind}.tflite`);
    if (!existsSync(tflite)) {
      say(`writing ${tflite}`);
      const part = `${tflite}.part`;
      const flags = ['--out', part, '--cells', String(options.cells), ...(kind === 'int8' ? ['--int8'] : [])];
      await python('malgwi_models.coqui.random_model', ...flags);
      await rename(part, tflite);
    }
    found.push({ name: `random, ${options.cells} cells, ${kind}`, tflite });
  }
  for (const [index, model] of found.entries()) {
    model.package = join(options.cache, `package-${index}`);
    say(`importing ${model.tflite}`);
    await python(
      'malgwi_models',
      'import-coqui',
      '--tflite',
      model.tflite,
      '--out',
      model.package,
      '--force',
    );
  }
  return found;
}

/** Samples of the recordings one after the other, 16 kHz mono int16. */
async function samples() {
  const folder = here('../test/fixtures/coqui/audio');
  const chords = (await readdir(folder)).filter((name) => name.endsWith('.wav')).sort();
  const files = options.audio ? [options.audio] : chords.map((name) => join(folder, name));
  const pieces = [];
  for (const file of files) {
    const stream = await openAudioFile(file);
    try {
      for await (const chunk of stream.chunks()) {
        pieces.push(
          Int16Array.from(chunk, (value) => Math.max(-32768, Math.min(32767, Math.round(value * 32768)))),
        );
      }
    } finally {
      await stream.close();
    }
  }
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece.buffer)));
}

const pinned = !options.allCores && spawnSync('taskset', ['--version']).status === 0;

/** Runs one side in a process of its own. */
async function measure(program, script, job) {
  const command = [program, here(script), JSON.stringify(job)];
  if (pinned) command.unshift('taskset', '-c', '0');
  const { stdout } = await run(command[0], command.slice(1), { maxBuffer: MAX_OUTPUT });
  const result = JSON.parse(stdout);
  const median = (key) =>
    result.runs.map((entry) => entry[key]).sort((a, b) => a - b)[result.runs.length >> 1];
  return {
    text: result.text,
    loadSeconds: result.loadSeconds,
    seconds: median('seconds'),
    cpuSeconds: median('cpuSeconds'),
  };
}

/** Characters to insert, delete or replace. */
function editDistance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[b.length];
}

const engine = await original();
const compared = await models();
const pcm = await samples();
const audioSeconds = pcm.length / 2 / RATE;
const pcmFile = join(options.cache, 'audio.pcm');
await writeFile(pcmFile, pcm);
const job = { pcm: pcmFile, scorer: options.scorer || null, beam: options.beam, runs: options.runs };
const load = loadavg()[0];
const rows = [];
for (const model of compared) {
  say(`measuring ${model.name}`);
  const theirs = await measure(engine.node, './lib/coqui-original.cjs', {
    ...job,
    stt: engine.stt,
    model: model.tflite,
  });
  const ours = await measure(process.execPath, './lib/coqui-malgwi.mjs', { ...job, model: model.package });
  const factors = (side) => ({
    realTimeFactor: side.seconds / audioSeconds,
    cpuFactor: side.cpuSeconds / audioSeconds,
    loadSeconds: side.loadSeconds,
    text: side.text,
  });
  rows.push({
    model: model.name,
    original: factors(theirs),
    malgwi: factors(ours),
    timesFaster: theirs.seconds / ours.seconds,
    timesLessCpu: theirs.cpuSeconds / ours.cpuSeconds,
    sameText: theirs.text === ours.text,
    differentCharacters: editDistance([...theirs.text], [...ours.text]),
    characters: [...theirs.text].length,
  });
}
const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), loadBefore: load };
const report = { audioSeconds, beam: options.beam, oneCore: pinned, ...machine, models: rows };
if (options.json) console.log(JSON.stringify(report, null, 2));
else {
  console.log(
    `${audioSeconds.toFixed(1)} s of audio, beam ${options.beam}, ${pinned ? 'one core each' : 'all cores'}, ` +
      `${machine.cores} x ${machine.cpu}, load ${load.toFixed(1)} before`,
  );
  console.log('model | libstt 1.4.0 | malgwi | times faster | times less CPU | text');
  for (const row of rows) {
    const same = row.sameText ? 'equal' : `${row.differentCharacters} of ${row.characters} characters differ`;
    const [theirs, ours] = [row.original, row.malgwi].map((side) => `RTF ${side.realTimeFactor.toFixed(3)}`);
    console.log(
      [row.model, theirs, ours, row.timesFaster.toFixed(1), row.timesLessCpu.toFixed(1), same].join(' | '),
    );
  }
}
