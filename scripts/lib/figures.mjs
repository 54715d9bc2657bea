// The parts of a model's figures: each runs for itself and gives what a manifest says.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildReport } from '../../dist/cli/evaluation/report.js';
import { LiveTranscriber } from '../../dist/cli/evaluation/live.js';
import { readManifest } from '../../dist/cli/evaluation/manifest.js';
import { evaluateItems } from '../../dist/cli/evaluation/run.js';
import { createRecognizer } from '../../dist/recognition/index.js';
import { writeConditions } from './conditions.mjs';
import { readAudio, writeWav } from './wav.mjs';
import { runSuite, summarise } from './robustness.mjs';

/** Started, and closed in every case. */
async function withRecognizer({ modelsDir, model, workers }, use) {
  const recognizer = await createRecognizer({ modelsDir, defaultModel: model, workers });
  try {
    await recognizer.start();
    return await use(recognizer);
  } finally {
    await recognizer.close();
  }
}

const evaluate = (recognizer, items, options = {}) =>
  evaluateItems(recognizer, items, {
    signal: new AbortController().signal,
    onDone: () => undefined,
    ...options,
  });

const rounded = (value) => Math.round(1e4 * value) / 1e4;
/** Counts as a manifest says them. */
function counts({ noSpaces, intervals, utterances }) {
  const edits = noSpaces.substitutions + noSpaces.deletions + noSpaces.insertions;
  const { referenceCharacters } = noSpaces;
  const interval = intervals?.cerNoSpaces;
  return {
    cerNoSpaces: rounded(edits / Math.max(1, referenceCharacters)),
    edits,
    referenceCharacters,
    utterances,
    ...(interval == null ? {} : { interval: interval.map(rounded) }),
  };
}
const parts = (by) =>
  Object.fromEntries(
    Object.entries(by).flatMap(([field, groups]) =>
      Object.entries(groups).map(([name, figures]) => [`${field} ${name}`, counts(figures)]),
    ),
  );

/** The fields that the lines have. */
const known = (lines, names) =>
  names.filter((name) => name === 'duration' || lines.some((line) => line.fields[name] !== undefined));

/**
 * Error rates under each condition, the clean one by corpus, speaker and duration.
 * @returns `metrics` of a manifest
 */
export async function measureConditions(target, { manifest, split, set, decoding, limit, every }, progress) {
  const items = await readManifest(manifest, { split, limit });
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-conditions-'));
  try {
    progress('clean');
    const scored = await withRecognizer({ ...target, workers: 1 }, (recognizer) =>
      evaluate(recognizer, items),
    );
    const by = known(items, ['corpus', 'speaker', 'duration']);
    const clean = buildReport(scored, { model: '', wallSeconds: 0, by });
    const row = { set, normalizer: clean.normalizer, decoding };
    const rows = [{ ...row, condition: 'clean', ...counts(clean), bySubset: parts(clean.by) }];
    const fewer = items.filter((_, n) => n % every === 0);
    progress('live');
    const live = await withRecognizer(target, (recognizer) => {
      const streams = new LiveTranscriber(recognizer, { signal: new AbortController().signal });
      return evaluate(recognizer, fewer, { transcribe: (path) => streams.transcribe(path) });
    });
    const spoken = buildReport(live, { model: '', wallSeconds: 0, by: known(items, ['corpus']) });
    rows.push({ ...row, condition: 'live', ...counts(spoken), bySubset: parts(spoken.by) });
    progress('the other conditions');
    const names = ['noise 20 dB', 'noise 10 dB', 'noise 5 dB', 'noise 0 dB', 'telephone', 'far field'];
    const worse = await readManifest(await writeConditions(fewer, folder, names));
    progress('recognised');
    const heard = await withRecognizer(target, (recognizer) => evaluate(recognizer, worse));
    for (const condition of names) {
      const own = heard.filter((utterance) => utterance.fields.condition === condition);
      const by = condition.startsWith('noise') ? ['corpus', 'noise'] : ['corpus'];
      const figures = buildReport(own, { model: '', wallSeconds: 0, by: known(own, by) });
      rows.push({ ...row, condition, ...counts(figures), bySubset: parts(figures.by) });
    }
    return rows;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const SPEED_SECONDS = 600;
const PAUSE_SECONDS = 0.5;

/** The recordings one after the other, up to so many seconds. */
async function joined(items, seconds) {
  const samples = new Float32Array(seconds * 16_000);
  let at = 0;
  for (const { path } of items) {
    const next = await readAudio(path);
    if (at + next.length > samples.length) break;
    samples.set(next, at);
    at += next.length + PAUSE_SECONDS * 16_000;
  }
  return samples.subarray(0, Math.min(at, samples.length));
}

/**
 * What one worker needs for a long recording, as a file and live, from its bytes to the text: processor time, so that
 * other programs matter less.
 * @returns `measurements.speed` of a manifest
 */
export async function measureSpeed(target, { manifest, split }) {
  const items = await readManifest(manifest, { split });
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-speed-'));
  try {
    const [long, warm] = [join(folder, 'long.wav'), join(folder, 'warm.wav')];
    await writeWav(long, await joined(items, SPEED_SECONDS));
    await writeWav(warm, await joined(items, 60));
    return await withRecognizer({ ...target, workers: 1 }, async (recognizer) => {
      await recognizer.transcribeFile(warm);
      const before = process.cpuUsage();
      const { duration } = await recognizer.transcribeFile(long);
      const factor = (cpu, seconds) => rounded((cpu.user + cpu.system) / 1e6 / Math.max(1, seconds));
      const file = factor(process.cpuUsage(before), duration);
      const streams = new LiveTranscriber(recognizer, { signal: new AbortController().signal });
      await streams.transcribe(warm);
      const begun = process.cpuUsage();
      const spoken = await streams.transcribe(long);
      const live = factor(process.cpuUsage(begun), spoken.duration);
      const audioSeconds = Math.round(duration);
      return [
        { kind: 'file', realTimeFactor: file, audioSeconds },
        { kind: 'live', realTimeFactor: live, audioSeconds },
      ];
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The published suite of sounds. */
export async function measureSounds(target) {
  const { rows } = await withRecognizer({ ...target, workers: 1 }, (recognizer) => runSuite(recognizer));
  return summarise(rows).map(({ kind, sounds, seconds, offline, live }) => ({
    kind,
    sounds,
    seconds: Math.round(seconds),
    syllablesPerMinute: Math.round(10 * offline) / 10,
    liveSyllablesPerMinute: Math.round(10 * live) / 10,
  }));
}
