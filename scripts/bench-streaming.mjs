// What does a second of audio cost on one core, live and from a file, and does it stay the same over a long session?
//   node scripts/bench-streaming.mjs [--model DIR] [--minutes 5] [--piece-ms 100] [--second-pass] [--long-utterances] [--json]
// Runs the built code of dist/ on this thread: voice activity detection, features, encoder and search, as a worker has
// them. Times are processor time of the process, so other programs on the machine make them longer, not meaningless.
// The audio is the clips of test-audio/ in turn, with pauses. With --long-utterances nothing ends an utterance but its length
// (20 s): the worst case of models that do not stream.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseOptions, writeLongWav } from './lib/audio.mjs';
import { readAudio } from './lib/wav.mjs';

const dist = new URL('../dist/', import.meta.url);
if (!existsSync(new URL('recognition/streaming.js', dist))) {
  console.error('dist is missing: run `npm run build` first.');
  process.exit(1);
}
const load = (path) => import(new URL(path, dist));
const options = parseOptions({
  model: 'models/malgwi-ko',
  minutes: 5,
  pieceMs: 100,
  secondPass: false,
  longUtterances: false,
  json: false,
});
const { createPushDecoder } = await load('audio/index.js');
const { readPackage } = await load('models/index.js');
const { DEFAULT_ENDPOINT, DEFAULT_LIVE_ENDPOINT, segmentAudio, SileroVad } = await load('vad/index.js');
const { RecognitionEngine } = await load('recognition/engine.js');
const { StreamingRecognizer } = await load('recognition/streaming.js');

const RATE = 16_000;
const endpoint = options.longUtterances
  ? { ...DEFAULT_LIVE_ENDPOINT, silenceDurationMs: 5000 }
  : DEFAULT_LIVE_ENDPOINT;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Adds the processor time of some calls of an object. */
function meter(target, method) {
  const meter = { ms: 0, calls: 0 };
  const original = target[method].bind(target);
  target[method] = async (...args) => {
    const before = cpuMs();
    try {
      return await original(...args);
    } finally {
      meter.ms += cpuMs() - before;
      meter.calls += 1;
    }
  };
  return meter;
}

const model = await readPackage(resolve(options.model));
const engine = await RecognitionEngine.load(model);
const vad = await SileroVad.load();
const folder = await mkdtemp(join(tmpdir(), 'malgwi-bench-'));
let samples;
try {
  await writeLongWav(join(folder, 'long.wav'), options.minutes);
  samples = await readAudio(join(folder, 'long.wav'));
} finally {
  await rm(folder, { recursive: true, force: true });
}
const seconds = samples.length / RATE;

async function offline() {
  const before = cpuMs();
  let utterances = 0;
  const pieces = (async function* () {
    for (let at = 0; at < samples.length; at += RATE) yield samples.subarray(at, at + RATE);
  })();
  let encoderMs = 0;
  for await (const segment of segmentAudio(pieces, vad.createStream(), DEFAULT_ENDPOINT)) {
    const start = cpuMs();
    await engine.recognize(segment.samples);
    encoderMs += cpuMs() - start;
    utterances += 1;
  }
  return { ms: cpuMs() - before, recognitionMs: encoderMs, utterances };
}

