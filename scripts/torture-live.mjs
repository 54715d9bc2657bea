// Live sessions over networks that delay, cut, glue and break off: is the transcript that of an undisturbed session?
//   npm run torture:live -- [--reconnects 500] [--seconds 40] [--life 3000] [--delay 2500]
//                            [--speed 1] [--seed 1] [--only NAME] [--json]
// `life` is the mean life of a connection, `delay` the longest delay, in milliseconds; `seconds` are those of a session.
// For each kind of network a client (lib/resuming-stream.mjs, the one of the guide) plays sessions, one after the other, in
// real time or faster, through a proxy of its own until it has had its share of the reconnects. All kinds run at once. Exit
// code 1 when a word is missing, doubled or different, or a session had to be begun anew.
import { dirname, join } from 'node:path';
import { WebSocket } from 'ws';
import { CLIPS, parseOptions } from './lib/audio.mjs';
import { playlist } from './lib/load.mjs';
import { seeded } from './lib/random.mjs';
import { ResumingStream } from './lib/resuming-stream.mjs';
import { roughNetwork } from './lib/rough-network.mjs';
import { startService } from './lib/service.mjs';
import { pcm, readAudio, readLines } from './lib/wav.mjs';

const options = parseOptions({
  reconnects: 500,
  seconds: 40,
  life: 3000,
  delay: 2500,
  speed: 1,
  seed: 1,
  only: '',
  json: false,
});
const RATE = 16_000;
const BYTES_PER_SECOND = RATE * 2;
const PIECE = BYTES_PER_SECOND / 10;
/** The largest message that the service takes. */
const LARGEST = 2 ** 20;
/** Recordings that sessions play: each is also heard once undisturbed. */
const LISTS = 4;
/** A client writes on only while less than this is unsettled; the service is configured to hold more. */
const AHEAD = 60 * BYTES_PER_SECOND;
const BACKLOG_SECONDS = 200;
/** So large a share of the audio goes in single bytes, where a kind has them. */
const SINGLE = 0.2;

/** One message in continuation frames of a byte each. */
function inFragments(socket, bytes) {
  for (let at = 0; at < bytes.length; at += 1)
    socket.send(bytes.subarray(at, at + 1), { binary: true, fin: at === bytes.length - 1 });
}
function inSingleBytes(socket, bytes) {
  for (let at = 0; at < bytes.length; at += 1) socket.send(bytes.subarray(at, at + 1));
}
const some = (odd) => (socket, bytes, random) =>
  random() < SINGLE ? odd(socket, bytes) : socket.send(bytes);

/** `pieceBytes` are written at a time; `life` is the mean of a connection's, by that of the others. */
const NETWORKS = {
  drops: {},
  delays: { delayMs: options.delay, life: 2 },
  'single bytes (TCP)': { singleBytes: SINGLE },
  'glued to 1 MB (TCP)': { glueBytes: LARGEST, life: 1.5 },
  'odd pieces': { pieceBytes: 4801 },
  'frames of 1 byte': { send: some(inFragments) },
  'messages of 1 byte': { send: some(inSingleBytes) },
  'messages of 1 MB': { pieceBytes: LARGEST, life: 0.3 },
  everything: {
    delayMs: options.delay / 5,
    singleBytes: 0.05,
    glueBytes: 65_536,
    send: some(inFragments),
    pieceBytes: 9999,
    life: 1.5,
  },
};

async function clips() {
  const manifest = join(CLIPS, 'manifest.jsonl');
  return Promise.all(
    (await readLines(manifest))
      .filter(({ split }) => split !== 'long')
      .map(async ({ audio, text }) => {
        const data = pcm(await readAudio(join(dirname(manifest), audio)));
        return { samples: new Int16Array(data.buffer, data.byteOffset, data.length / 2), text };
      }),
  );
}

/**
 * One session from beginning to end.
 * @param pace seconds of audio for a second; Infinity: as fast as the service settles it
 * @returns what it was told: finals in order, and sessions that were begun
 */
