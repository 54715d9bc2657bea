// Which silence should end an utterance? Shorter ones answer sooner and cut more sentences in two.
//   node scripts/bench-endpoints.mjs --manifest FILE [--split train] [--utterances 400] [--silence 288,320,352,...]
//                                    [--eager 0] [--decode] [--json]
// Each recording of the manifest (lines of audio, text, split) is one sentence, in an order drawn by chance. Told for each silence: how many
// sentences came as more than one utterance, and how long after the end of the speech (by its level, as bench:live has it) the
// endpoint is known, computation not counted. --decode recognises the live way too, and tells the processor time of the piece
// of audio that brings a final, and the character error rate.
// --eager: how often an eager end after so many milliseconds was taken back.
import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseOptions } from './lib/audio.mjs';
import { speechBounds } from './lib/load.mjs';
import { seeded } from './lib/random.mjs';
import { pcm, readAudio, readLines } from './lib/wav.mjs';

const dist = new URL('../dist/', import.meta.url);
if (!existsSync(new URL('recognition/streaming.js', dist))) {
  console.error('dist is missing: run `npm run build` first.');
  process.exit(1);
}
const load = (path) => import(new URL(path, dist));
const options = parseOptions({
  manifest: '',
  split: 'train',
  utterances: 400,
  silence: '288,320,352,384,416,448',
  eager: 0,
  model: 'models/malgwi-ko',
  decode: false,
  json: false,
});
const { createPushDecoder } = await load('audio/index.js');
const { addCounts, NO_EDITS, rate, scoreCharacters } = await load('korean/index.js');
const { readPackage } = await load('models/index.js');
const { DEFAULT_LIVE_ENDPOINT, Endpointer, SileroVad, VAD_WINDOW } = await load('vad/index.js');
const { RecognitionEngine } = await load('recognition/engine.js');
const { StreamingRecognizer } = await load('recognition/streaming.js');

const RATE = 16_000;
/** Silence around each recording. */
const BEFORE = Math.round(0.5 * RATE);
const AFTER = Math.round(1.2 * RATE);
/** As bench:live sends them: 40 ms. */
const FEED_BYTES = 1280;
const cpuMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const lines = (await readLines(options.manifest)).filter(
  ({ split }) => split === undefined || split === options.split,
);
const random = seeded(1);
const chosen = lines
  .map((line) => ({ line, at: random() }))
  .sort((a, b) => a.at - b.at)
  .slice(0, options.utterances)
  .map(({ line }) => line);

const vad = await SileroVad.load();
const engine = options.decode
  ? await RecognitionEngine.load(await readPackage(resolve(options.model)))
  : undefined;
const silences = String(options.silence).split(',').map(Number);
const results = silences.map((silenceMs) => ({
  silenceMs,
  cut: 0,
  missed: 0,
  delays: [],
  eager: { told: 0, retracted: 0, delays: [] },
  counts: NO_EDITS,
  finalMs: [],
}));

const wholeWindows = (samples) => samples.subarray(0, samples.length - (samples.length % VAD_WINDOW));

/** What was computed once, again. */
const replay = (probabilities) => {
  let next = 0;
  return {
    process: ({ length }) => {
      const from = next;
      next += length / VAD_WINDOW;
      return Promise.resolve(probabilities.subarray(from, next));
    },
  };
};

const configOf = (silenceMs) => ({
  ...DEFAULT_LIVE_ENDPOINT,
  silenceDurationMs: silenceMs,
  ...(options.eager > 0 ? { eagerSilenceMs: options.eager } : {}),
});

