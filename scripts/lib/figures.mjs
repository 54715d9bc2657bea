// The parts of a model's figures: each runs for itself and gives what a manifest says.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildReport } from '../../dist/cli/evaluation/report.js';
import { readManifest } from '../../dist/cli/evaluation/manifest.js';
import { evaluateItems } from '../../dist/cli/evaluation/run.js';
import { createRecognizer } from '../../dist/recognition/index.js';
import { writeConditions } from './conditions.mjs';
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

const evaluate = (recognizer, items, onDone = () => undefined) =>
  evaluateItems(recognizer, items, { signal: new AbortController().signal, onDone });

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
 * Error rates under each condition, the clean one by corpus, speaker and duration, and what recognition costs on one core.
 * @returns `{rows, speed}` of a manifest
 */
export async function measureConditions(target, { manifest, split, set, decoding, limit }, progress) {
  const items = await readManifest(manifest, { split, limit });
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-conditions-'));
  try {
    progress('clean, one worker');
    const { scored, cpuSeconds } = await withRecognizer({ ...target, workers: 1 }, async (recognizer) => {
      // What is loaded at the first utterance is not its cost.
      await evaluate(recognizer, items.slice(0, 2));
      const before = process.cpuUsage();
      const done = await evaluate(recognizer, items);
      const spent = process.cpuUsage(before);
      return { scored: done, cpuSeconds: (spent.user + spent.system) / 1e6 };
    });
    const by = known(items, ['corpus', 'speaker', 'duration']);
    const clean = buildReport(scored, { model: '', wallSeconds: 0, by });
    const row = { set, normalizer: clean.normalizer, decoding };
    const rows = [{ ...row, condition: 'clean', ...counts(clean), bySubset: parts(clean.by) }];
    progress('the other conditions');
    const names = ['noise 20 dB', 'noise 10 dB', 'noise 5 dB', 'noise 0 dB', 'telephone', 'far field'];
    const worse = await readManifest(await writeConditions(items, folder, names));
    progress('recognised');
    const heard = await withRecognizer(target, (recognizer) => evaluate(recognizer, worse));
    for (const condition of names) {
      const own = heard.filter((utterance) => utterance.fields.condition === condition);
      const by = condition.startsWith('noise') ? ['corpus', 'noise'] : ['corpus'];
      const figures = buildReport(own, { model: '', wallSeconds: 0, by: known(own, by) });
      rows.push({ ...row, condition, ...counts(figures), bySubset: parts(figures.by) });
    }
    const speed = {
      kind: 'file',
      realTimeFactor: rounded(cpuSeconds / Math.max(1, clean.audioSeconds)),
      audioSeconds: Math.round(clean.audioSeconds),
    };
    return { rows, speed: [speed] };
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
