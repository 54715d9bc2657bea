// How fast, and in how much memory, does `malgwi transcribe` work on a long file?
//   node scripts/bench-transcribe.mjs [--minutes 60] [--file LONG.wav] [--model NAME] [--workers N] [--json]
// The real command line in a process of its own: its start, the decoding of the file and its output are counted.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createWriteStream, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { finished } from 'node:stream/promises';
import { parseOptions, writeLongWav } from './lib/audio.mjs';

const POLL_MS = 100;
const options = parseOptions({ minutes: 60, file: '', model: '', workers: 0, json: false });
const malgwi = fileURLToPath(new URL('../bin/malgwi.js', import.meta.url));

/** Peak resident memory of a process in bytes, as Linux keeps it; undefined elsewhere. */
function peakMemory(pid) {
  try {
    const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

const folder = await mkdtemp(join(tmpdir(), 'malgwi-bench-'));
try {
  const file = options.file || join(folder, 'long.wav');
  if (!options.file) await writeLongWav(file, options.minutes);
  const load = loadavg()[0];
  const output = join(folder, 'transcript.json');
  const args = [malgwi, 'transcribe', '--json', file];
  if (options.model) args.push('--model', options.model);
  if (options.workers) args.push('--workers', String(options.workers));
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const sink = child.stdout.pipe(createWriteStream(output));
  let peak;
  const timer = setInterval(() => (peak = peakMemory(child.pid) ?? peak), POLL_MS);
  const code = await new Promise((resolve) => child.once('close', resolve));
  const wallSeconds = (performance.now() - started) / 1000;
  clearInterval(timer);
  await finished(sink);
  if (code !== 0) process.exit(1);
  const transcript = JSON.parse(await readFile(output, 'utf8'));
  const result = {
    model: transcript.model,
    audioSeconds: transcript.duration,
    fileBytes: (await stat(file)).size,
    segments: transcript.segments.length,
    characters: transcript.text.length,
    wallSeconds,
    timesRealTime: transcript.duration / wallSeconds,
    realTimeFactor: wallSeconds / transcript.duration,
    peakRssMb: peak === undefined ? null : peak / 1e6,
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    loadBefore: load,
  };
  if (options.json) console.log(JSON.stringify(result, null, 2));
  else {
    const rows = {
      audio: `${(result.audioSeconds / 60).toFixed(1)} min in ${result.segments} utterances`,
      time: `${wallSeconds.toFixed(1)} s, start of the process included`,
      speed: `${result.timesRealTime.toFixed(0)}x real time (real-time factor ${result.realTimeFactor.toFixed(4)})`,
      'peak memory':
        result.peakRssMb === null ? 'not known on this system' : `${result.peakRssMb.toFixed(0)} MB`,
      machine: `${result.cores} cores, ${result.cpu}, load ${load.toFixed(1)} before the run`,
    };
    for (const [name, value] of Object.entries(rows)) console.log(`${name.padEnd(12)} ${value}`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
