// One live session of hours, in accelerated time: do memory and latency stay what they were?
//   npm run soak:live -- [--hours 3] [--speed 20] [--window 10] [--seed 1] [--chart FILE.svg] [--json]
// The service is a process of its own with one worker. Recordings are sent `speed` times as fast as they play, held back by
// the acknowledgements and finals of the service so that its backlog never fills. Every `window` minutes of audio give a row. Exit code
// 1 when memory, latency or cost rises, an utterance gets no final, or the session does not live to its end.
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { WebSocket } from 'ws';
import { addCounts, NO_EDITS, rate, scoreCharacters } from '../dist/korean/index.js';
import { CLIPS, parseOptions } from './lib/audio.mjs';
import { lineChart } from './lib/line-chart.mjs';
import { playlist } from './lib/load.mjs';
import { seeded } from './lib/random.mjs';
import { ResumingStream } from './lib/resuming-stream.mjs';
import { startService } from './lib/service.mjs';
import { trend } from './lib/trend.mjs';
import { pcm, readAudio, readLines } from './lib/wav.mjs';

const options = parseOptions({ hours: 3, speed: 20, window: 10, seed: 1, chart: '', json: false });
const RATE = 16_000;
const PACKET = (RATE * 2) / 10;
/** Audio that may wait: an utterance is settled only at its end. */
const AHEAD = 12 * RATE * 2;
/** Seconds of silence sent behind an utterance before its final is waited for, and how long: latencies are no queue's then. */
const PAUSE = 1.1;
const PATIENCE_MS = 5000;
/** Made at a time, so that hours of audio need no memory here. */
const PART_SECONDS = 60;
/** Memory may rise by so much over the whole run, latency and cost by such a share of their mean. */
const BOUNDS = { memoryMb: 16, share: 0.1 };

const random = seeded(options.seed);
const manifest = join(CLIPS, 'manifest.jsonl');
const clips = await Promise.all(
  (await readLines(manifest))
    .filter(({ split }) => split !== 'long')
    .map(async ({ audio, text }) => {
      const data = pcm(await readAudio(join(dirname(manifest), audio)));
      return { samples: new Int16Array(data.buffer, data.byteOffset, data.length / 2), text };
    }),
);

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? null;
const quantile = (values, q) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? null;
const round = (value, digits = 2) => Math.round(value * 10 ** digits) / 10 ** digits;

/** What the process has used: seconds of processor time, and its memory in MB. */
function processUsage(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    rssMb: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024,
  };
}

async function heapMb(url) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_heap_size_used_bytes\S* (\S+)$/m.exec(text)[1]) / 2 ** 20;
}

/** Plays and listens. @returns rows, one for each window of audio, and what became of the session */
async function soak(service) {
  const total = options.hours * 3600;
  /** Utterances as they were sent, `{end, sentAt, text}`, until their final comes. */
  const spoken = [];
  const rows = [];
  let sessions = 0;
  let finals = 0;
  let utterances = 0;
  let window = emptyWindow();
  let closed;
  function emptyWindow() {
    return {
      latencies: [],
      memory: [],
      heap: [],
      edits: NO_EDITS,
      started: performance.now(),
      cpu: processUsage(service.pid).cpuSeconds,
    };
  }
  const stream = new ResumingStream({
    connect: () =>
      new WebSocket(`${service.url.replace('http', 'ws')}/v1/stream`, { perMessageDeflate: false }),
    sampleRate: RATE,
    hello: { options: { intents: false } },
    onMessage: (message) => {
      if (message.type === 'ready') sessions += 1;
      if (message.type === 'closed') closed = message;
      if (message.type === 'final') heard(message);
    },
  });
  // Two utterances may become one final and one may become two: each is judged by the final that covers its end.
  const texts = [];
  function heard({ start, end, text }) {
    finals += 1;
    texts.push(text);
    while (spoken.length > 0 && spoken[0].end <= end) {
      const { end: ended, sentAt, text: said } = spoken.shift();
      if (ended > start) window.latencies.push(performance.now() - sentAt);
      else window.missed = (window.missed ?? 0) + 1;
      window.edits = addCounts(
        window.edits,
        scoreCharacters(said, texts.splice(0).join(' '), { spaces: false }),
      );
    }
  }
  let over = false;
  stream.closed.catch(() => undefined).finally(() => (over = true));
  const watch = setInterval(() => window.memory.push(processUsage(service.pid).rssMb), 200);
  const started = performance.now();
  let played = 0;
  let windowEnd = options.window * 60;
  while (played < total && !over) {
    const list = playlist(clips, PART_SECONDS, random);
    const base = played;
    const ends = list.utterances.map(({ end, text }) => ({ end: base + end, text }));
    for (let at = 0; at < list.pcm.length && !over; at += PACKET) {
      const packet = list.pcm.subarray(at, at + PACKET);
      stream.write(packet);
      played = base + (at + packet.length) / 2 / RATE;
      while (ends.length > 0 && ends[0].end <= played) {
        utterances += 1;
        spoken.push({ ...ends.shift(), sentAt: performance.now() });
      }
      const due = started + (played / options.speed) * 1000;
      const owed = () =>
        spoken.length > 0 &&
        played >= spoken[0].end + PAUSE &&
        performance.now() < spoken[0].sentAt + PATIENCE_MS;
      while (!over && (performance.now() < due || stream.unsettled > AHEAD || owed())) {
        await new Promise((resolve) =>
          setTimeout(resolve, Math.max(1, Math.min(20, due - performance.now()))),
        );
      }
      if (played >= windowEnd) {
        window.heap.push(await heapMb(service.url));
        rows.push(row(window, windowEnd / 60));
        window = emptyWindow();
        windowEnd += options.window * 60;
        if (!options.json) console.error(JSON.stringify(rows.at(-1)));
      }
    }
    window.heap.push(await heapMb(service.url));
  }
  if (!over) await stream.finish();
  clearInterval(watch);
  function row({ latencies, memory, heap, edits, started: since, cpu, missed = 0 }, minutes) {
    const seconds = options.window * 60;
    return {
      minutes,
      rssMb: round(median(memory), 1),
      // Garbage comes and goes: what is there after a collection is the least that was seen.
      heapMb: round(Math.min(...heap), 1),
      finalLatencyMs: { p50: round(median(latencies), 0), p95: round(quantile(latencies, 0.95), 0) },
      cpuMsPerSecond: round(((processUsage(service.pid).cpuSeconds - cpu) * 1000) / seconds, 1),
      speed: round(seconds / ((performance.now() - since) / 1000), 1),
      cer: round(rate(edits), 4),
      missed,
    };
  }
  const missed = rows.reduce((sum, { missed: of }) => sum + of, 0) + spoken.length;
  return {
    rows,
    audioSeconds: closed?.audio_seconds ?? 0,
    played,
    reason: closed?.reason,
    sessions,
    utterances,
    finals,
    missed,
  };
}

