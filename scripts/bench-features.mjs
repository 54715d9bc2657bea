// How many times faster than real time the front ends are, on one core.
//   npm run bench:features [-- --json] [-- --seconds N] [-- --runs N]
// Runs the built code of dist/. Each row is the best of several runs; the load of other programs only adds time.
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

const built = new URL('../dist/features/index.js', import.meta.url);
if (!existsSync(built)) {
  console.error('dist/features is missing: run `npm run build` first.');
  process.exit(1);
}
const { createFrontEnd, createStreamingFrontEnd } = await import(built);

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '30' },
    runs: { type: 'string', default: '12' },
  },
});
const seconds = positive('seconds');
const runs = positive('runs');

const RATE = 16_000;
/** The front end of KoSpeech's default training configuration; `waveformScale` undoes its division by 32767. */
const kospeech = {
  kind: 'kaldi-fbank',
  sampleRate: RATE,
  numMels: 80,
  windowMs: 20,
  hopMs: 10,
  fftSize: 512,
  window: 'povey',
  preemphasis: 0.97,
  removeDcOffset: true,
  lowFrequency: 20,
  highFrequency: 8000,
  power: true,
  snipEdges: true,
  dither: 0,
  waveformScale: 32768 / 32767,
  energyFloor: 1.1920928955078125e-7,
  trimSilence: false,
  normalize: { kind: 'utterance' },
  reverse: false,
};
/** What the other kinds take of it. */
const other = { ...kospeech, numCoefficients: 40 };
const fixed = { kind: 'fixed', mean: new Array(80).fill(10), inverseStd: new Array(80).fill(0.25) };

/** A voice-like signal: harmonics of a gliding pitch under a syllable rhythm, over faint noise. */
const samples = Float32Array.from({ length: Math.round(seconds * RATE) }, (_, n) => {
  const t = n / RATE;
  const phase = 2 * Math.PI * (120 * t + 3 * Math.sin(2 * Math.PI * 0.4 * t));
  let value = 0;
  for (let harmonic = 1; harmonic <= 12; harmonic++) value += Math.sin(harmonic * phase) / harmonic;
  return 0.2 * value * Math.max(0, Math.sin(2 * Math.PI * 2.5 * t)) + 0.002 * (Math.random() - 0.5);
});

const cases = [
  ['kospeech (povey, utterance norm)', () => oneShot(kospeech)],
  ['kospeech + silence trimming', () => oneShot({ ...kospeech, trimSilence: true })],
  [
    'hamming, 25 ms, fixed norm',
    () => oneShot({ ...kospeech, window: 'hamming', windowMs: 25, normalize: fixed }),
  ],
  ['librosa mel, 80 channels', () => oneShot({ ...other, kind: 'librosa-mel', decibels: 'power' })],
  ['librosa MFCC, 40 of 128', () => oneShot({ ...other, kind: 'librosa-mfcc', numMels: 128 })],
  ['spectrogram, torch', () => oneShot({ ...other, kind: 'spectrogram', method: 'torch' })],
  ['spectrogram, kaldi', () => oneShot({ ...other, kind: 'spectrogram', method: 'kaldi' })],
  ['streaming, 100 ms at a time, fixed norm', () => streaming({ ...kospeech, normalize: fixed }, RATE / 10)],
];

function oneShot(config) {
  const frontEnd = createFrontEnd(config);
  return () => frontEnd.extract(samples).frames;
}

function streaming(config, size) {
  return () => {
    const frontEnd = createStreamingFrontEnd(config);
    let frames = 0;
    for (let at = 0; at < samples.length; at += size)
      frames += frontEnd.push(samples.subarray(at, at + size)).frames;
    return frames + frontEnd.flush().frames;
  };
}

const results = cases.map(([name, create]) => {
  const run = create();
  let best = Infinity;
  let frames = 0;
  for (let i = 0; i < runs; i++) {
    const started = performance.now();
    frames = run();
    best = Math.min(best, performance.now() - started);
  }
  const round = (value, digits) => Number(value.toFixed(digits));
  return {
    name,
    frames,
    milliseconds: round(best, 2),
    microsecondsPerFrame: round((best * 1000) / frames, 2),
    timesRealTime: Math.round((seconds * 1000) / best),
  };
});

if (values.json) {
  const cpu = cpus()[0]?.model ?? 'unknown';
  console.log(
    JSON.stringify({ node: process.version, cpu, audioSeconds: seconds, runs, results }, undefined, 2),
  );
} else {
  console.log(`${seconds} s of audio, best of ${runs} runs, one core, Node ${process.version}\n`);
  const width = Math.max(...results.map(({ name }) => name.length));
  console.log(
    `${'front end'.padEnd(width)}  ${'frames'.padStart(7)}  ${'ms'.padStart(9)}  us/frame  x real time`,
  );
  for (const { name, frames, milliseconds, microsecondsPerFrame, timesRealTime } of results) {
    const columns = [
      name.padEnd(width),
      String(frames).padStart(7),
      milliseconds.toFixed(2).padStart(9),
      microsecondsPerFrame.toFixed(2).padStart(8),
      String(timesRealTime).padStart(11),
    ];
    console.log(columns.join('  '));
  }
}

function positive(name) {
  const value = Number(values[name]);
  if (value > 0 && value < 1e5) return value;
  console.error(`--${name} must be a number over 0`);
  return process.exit(2);
}
