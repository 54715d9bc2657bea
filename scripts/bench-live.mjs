// How many live streams does the service bear, and how late is it then?
//   npm run bench:live -- --streams N --seconds S [--protocol stream|deepgram|realtime|vosk] [--ramp] [--workers N]
//                         [--manifest FILE] [--url http://HOST:PORT] [--memory] [--chart FILE.svg] [--json]
// The service is a process of its own; this one is the generator: it plays recordings in real time over N sockets, knows
// when each utterance really ended (by its level), and reports its own share of the processor. --ramp goes on to more
// streams for as long as the targets hold. --memory measures 5 streams, half of N and N, each on a service of its own (what many
// took stays with a process), and what each further one takes.
// With --url the service is someone else's, and its processor time and memory are not told.
import { writeFile } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { CLIPS, parseOptions } from './lib/audio.mjs';
import { lineChart } from './lib/line-chart.mjs';
import { assess, play, playlist } from './lib/load.mjs';
import { seeded } from './lib/random.mjs';
import { startService } from './lib/service.mjs';
import { pcm, readAudio, readLines } from './lib/wav.mjs';

const options = parseOptions({
  streams: 10,
  seconds: 30,
  protocol: 'stream',
  ramp: false,
  workers: 0,
  manifest: '',
  url: '',
  memory: false,
  chart: '',
  json: false,
});
/** What users feel: milliseconds. */
const TARGETS = { finalLatencyP95: 500, firstPartialP95: 600, eventLoopDelayP99: 20 };
/** Streams that take hardly more than none. */
const FEW = 5;
const RAMP = [1, 10, 25, 50, 75, 100, 125, 150, 175, 200, 250, 300, 400];

async function clipsOf(manifest) {
  const clips = [];
  for (const { audio, path = audio, text, split } of await readLines(manifest)) {
    if (split === 'long' || split === 'train') continue;
    const data = pcm(await readAudio(join(dirname(manifest), path)));
    clips.push({ samples: new Int16Array(data.buffer, data.byteOffset, data.length / 2), text });
  }
  return clips;
}

/** Seconds of processor time that a process has used, and its resident memory. */
function usage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1];
  return { cpu: (Number(fields[11]) + Number(fields[12])) / 100, rssMb: Number(rss) / 1024 };
}

/** Cumulative counts of the event loop's delay, by upper bound in milliseconds. */
async function loopDelay(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return [...text.matchAll(/^malgwi_event_loop_delay_seconds_bucket\{.*?le="([^"]+)".*?\} (\d+)$/gm)].map(
    ([, le, n]) => ({
      le: le === '+Inf' ? Infinity : Number(le) * 1000,
      n: Number(n),
    }),
  );
}