/** The first window warms up; the line goes through the others. */
function judge(rows) {
  const later = rows.slice(1);
  if (later.length < 3) return undefined;
  const of = (value, bound) => {
    const { mean, rise, error } = trend(
      later.map(({ minutes }) => minutes),
      later.map(value),
    );
    const allowed = bound ?? BOUNDS.share * mean;
    return {
      mean: round(mean, 1),
      rise: round(rise, 1),
      error: round(error, 1),
      allowed: round(allowed, 1),
      // Only what is no accident counts as a rise.
      flat: rise - error <= allowed,
    };
  };
  return {
    rssMb: of((row) => row.rssMb, BOUNDS.memoryMb),
    heapMb: of((row) => row.heapMb, BOUNDS.memoryMb),
    finalLatencyP50Ms: of((row) => row.finalLatencyMs.p50),
    cpuMsPerSecond: of((row) => row.cpuMsPerSecond),
  };
}

const service = await startService({
  workers: 1,
  env: {
    MALGWI_LIVE_MAX_SESSION_SECONDS: String(Math.ceil(options.hours * 3600) + 3600),
    MALGWI_LIVE_ADMISSION: 'fixed',
  },
});
let result;
try {
  while (!(await fetch(`${service.url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 100));
  result = await soak(service);
} finally {
  await service.close();
}
const { rows, ...session } = result;
const flat = judge(rows);
const whole =
  session.reason === 'finished' &&
  session.sessions === 1 &&
  session.missed === 0 &&
  Math.abs(session.audioSeconds - session.played) < 0.1;
if (options.chart !== '') {
  const share = (name, value) => {
    const mean = rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
    return { name, values: rows.map((row) => (value(row) / mean) * 100) };
  };
  const series = [
    share('memory (RSS)', (row) => row.rssMb),
    share('heap', (row) => row.heapMb),
    share('final latency p50', (row) => row.finalLatencyMs.p50),
    share('processor time', (row) => row.cpuMsPerSecond),
  ];
  const x = rows.map(({ minutes }) => minutes);
  await writeFile(
    options.chart,
    lineChart({ x, series, xLabel: 'minutes of audio', yLabel: '% of the mean' }),
  );
}
if (options.json)
  console.log(JSON.stringify({ ...session, whole, flat: flat ?? null, bounds: BOUNDS, rows }));
else {
  console.table(
    rows.map(({ finalLatencyMs: { p50, p95 }, ...row }) => ({ ...row, 'final p50/p95': `${p50}/${p95}` })),
  );
  console.log(
    `${session.utterances} utterances, ${session.finals} finals, ${session.missed} missed; ended: ${session.reason}`,
  );
  if (flat === undefined) console.log('Too few windows to say whether anything rises.');
  else console.table(flat);
}
process.exitCode = whole && Object.values(flat ?? {}).every((of) => of.flat) ? 0 : 1;
