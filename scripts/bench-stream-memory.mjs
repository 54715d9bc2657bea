// What does one more live stream hold in memory, silent and in the middle of a sentence?
//   npm run bench:stream-memory -- [--streams 40] [--model DIR] [--json]
// Opens N and 2 N streams of the recogniser on this thread, as a worker has them, takes them to a state, collects the garbage
// and counts. It needs no quiet machine. What the sockets of the service take, and garbage that nobody has collected yet, is
// in the memory that `bench:live` tells.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLIPS, parseOptions } from './lib/audio.mjs';
import { pcm, readAudio } from './lib/wav.mjs';

if (globalThis.gc === undefined) {
  const args = ['--expose-gc', fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
}
const load = (path) => import(new URL(`../dist/${path}`, import.meta.url));
const { createPushDecoder } = await load('audio/index.js');
const { readPackage } = await load('models/index.js');
const { DEFAULT_LIVE_ENDPOINT, SileroVad } = await load('vad/index.js');
const { RecognitionEngine } = await load('recognition/engine.js');
const { StreamingRecognizer } = await load('recognition/streaming.js');

const options = parseOptions({
  streams: 40,
  model: fileURLToPath(new URL('../models/malgwi-ko', import.meta.url)),
  json: false,
});
const RATE = 16_000;
const PIECE = (RATE * 2) / 10;
const engine = await RecognitionEngine.load(await readPackage(resolve(options.model)));
const vad = await SileroVad.load();
const dialogue = pcm(await readAudio(join(CLIPS, 'dialogue.wav')));
const pause = Buffer.alloc(RATE * 2 * 2);

async function open() {
  const decoder = await createPushDecoder('pcm_s16le', { sampleRate: RATE, channels: 1 });
  return new StreamingRecognizer(engine, decoder, vad.createStream(), {
    endpoint: DEFAULT_LIVE_ENDPOINT,
    partialIntervalMs: 250,
  });
}

/** Feeds pieces of 100 ms until the stream is where it should be. */
const STATES = {
  'before any audio': async () => undefined,
  'in a sentence': async (stream) => {
    let speaks = false;
    for (let at = 0; !speaks && at < dialogue.length; at += PIECE) {
      const { events } = await stream.feed(Uint8Array.from(dialogue.subarray(at, at + PIECE)));
      speaks = events.some(({ type, text }) => type === 'partial' && text.length > 6);
    }
    if (!speaks) throw new Error('no words were heard');
  },
  'silent again': async (stream) => {
    for (const audio of [dialogue.subarray(0, RATE * 2 * 6), pause])
      for (let at = 0; at < audio.length; at += PIECE)
        await stream.feed(Uint8Array.from(audio.subarray(at, at + PIECE)));
  },
};

/** MB of objects, buffers, and the whole process. */
async function memory() {
  for (let n = 0; n < 4; n += 1) {
    globalThis.gc();
    await new Promise((done) => setTimeout(done, 20));
  }
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed / 2 ** 20, buffers: arrayBuffers / 2 ** 20, rss: rss / 2 ** 20 };
}

const round = (value) => Math.round(value * 1000) / 1000;
const rows = [];
for (const [state, take] of Object.entries(STATES)) {
  const streams = [];
  const grow = async () => {
    for (let n = 0; n < options.streams; n += 1) {
      streams.push(await open());
      await take(streams.at(-1));
    }
    return memory();
  };
  // The first ones also pay for what all share.
  const first = await grow();
  const second = await grow();
  const of = (key) => round((second[key] - first[key]) / options.streams);
  rows.push({
    state,
    heapMb: of('heap'),
    buffersMb: of('buffers'),
    heldMb: round(of('heap') + of('buffers')),
    rssMb: of('rss'),
  });
  for (const stream of streams) stream.close();
}
await engine.close();
await vad.close();
if (options.json) console.log(JSON.stringify({ streams: options.streams, rows }));
else {
  console.log('Each further stream:');
  console.table(rows);
}
