// One process of sherpa-onnx-node, as its examples use it: audio in, decode while something is ready, ask for the result.
// Forked by bench-sherpa.mjs with the path of a task in JSON; sends back what was heard and what it cost.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const RATE = 16_000;
/** Silence behind the last sample, or the last chunk would never be full. */
const TAIL_SECONDS = 1;

const task = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const sherpa = createRequire(task.folder)('sherpa-onnx-node');
const recognizer = new sherpa.OnlineRecognizer({
  featConfig: { sampleRate: RATE, featureDim: 80 },
  modelConfig: {
    nemoCtc: { model: `${task.model}/model.onnx` },
    tokens: `${task.model}/tokens.txt`,
    numThreads: 1,
    provider: 'cpu',
    debug: 0,
  },
  decodingMethod: 'greedy_search',
  enableEndpoint: 1,
  rule1MinTrailingSilence: 2.4,
  rule2MinTrailingSilence: task.silenceSeconds,
  rule3MinUtteranceLength: 20,
});

const written = (text) => text.replaceAll(task.space, ' ').normalize('NFC').trim();

class Player {
  events = [];
  times = [];
  #stream = recognizer.createStream();
  #shown = '';
  #at = 0;

  constructor(file) {
    const bytes = readFileSync(file);
    this.audio = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  }

  get done() {
    return this.#at >= this.audio.length;
  }

  /** The next packet. */
  step() {
    const packet = this.audio.subarray(this.#at, this.#at + task.packetSamples);
    this.#at += packet.length;
    this.times.push(performance.now());
    this.#hear(Float32Array.from(packet));
  }

  end() {
    this.#hear(new Float32Array(TAIL_SECONDS * RATE));
    this.#final();
  }

  #hear(samples) {
    this.#stream.acceptWaveform({ samples, sampleRate: RATE });
    while (recognizer.isReady(this.#stream)) {
      recognizer.decode(this.#stream);
      const text = written(recognizer.getResult(this.#stream).text);
      if (text !== this.#shown) this.events.push({ type: 'partial', text, stable: 0, at: performance.now() });
      this.#shown = text;
      if (recognizer.isEndpoint(this.#stream)) this.#final();
    }
  }

  #final() {
    const text = written(recognizer.getResult(this.#stream).text);
    if (text !== '') this.events.push({ type: 'final', text, at: performance.now() });
    recognizer.reset(this.#stream);
    this.#shown = '';
  }
}

/** Once to warm up, as the other side does. */
function warmUp(file) {
  const player = new Player(file);
  while (!player.done) player.step();
}

if (!task.realTime) warmUp(task.lists[0]);
const players = task.lists.map((file) => new Player(file));
const packetMs = (task.packetSamples / RATE) * 1000;
const before = process.cpuUsage();
const started = performance.now();
if (task.realTime) {
  // Due in turn, once in a packet's time each, as a service gets them.
  for (let next = 0; players.some(({ done }) => !done);) {
    const due = ((performance.now() - started) / packetMs) * players.length;
    for (; next < due; next++)
      if (!players[next % players.length].done) players[next % players.length].step();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
} else {
  while (players.some(({ done }) => !done)) for (const player of players) if (!player.done) player.step();
}
for (const player of players) player.end();
const { user, system } = process.cpuUsage(before);
process.send({
  cpuSeconds: (user + system) / 1e6,
  wallSeconds: (performance.now() - started) / 1000,
  rssMb: process.memoryUsage.rss() / 2 ** 20,
  // Of this process's clock; only differences are used.
  streams: players.map(({ events, times }) => ({ events, times })),
});