function endpoints(result, probabilities, speechEnd) {
  const endpointer = new Endpointer(configOf(result.silenceMs));
  const ends = [];
  for (const probability of probabilities) {
    for (const event of endpointer.push(probability)) {
      if (event.type === 'speech_end') ends.push(endpointer.position);
      else if (event.type === 'eager_end') {
        result.eager.told += 1;
        result.eager.last = endpointer.position;
      } else if (event.type === 'eager_retracted') result.eager.retracted += 1;
    }
  }
  if (endpointer.flush().some(({ type }) => type === 'speech_end')) ends.push(endpointer.position);
  if (ends.length === 0) return void (result.missed += 1);
  if (ends.length > 1) result.cut += 1;
  const ms = (sample) => ((sample - speechEnd) / RATE) * 1000;
  result.delays.push(ms(ends.at(-1)));
  if (result.eager.last !== undefined) result.eager.delays.push(ms(result.eager.last));
  result.eager.last = undefined;
}

async function recognise(result, samples, probabilities, text) {
  const decoder = await createPushDecoder('pcm_s16le', { sampleRate: RATE, channels: 1 });
  const session = new StreamingRecognizer(engine, decoder, replay(probabilities), {
    endpoint: configOf(result.silenceMs),
    partialIntervalMs: 10_000,
  });
  const bytes = pcm(samples);
  const events = [];
  for (let at = 0; at < bytes.length; at += FEED_BYTES) {
    const before = cpuMs();
    const told = (await session.feed(bytes.subarray(at, at + FEED_BYTES))).events;
    if (told.some(({ type }) => type === 'final')) result.finalMs.push(cpuMs() - before);
    events.push(...told);
  }
  events.push(...(await session.finish()).events);
  session.close();
  const heard = events.filter(({ type }) => type === 'final').map(({ segment }) => segment.text);
  result.counts = addCounts(result.counts, scoreCharacters(text, heard.join(' '), { spaces: false }));
}

let seconds = 0;
for (const { audio, path = audio, text } of chosen) {
  const spoken = await readAudio(resolve(dirname(options.manifest), path));
  const samples = new Float32Array(BEFORE + spoken.length + AFTER);
  samples.set(spoken, BEFORE);
  seconds += spoken.length / RATE;
  const { last } = speechBounds(Int16Array.from(spoken, (value) => Math.round(value * 32767)));
  const probabilities = await vad.createStream().process(wholeWindows(samples));
  for (const result of results) {
    endpoints(result, probabilities, BEFORE + last);
    if (engine !== undefined) await recognise(result, samples, probabilities, text);
  }
}
await engine?.close();
await vad.close();

const quantile = (values, q) => {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? NaN);
};
const rows = results.map(({ silenceMs, cut, missed, delays, eager, counts, finalMs }) => ({
  silenceMs,
  sentences: chosen.length,
  cut,
  missed,
  endpointMs: { p50: quantile(delays, 0.5), p95: quantile(delays, 0.95) },
  ...(options.eager > 0
    ? {
        eager: {
          told: eager.told,
          retracted: eager.retracted,
          p50: quantile(eager.delays, 0.5),
          p95: quantile(eager.delays, 0.95),
        },
      }
    : {}),
  ...(engine === undefined
    ? {}
    : {
        finalMs: { p50: quantile(finalMs, 0.5), p95: quantile(finalMs, 0.95) },
        cer: Math.round(rate(counts) * 10_000) / 10_000,
      }),
}));
if (options.json) console.log(JSON.stringify({ minutes: Math.round(seconds / 6) / 10, rows }));
else {
  console.log(`${chosen.length} sentences, ${(seconds / 60).toFixed(1)} min`);
  console.table(
    rows.map(({ silenceMs, cut, missed, endpointMs, eager, finalMs, cer }) => ({
      'silence ms': silenceMs,
      'cut in two': `${cut} (${((100 * cut) / chosen.length).toFixed(1)} %)`,
      missed,
      'endpoint p50/p95 ms': `${endpointMs.p50}/${endpointMs.p95}`,
      ...(eager === undefined
        ? {}
        : {
            'eager told/retracted': `${eager.told}/${eager.retracted}`,
            'eager p50/p95 ms': `${eager.p50}/${eager.p95}`,
          }),
      ...(cer === undefined ? {} : { 'final p50/p95 ms': `${finalMs.p50}/${finalMs.p95}`, cer }),
    })),
  );
}
