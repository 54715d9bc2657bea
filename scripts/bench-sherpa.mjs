// Malgwi beside sherpa-onnx-node: the same weights, audio, pieces and number of streams, in one run.
//   npm run bench:sherpa -- [--streams 10] [--seconds 30] [--workers 1] [--python python3] [--folder DIR]
//                           [--manifest FILE] [--model DIR] [--json]
// sherpa-onnx-node is installed by npm into a temporary folder (or --folder, which is kept and used again), never into this
// project. lib/sherpa-graph.py (needs the Python packages onnx and numpy) gives our encoder the interface that sherpa-onnx
// knows. Both search greedily: sherpa-onnx has no other search for CTC without a graph. `default` is Malgwi as it is
// installed, with its beam search and language model. Two measurements of each:
//   live        pieces of 100 ms in real time. Malgwi is the whole service, over sockets, with voice activity detection;
//               sherpa-onnx runs in bare processes, as many as there are workers, each with its share of the streams.
//   throughput  the same pieces as fast as they are taken, one worker, warm: Malgwi's recogniser with voice activity detection,
//               without sockets; sherpa-onnx in one process. Streams per core: seconds of audio for one of processor time.
import { execFile, fork } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { existsSync, readFileSync } from 'node:fs';
import { createRecognizer } from '../dist/recognition/index.js';
import { CLIPS, parseOptions } from './lib/audio.mjs';
import { assess, play, playlist } from './lib/load.mjs';
import { seeded } from './lib/random.mjs';
import { startService } from './lib/service.mjs';
import { pcm, readAudio, readLines } from './lib/wav.mjs';

const SHERPA = 'sherpa-onnx-node@1.13.8';
const RATE = 16_000;
const PACKET_MS = 100;
const PACKET_SAMPLES = (RATE * PACKET_MS) / 1000;
/** Of Malgwi's endpoints; sherpa-onnx is set to the same (its own default is 1.2 s). */
const SILENCE_SECONDS = 0.42;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const run = promisify(execFile);

const options = parseOptions({
  streams: 10,
  seconds: 30,
  workers: 1,
  python: 'python3',
  folder: '',
  manifest: join(CLIPS, 'manifest.jsonl'),
  model: here('../models/malgwi-ko'),
  json: false,
});

/** Ends with what to do about it. */
function give(up) {
  console.error(up);
  process.exit(1);
}

async function install(folder) {
  if (existsSync(join(folder, 'node_modules/sherpa-onnx-node'))) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  await run('npm', ['install', '--no-audit', '--no-fund', '--save-exact', SHERPA], { cwd: folder }).catch(
    (error) =>
      give(
        `${SHERPA} could not be installed; this comparison needs npm and a network:\n${error.stderr ?? error}`,
      ),
  );
}

async function convert(model, out) {
  await run(options.python, [here('lib/sherpa-graph.py'), model, out]).catch((error) =>
    give(
      `The graph could not be made; --python needs a Python with onnx and numpy:\n${error.stderr ?? error}`,
    ),
  );
}

/** The same package with a greedy search and without a language model, in a folder of models. */
async function greedyPackage(model, folder) {
  const manifest = JSON.parse(await readFile(join(model, 'manifest.json'), 'utf8'));
  const { languageModel, ...rest } = manifest;
  const { confidence } = rest.decoder;
  const decoder = { method: 'greedy', ...(confidence === undefined ? {} : { confidence }) };
  const name = `${manifest.name}-greedy`;
  const needed = Object.keys(rest.files).filter((file) => file !== languageModel?.file);
  const files = Object.fromEntries(needed.map((file) => [file, rest.files[file]]));
  await mkdir(join(folder, name), { recursive: true });
  for (const file of needed) await copyFile(join(model, file), join(folder, name, file));
  await writeFile(join(folder, name, 'manifest.json'), JSON.stringify({ ...rest, name, decoder, files }));
  return name;
}

const cpuSeconds = (pid) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function live(lists, { modelsDir, model }) {
  const service = await startService({
    modelsDir,
    model,
    workers: options.workers,
    env: { MALGWI_LIVE_MAX_SESSIONS: String(lists.length + 10), MALGWI_LIVE_ADMISSION: 'fixed' },
  });
  try {
    while (!(await fetch(`${service.url}/readyz`)).ok) await new Promise((done) => setTimeout(done, 100));
    const before = cpuSeconds(service.pid);
    const started = performance.now();
    const played = await play(new URL(service.url).host, 'stream', lists, { packetMs: PACKET_MS });
    const wall = (performance.now() - started) / 1000;
    return { heard: assess(played, PACKET_MS), cores: (cpuSeconds(service.pid) - before) / wall };
  } finally {
    await service.close();
  }
}

async function throughput(lists, { modelsDir, model }) {
  const recognizer = await createRecognizer({ modelsDir, defaultModel: model, workers: 1 });
  try {
    await recognizer.start();
    const hear = async ({ pcm: audio }) => {
      const stream = await recognizer.openStream({ encoding: 'pcm_s16le', sampleRate: RATE, channels: 1 });
      for (let at = 0; at < audio.length; at += 2 * PACKET_SAMPLES)
        // A copy: what goes to another thread takes all of its memory along.
        await stream.feed(Uint8Array.from(audio.subarray(at, at + 2 * PACKET_SAMPLES)));
      await stream.finish();
    };
    // Once to warm up: code is compiled, pages of the language model are read.
    await hear(lists[0]);
    const before = process.cpuUsage();
    await Promise.all(lists.map(hear));
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  } finally {
    await recognizer.close();
  }
}