/** @param shares also measures parts of it, which costs time of its own */
async function live(pcm, shares) {
  const detector = vad.createStream();
  const streaming = engine.family.runtime?.streaming;
  const detection = shares ? meter(detector, 'process') : undefined;
  const encoder = shares && streaming !== undefined ? meter(streaming, 'run') : undefined;
  const decoder = await createPushDecoder('pcm_s16le', { sampleRate: RATE, channels: 1 });
  const session = new StreamingRecognizer(engine, decoder, detector, {
    endpoint,
    partialIntervalMs: 250,
    ...(options.secondPass ? { secondPass: true } : {}),
  });
  const size = Math.round((options.pieceMs / 1000) * RATE);
  const bytes = new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength);
  const count = { partial: 0, final: 0 };
  const minutes = [];
  let stable = 0;
  let characters = 0;
  let slowest = 0;
  let began = cpuMs();
  const start = began;
  for (let at = 0; at < pcm.length; at += size) {
    const { events, computeMs } = await session.feed(bytes.slice(2 * at, 2 * (at + size)));
    slowest = Math.max(slowest, computeMs);
    for (const event of events) {
      if (event.type in count) count[event.type] += 1;
      if (event.type !== 'partial') continue;
      stable += event.stable;
      characters += event.text.length;
    }
    if (Math.floor((at + size) / (60 * RATE)) > Math.floor(at / (60 * RATE))) {
      globalThis.gc?.();
      minutes.push({ msPerSecond: (cpuMs() - began) / 60, rssMb: process.memoryUsage().rss / 1e6 });
      began = cpuMs();
    }
  }
  await session.finish();
  return {
    ms: cpuMs() - start,
    detectionMs: detection?.ms,
    encoderMs: encoder?.ms,
    minutes,
    slowest,
    stable: characters === 0 ? 0 : stable / characters,
    ...count,
  };
}

// Once to warm up: code is compiled, pages of the language model are read.
await engine.recognize(samples.subarray(0, 20 * RATE));
const whole = await offline();
const pcm = Int16Array.from(samples, (value) => Math.round(value * 32767));
const spoken = await live(pcm, false);
const shares = await live(pcm.subarray(0, Math.min(pcm.length, 120 * RATE)), true);
const sharedSeconds = Math.min(seconds, 120);
await engine.close();
await vad.close();

const result = {
  model: `${model.manifest.name} ${model.manifest.version}`,
  streaming: model.manifest.encoder.streaming ?? null,
  audioSeconds: seconds,
  offline: {
    timesRealTime: (seconds * 1000) / whole.ms,
    recognitionTimesRealTime: (seconds * 1000) / whole.recognitionMs,
    utterances: whole.utterances,
  },
  live: {
    timesRealTime: (seconds * 1000) / spoken.ms,
    msPerSecond: spoken.ms / seconds,
    detectionMsPerSecond: shares.detectionMs / sharedSeconds,
    encoderMsPerSecond: shares.encoderMs === undefined ? null : shares.encoderMs / sharedSeconds,
    partials: spoken.partial,
    finals: spoken.final,
    stableShare: spoken.stable,
    slowestPieceMs: spoken.slowest,
    minutes: spoken.minutes,
  },
  cpu: cpus()[0]?.model ?? 'unknown',
  load: loadavg()[0],
};
if (options.json) console.log(JSON.stringify(result, null, 2));
else {
  const { live: l, offline: o, streaming: s } = result;
  const each = l.minutes.map(({ msPerSecond }) => msPerSecond.toFixed(1)).join(' ');
  const memory = l.minutes.map(({ rssMb }) => rssMb.toFixed(0)).join(' ');
  const share = l.encoderMsPerSecond === null ? '' : `, encoder ${l.encoderMsPerSecond.toFixed(1)}`;
  const rows = {
    model: `${result.model}${s === null ? ', does not stream' : `, chunks of ${s.chunkFrames} frames, ${s.lookaheadFrames} ahead, ${s.leftFrames} before`}`,
    audio: `${(seconds / 60).toFixed(1)} min, ${o.utterances} utterances`,
    'from a file': `${o.timesRealTime.toFixed(0)}x real time; without voice activity detection ${o.recognitionTimesRealTime.toFixed(0)}x`,
    live: `${l.timesRealTime.toFixed(0)}x real time, ${l.msPerSecond.toFixed(1)} ms for a second (voice activity detection ${l.detectionMsPerSecond.toFixed(1)}${share}); ${l.partials} partials, ${(100 * l.stableShare).toFixed(0)} % of them stable`,
    'each minute': `${each} ms for a second`,
    memory: `${memory} MB`,
    machine: `${result.cpu}, load ${result.load.toFixed(1)}`,
  };
  for (const [name, value] of Object.entries(rows)) console.log(`${name.padEnd(12)} ${value}`);
}