async function session(port, audio, { send, pieceBytes = PIECE, pace, random }) {
  const finals = [];
  let sessions = 0;
  let connections = 0;
  const stream = new ResumingStream({
    connect: () => {
      connections += 1;
      return new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, { perMessageDeflate: false });
    },
    sampleRate: RATE,
    hello: { options: { intents: false } },
    ...(send === undefined ? {} : { send: (socket, bytes) => send(socket, bytes, random) }),
    onMessage: (message) => {
      if (message.type === 'final') finals.push(message);
      if (message.type === 'ready') sessions += 1;
    },
  });
  let over = false;
  const watched = stream.closed.finally(() => (over = true));
  watched.catch(() => undefined);
  const started = performance.now();
  for (let at = 0; at < audio.length && !over; at += pieceBytes) {
    stream.write(audio.subarray(at, at + pieceBytes));
    const due = started + ((at + pieceBytes) / BYTES_PER_SECOND / pace) * 1000;
    do {
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.min(50, due - performance.now()))));
    } while (!over && (performance.now() < due || stream.unsettled > AHEAD));
  }
  if (!over) stream.finish();
  await watched;
  const said = finals.map(({ utterance, start, end, text }) => ({ utterance, start, end, text }));
  return { finals: said, sessions, connections };
}

/** How two transcripts differ: finals of one that the other has not, and the other way round. */
function differences(heard, wanted) {
  const [a, b] = [heard, wanted].map((finals) => finals.map((final) => JSON.stringify(final)));
  return {
    lost: b.filter((final) => !a.includes(final)).length,
    extra: a.filter((final, n) => !b.includes(final) || a.indexOf(final) !== n).length,
  };
}

async function torture(name, share, service, lists, seed) {
  const { life = 1, send, pieceBytes, ...ways } = NETWORKS[name];
  const random = seeded(seed);
  const proxy = await roughNetwork(service.port, { ...ways, lifeMs: life * options.life }, random);
  const row = {
    network: name,
    sessions: 0,
    reconnects: 0,
    finals: 0,
    lost: 0,
    extra: 0,
    begunAnew: 0,
    failed: 0,
  };
  const pace = pieceBytes === LARGEST ? Infinity : options.speed;
  try {
    while (row.reconnects < share && row.failed < 3) {
      const { pcm: audio, finals } = lists[row.sessions % lists.length];
      row.sessions += 1;
      try {
        const told = await session(proxy.port, audio, { send, pieceBytes, pace, random });
        const { lost, extra } = differences(told.finals, finals);
        row.reconnects += told.connections - 1;
        row.finals += told.finals.length;
        row.lost += lost;
        row.extra += extra;
        row.begunAnew += told.sessions - 1;
      } catch (error) {
        row.failed += 1;
        console.error(`${name}: ${error.message}`);
      }
    }
  } finally {
    proxy.close();
  }
  return row;
}

const random = seeded(options.seed);
const spoken = await clips();
const started = performance.now();
const names = Object.keys(NETWORKS).filter((name) => options.only === '' || name === options.only);
const env = {
  MALGWI_LIVE_MAX_BACKLOG_SECONDS: String(BACKLOG_SECONDS),
  MALGWI_LIVE_ADMISSION: 'fixed',
};
const { url, close } = await startService({ env });
let rows;
try {
  while (!(await fetch(`${url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 100));
  const port = Number(new URL(url).port);
  const lists = Array.from({ length: LISTS }, () => playlist(spoken, options.seconds, random));
  for (const list of lists) list.finals = (await session(port, list.pcm, { pace: Infinity, random })).finals;
  const share = Math.ceil(options.reconnects / names.length);
  rows = await Promise.all(names.map((name, n) => torture(name, share, { port }, lists, options.seed + n)));
} finally {
  await close();
}
const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
const result = {
  sessions: sum('sessions'),
  reconnects: sum('reconnects'),
  finals: sum('finals'),
  lost: sum('lost'),
  extra: sum('extra'),
  begunAnew: sum('begunAnew'),
  failed: sum('failed'),
  seconds: Math.round((performance.now() - started) / 1000),
  rows,
};
const equal = result.lost + result.extra + result.begunAnew + result.failed === 0;
if (options.json) console.log(JSON.stringify({ equal, ...result }));
else {
  console.table(rows);
  console.log(
    `${result.reconnects} reconnects in ${result.sessions} sessions, ${result.finals} finals: ` +
      (equal ? 'as undisturbed' : `${result.lost} lost, ${result.extra} doubled or different`),
  );
}
process.exitCode = equal ? 0 : 1;