/** @param parts lists of each process */
async function sherpa(parts, folder, realTime) {
  const answers = await Promise.all(
    parts.map(async (files, n) => {
      const task = join(folder, `task-${n}.json`);
      const space = JSON.parse(await readFile(join(options.model, 'manifest.json'), 'utf8')).tokens.space;
      await writeFile(
        task,
        JSON.stringify({
          folder: join(sherpaFolder, 'package.json'),
          model: join(folder, 'sherpa'),
          lists: files,
          packetSamples: PACKET_SAMPLES,
          silenceSeconds: SILENCE_SECONDS,
          space,
          realTime,
        }),
      );
      const child = fork(here('lib/sherpa-player.mjs'), [task], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      return new Promise((resolve, reject) => {
        child.once('message', resolve);
        child.once('exit', (code) => reject(new Error(`sherpa-onnx ended with code ${code}`)));
      });
    }),
  );
  const total = (key) => answers.reduce((sum, answer) => sum + answer[key], 0);
  return {
    streams: answers.flatMap(({ streams }) => streams),
    cpu: total('cpuSeconds'),
    cores: total('cpuSeconds') / Math.max(...answers.map(({ wallSeconds }) => wallSeconds)),
  };
}

const round = (value) => Math.round(value * 100) / 100;
const work = await mkdtemp(join(tmpdir(), 'malgwi-sherpa-'));
const sherpaFolder = options.folder === '' ? join(work, 'npm') : resolve(options.folder);
options.model = resolve(options.model);
try {
  await install(sherpaFolder);
  await convert(options.model, join(work, 'sherpa'));
  const greedy = {
    modelsDir: join(work, 'models'),
    model: await greedyPackage(options.model, join(work, 'models')),
  };
  const asItIs = {
    modelsDir: dirname(options.model),
    model: JSON.parse(await readFile(join(options.model, 'manifest.json'), 'utf8')).name,
  };

  const clips = [];
  for (const { audio, path = audio, text, split } of await readLines(options.manifest)) {
    if (split === 'long' || split === 'train') continue;
    const data = pcm(await readAudio(join(dirname(options.manifest), path)));
    clips.push({ samples: new Int16Array(data.buffer, data.byteOffset, data.length / 2), text });
  }
  const random = seeded(options.streams);
  const lists = Array.from({ length: options.streams }, () => playlist(clips, options.seconds, random));
  const files = [];
  for (const [n, { pcm: audio }] of lists.entries()) {
    files.push(join(work, `${n}.pcm`));
    await writeFile(files.at(-1), audio);
  }
  const seconds = lists.reduce((sum, { pcm: audio }) => sum + audio.length / 2 / RATE, 0);
  const heardBy = (streams) =>
    assess(
      streams.map(({ events, times }, n) => ({ client: { events, closeCode: 1000 }, list: lists[n], times })),
      PACKET_MS,
    );
  const say = (text) => options.json || console.error(text);
  say(`${cpus().length} cores (${cpus()[0].model}), load ${loadavg()[0].toFixed(1)}, ${SHERPA}`);

  const rows = [];
  const shares = Array.from({ length: Math.min(options.workers, options.streams) }, (_, n) =>
    files.filter((_file, at) => at % options.workers === n),
  );
  // In the order of the shares again.
  const order = shares.flat().map((file) => files.indexOf(file));
  const add = (system, { heard, cores }, cpu) =>
    rows.push({
      system,
      streamsPerCore: round(seconds / cpu),
      liveCores: round(cores),
      firstPartialMs: heard.firstPartialMs,
      finalLatencyMs: heard.finalLatencyMs,
      cer: heard.cer,
      utterances: heard.utterances,
    });
  for (const [system, of] of [
    ['Malgwi, greedy', greedy],
    ['Malgwi, default', asItIs],
  ]) {
    say(`${system} ...`);
    add(system, await live(lists, of), await throughput(lists, of));
  }
  say('sherpa-onnx ...');
  const played = await sherpa(shares, work, true);
  const sorted = order.map((_, n) => played.streams[order.indexOf(n)]);
  const fast = await sherpa([files], work, false);
  add('sherpa-onnx, greedy', { heard: heardBy(sorted), cores: played.cores }, fast.cpu);

  const result = {
    streams: options.streams,
    seconds: options.seconds,
    workers: options.workers,
    sherpa: SHERPA,
    rows,
  };
  if (options.json) console.log(JSON.stringify(result));
  else {
    const spread = ({ p50, p95 }) => `${p50}/${p95}`;
    console.table(
      rows.map(({ firstPartialMs, finalLatencyMs, ...row }) => ({
        ...row,
        firstPartialMs: spread(firstPartialMs),
        finalLatencyMs: spread(finalLatencyMs),
      })),
    );
  }
} finally {
  await rm(work, { recursive: true, force: true });
}