/** The upper bound of the bucket that holds the quantile. */
function bucketQuantiles(before, after) {
  const counts = after.map(({ le, n }, i) => ({ le, n: n - (before[i]?.n ?? 0) }));
  const total = counts.at(-1)?.n ?? 0;
  const at = (q) => {
    const found = counts.find(({ n }) => n >= total * q)?.le;
    return found === undefined || total === 0
      ? null
      : Number.isFinite(found)
        ? Math.round(found * 10) / 10
        : 60_000;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

/** The middle of what was seen in the second half, when all streams have said something. */
const settled = (values) => values.slice(values.length / 2).toSorted((a, b) => a - b)[values.length >> 2];

/** Megabytes that each further stream takes: the slope of the line through all counts, by least squares. */
function memoryPerStream(rows) {
  if (rows.length < 2 || rows[0].cpuCores === null) return null;
  const mean = (of) => rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const [n, mb] = [mean((row) => row.streams), mean((row) => row.settledRssMb)];
  const slope =
    mean((row) => (row.streams - n) * (row.settledRssMb - mb)) / mean((row) => (row.streams - n) ** 2);
  return round(slope);
}

async function measure(service, clips, streams) {
  const random = seeded(streams);
  const lists = Array.from({ length: streams }, () => playlist(clips, options.seconds, random));
  const before = service.pid === undefined ? undefined : usage(service.pid);
  const loopBefore = await loopDelay(service.url);
  const own = process.cpuUsage();
  const started = performance.now();
  const memory = [before?.rssMb ?? 0];
  const watch = setInterval(() => {
    if (service.pid !== undefined) memory.push(usage(service.pid).rssMb);
  }, 250);
  const played = await play(service.url.slice('http://'.length), options.protocol, lists);
  clearInterval(watch);
  const wall = (performance.now() - started) / 1000;
  const used = process.cpuUsage(own);
  const { errors, ...heard } = assess(played);
  const loopAfter = await loopDelay(service.url);
  return {
    streams,
    ...heard,
    eventLoopDelayMs: bucketQuantiles(loopBefore, loopAfter),
    cpuCores: before === undefined ? null : round((usage(service.pid).cpu - before.cpu) / wall),
    generatorCores: round((used.user + used.system) / 1e6 / wall),
    startRssMb: before === undefined ? null : Math.round(before.rssMb),
    rssMb: Math.round(Math.max(...memory)),
    settledRssMb: round(settled(memory)),
    load: round(loadavg()[0]),
    errors,
  };
}

const round = (value) => Math.round(value * 100) / 100;

const holds = (row) =>
  row.finalLatencyMs.p95 !== null &&
  row.finalLatencyMs.p95 <= TARGETS.finalLatencyP95 &&
  (row.firstPartialMs.p95 ?? 0) <= TARGETS.firstPartialP95 &&
  row.eventLoopDelayMs.p99 <= TARGETS.eventLoopDelayP99 &&
  Object.keys(row.errors).length === 0;

const table = (rows) =>
  console.table(
    rows.map((row) => ({
      streams: row.streams,
      holds: holds(row),
      'first partial p50/p95': `${row.firstPartialMs.p50}/${row.firstPartialMs.p95}`,
      'lag p95': row.partialLagMs.p95,
      'final p50/p95/p99': `${row.finalLatencyMs.p50}/${row.finalLatencyMs.p95}/${row.finalLatencyMs.p99}`,
      'loop p99': row.eventLoopDelayMs.p99,
      cer: row.cer,
      stability: row.stability,
      cores: row.cpuCores,
      'generator cores': row.generatorCores,
      'rss MB before': row.startRssMb,
      'rss MB': row.rssMb,
      errors: JSON.stringify(row.errors),
    })),
  );

const say = (text) => {
  if (!options.json) console.error(text);
};
const clips = await clipsOf(options.manifest === '' ? join(CLIPS, 'manifest.jsonl') : options.manifest);
const counts = options.ramp
  ? RAMP.filter((n) => n <= Math.max(options.streams, 10))
  : options.memory
    ? [...new Set([Math.min(FEW, options.streams), Math.ceil(options.streams / 2), options.streams])]
    : [options.streams];
const start = async () => {
  const service =
    options.url !== ''
      ? { url: options.url, close: async () => undefined }
      : await startService({
          ...(options.workers > 0 ? { workers: options.workers } : {}),
          env: { MALGWI_LIVE_MAX_SESSIONS: String(Math.max(...counts) + 10) },
        });
  while (!(await fetch(`${service.url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 100));
  return service;
};
say(
  `${cpus().length} cores (${cpus()[0].model}), load ${loadavg()[0].toFixed(1)}, ${clips.length} clips, ${options.protocol}`,
);
const rows = [];
let service = await start();
try {
  for (const streams of counts) {
    if (options.memory && rows.length > 0) {
      await service.close();
      service = await start();
    }
    say(`${streams} streams for ${options.seconds} s ...`);
    rows.push(await measure(service, clips, streams));
    if (options.ramp && !holds(rows.at(-1))) break;
  }
} finally {
  await service.close();
}
const best = rows.filter(holds).at(-1);
const largest = best?.streams ?? 0;
const memoryPerStreamMb = memoryPerStream(rows);
if (options.chart !== '') {
  const series = [
    { name: 'final latency p95', values: rows.map((row) => row.finalLatencyMs.p95) },
    { name: 'first partial p95', values: rows.map((row) => row.firstPartialMs.p95) },
    { name: 'partial lag p95', values: rows.map((row) => row.partialLagMs.p95) },
    { name: 'event loop p99', values: rows.map((row) => row.eventLoopDelayMs.p99) },
  ];
  await writeFile(
    options.chart,
    lineChart({ x: rows.map((row) => row.streams), series, xLabel: 'streams', yLabel: 'ms' }),
  );
}
// One count gives its row; several give the best row, and all of them beside it.
if (options.json && rows.length === 1 && !options.ramp) console.log(JSON.stringify(rows[0]));
else if (options.json) {
  const several = { largest, targets: TARGETS, memoryPerStreamMb, rows };
  console.log(JSON.stringify({ ...(best ?? rows[0]), ...several }));
} else {
  table(rows);
  if (options.ramp) console.log(`The largest number of streams that holds the targets: ${largest}`);
  if (memoryPerStreamMb !== null) console.log(`Memory of each further stream: ${memoryPerStreamMb} MB`);
}
