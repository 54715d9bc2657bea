// Hostile frames over all four live protocols against a service in a process of its own.
//   node scripts/fuzz-live.mjs [--frames 50000] [--perSocket 8] [--parallel 16] [--seed 1] [--json]
// Every error must be one of the table, the process must live, its memory must come back, and it must still hear.
import { existsSync, readFileSync } from 'node:fs';
import { clearTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { ERRORS } from '../dist/errors.js';
import { parseOptions } from './lib/audio.mjs';
import { hostileProtocols } from './lib/hostile-frames.mjs';
import { seeded } from './lib/random.mjs';
import { startService } from './lib/service.mjs';

const options = parseOptions({ frames: 50_000, perSocket: 8, parallel: 16, seed: 1, json: false });
const root = fileURLToPath(new URL('..', import.meta.url));
const random = seeded(options.seed);
const protocols = hostileProtocols(random);

const rssMb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024;
const codeOf = (message) => message.error?.code ?? message.variant ?? message.code;

async function attack(host, protocol, tally) {
  const socket = new WebSocket(`ws://${host}${protocol.path()}`);
  const closed = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString());
    if (message.type === 'eager_end') tally.eagerEnds += 1;
    const code = codeOf(message);
    if (typeof code === 'string') tally.errors[code] = (tally.errors[code] ?? 0) + 1;
  });
  await new Promise((resolve) => socket.once('open', resolve).once('close', resolve));
  for (const message of protocol.greeting()) socket.send(message);
  for (let n = 0; n < options.perSocket; n++) {
    const frame = protocol.frame();
    if (socket.readyState !== WebSocket.OPEN) break;
    socket.send(frame);
    tally.frames += 1;
    // Lets the answer to what came before arrive now and then, so that later frames meet a session it has ended or not.
    if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const manner = random();
  const farewell = manner >= 0.5 ? protocol.farewell : undefined;
  if (manner < 0.3) socket.terminate();
  else if (farewell === undefined) socket.close();
  else if (socket.readyState === WebSocket.OPEN) socket.send(farewell);
  const timer = setTimeout(() => socket.terminate(), 3000);
  const code = await closed;
  clearTimeout(timer);
  tally.closes[code] = (tally.closes[code] ?? 0) + 1;
  tally.sockets += 1;
}

async function hears(host) {
  const response = await fetch(`http://${host}/v1/audio/transcriptions`, {
    method: 'POST',
    body: (() => {
      const form = new FormData();
      form.set('file', new Blob([readFileSync(`${root}/test-audio/reserve-a3.wav`)]), 'a.wav');
      return form;
    })(),
  });
  return response.ok && (await response.json()).text.includes('예약');
}

const service = await startService({});
const host = service.url.slice('http://'.length);
while (!(await fetch(`${service.url}/readyz`)).ok) await new Promise((resolve) => setTimeout(resolve, 100));
/** Whether the process lives. */
const alive = () => existsSync(`/proc/${service.pid}`);
const rows = [];
let problems = 0;
try {
  const warm = { frames: 0, sockets: 0, eagerEnds: 0, errors: {}, closes: {} };
  for (const protocol of Object.values(protocols))
    for (let n = 0; n < 20; n++) await attack(host, protocol, warm);
  const memoryBefore = rssMb(service.pid);
  for (const [name, protocol] of Object.entries(protocols)) {
    const tally = { frames: 0, sockets: 0, eagerEnds: 0, errors: {}, closes: {} };
    const share = options.frames / Object.keys(protocols).length;
    const started = performance.now();
    await Promise.all(
      Array.from({ length: options.parallel }, async () => {
        while (tally.frames < share) await attack(host, protocol, tally);
      }),
    );
    const undefinedCodes = Object.keys(tally.errors).filter((code) => !(code in ERRORS));
    const internal = tally.errors.internal_error ?? 0;
    if (undefinedCodes.length > 0 || internal > 0 || !alive()) problems += 1;
    rows.push({
      protocol: name,
      frames: tally.frames,
      sockets: tally.sockets,
      eagerEnds: tally.eagerEnds,
      errors: Object.values(tally.errors).reduce((sum, n) => sum + n, 0),
      codes: Object.keys(tally.errors).length,
      undefinedCodes: undefinedCodes.length,
      internal,
      seconds: Math.round((performance.now() - started) / 1000),
      rssMb: Math.round(rssMb(service.pid)),
    });
    if (!options.json) console.log(JSON.stringify(tally.errors), JSON.stringify(tally.closes));
  }
  const stillHears = await hears(host);
  if (!stillHears) problems += 1;
  const result = {
    rows,
    memoryBeforeMb: Math.round(memoryBefore),
    memoryAfterMb: Math.round(rssMb(service.pid)),
    stillHears,
    problems,
  };
  if (options.json) console.log(JSON.stringify(result));
  else {
    console.table(rows);
    console.log(`memory ${result.memoryBeforeMb} -> ${result.memoryAfterMb} MB, still hears: ${stillHears}`);
  }
} finally {
  await service.close();
}
process.exitCode = problems === 0 ? 0 : 1;
