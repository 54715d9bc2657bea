// Does the event loop of the service stay free while every worker decodes?
//   node scripts/bench-event-loop.mjs [--seconds 30] [--uploads 4] [--minutes 5] [--json]
// The service runs here; the uploads come from a process of its own, so that only the service's loop is measured.
import { spawn } from 'node:child_process';
import { openAsBlob } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { loadConfig, startServer } from '../dist/index.js';
import { parseOptions, writeLongWav } from './lib/audio.mjs';

/** The histogram records the timer's own period too; what lies above it is delay. */
const RESOLUTION_MS = 1;
const options = parseOptions({ seconds: 30, uploads: 4, minutes: 5, json: false, loadUrl: '', loadFile: '' });

/** The other process: so many uploads at once, one after the other, until it is killed. */
async function generateLoad(url, file) {
  const one = async () => {
    for (;;) {
      const form = new FormData();
      form.set('file', await openAsBlob(file), 'long.wav');
      form.set('model', 'whisper-1');
      const response = await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form });
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
      await response.text();
      process.stdout.write('.');
    }
  };
  await Promise.all(Array.from({ length: options.uploads }, one));
}

async function measure() {
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-bench-'));
  const file = join(folder, 'long.wav');
  await writeLongWav(file, options.minutes);
  const data = { dir: join(folder, 'data') };
  const server = await startServer(
    loadConfig(process.env, { server: { port: 0, logLevel: 'silent' }, data }),
  );
  try {
    await server.ready;
    const self = fileURLToPath(import.meta.url);
    const args = [
      self,
      '--load-url',
      server.address,
      '--load-file',
      file,
      '--uploads',
      String(options.uploads),
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let done = 0;
    child.stdout.on('data', (chunk) => (done += chunk.length));
    // Starting the generator is not what is measured.
    await new Promise((resolve) => setTimeout(resolve, 2000));
    const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    const before = process.cpuUsage();
    let busy = 0;
    let polls = 0;
    const poll = setInterval(() => {
      polls += 1;
      busy += server.recognizer.stats().busy;
    }, 50);
    delay.enable();
    await new Promise((resolve) => setTimeout(resolve, options.seconds * 1000));
    delay.disable();
    clearInterval(poll);
    const cpu = process.cpuUsage(before);
    child.kill();
    const milliseconds = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    return {
      seconds: options.seconds,
      workers: server.recognizer.stats().workers,
      meanBusyWorkers: busy / polls,
      cpuCores: (cpu.user + cpu.system) / 1e6 / options.seconds,
      finishedUploads: done,
      eventLoopDelayMs: {
        p50: milliseconds(delay.percentile(50)),
        p95: milliseconds(delay.percentile(95)),
        p99: milliseconds(delay.percentile(99)),
        max: milliseconds(delay.max),
      },
      load: loadavg()[0],
    };
  } finally {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

if (options.loadUrl) await generateLoad(options.loadUrl, options.loadFile);
else {
  const result = await measure();
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else {
    const { p50, p95, p99, max } = result.eventLoopDelayMs;
    const ms = (value) => `${value.toFixed(1)} ms`;
    console.log(`event-loop delay  p50 ${ms(p50)}, p95 ${ms(p95)}, p99 ${ms(p99)}, longest ${ms(max)}`);
    console.log(
      `workers           ${result.meanBusyWorkers.toFixed(1)} of ${result.workers} busy on average over ${result.seconds} s`,
    );
    console.log(
      `processor         ${result.cpuCores.toFixed(2)} cores, machine load ${result.load.toFixed(1)}`,
    );
    console.log(`finished uploads  ${result.finishedUploads}`);
  }
}
