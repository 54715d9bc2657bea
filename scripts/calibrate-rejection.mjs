// Chooses `decoder.rejection` of a model package: how improbable a text, and how weak a short one, is taken for speech.
//   node scripts/calibrate-rejection.mjs MANIFEST.jsonl [--split dev] [--package models/malgwi-ko] [--limit N] [--write]
// What real speech may lose is bounded, clean and with noise at 10 dB; within that the strictest thresholds are taken.
// The sounds are those of lib/sounds/tuning.mjs, which are not in the published suite. Needs a build and espeak-ng.
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readManifest } from '../dist/cli/evaluation/manifest.js';
import { addCounts, NO_EDITS, rate, scoreCharacters } from '../dist/korean/index.js';
import { readPackage } from '../dist/models/index.js';
import { RecognitionEngine } from '../dist/recognition/engine.js';
import { DEFAULT_ENDPOINT } from '../dist/vad/endpointer.js';
import { segmentAudio } from '../dist/vad/segmenter.js';
import { SileroVad } from '../dist/vad/silero.js';
import { NOISE_NAMES, withNoise } from './lib/degrade.mjs';
import { seeded, seedOf } from './lib/random.mjs';
import { otherLanguages, shortAnswers, sounds } from './lib/sounds/tuning.mjs';
import { readAudio } from './lib/wav.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string' },
    package: { type: 'string', default: fileURLToPath(new URL('../models/malgwi-ko', import.meta.url)) },
    limit: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) {
  console.error('Usage: node scripts/calibrate-rejection.mjs MANIFEST.jsonl [--split dev] [--write]');
  process.exit(2);
}
/** What real speech may lose: a share of CER, and of right short answers nothing. */
const MAX_RISE = { clean: 0.001, noisy: 0.007 };
const MAX_LOST_ANSWERS = 0.02;
const FROM_SYLLABLES = 8;
const TO_SYLLABLES = 2;
const LANGUAGE = [-6, -5.5, -5.2, -5, -4.9, -4.8, -4.7, -4.6, -4.5, -4.4, -4.3, -4.2, -4.1, -4, -3.8, -3.6];
const EVIDENCE = [0.1, 0.15, 0.2, 0.24, 0.28, 0.3, 0.32, 0.34, 0.36, 0.38, 0.4, 0.45, 0.5];

const model = await readPackage(values.package);
// Scores are wanted, and nothing rejected.
const { decoder } = model.manifest;
const engine = await RecognitionEngine.load({
  ...model,
  manifest: { ...model.manifest, decoder: { ...decoder, rejection: { minLanguageLogProb: -100 } } },
});
const vad = await SileroVad.load();
const syllables = (text) => [...text.matchAll(/[가-힣]/g)].length;

async function hear(samples) {
  const chunks = (async function* () {
    yield samples;
  })();
  const segments = [];
  for await (const { samples: piece, meanProbability } of segmentAudio(
    chunks,
    vad.createStream(),
    DEFAULT_ENDPOINT,
  )) {
    const best = (await engine.recognize(piece)).hypotheses[0];
    if (best.text === '') continue;
    const { text, languageLogProb = 0, confidence } = best;
    segments.push({ text, language: languageLogProb, evidence: confidence * meanProbability });
  }
  return segments;
}
const kept = (segments, { language = -100, evidence = 0 }) =>
  segments.filter(({ text, ...score }) => {
    const length = syllables(text);
    if (length >= FROM_SYLLABLES && score.language < language) return false;
    return !(length <= TO_SYLLABLES && score.evidence < evidence);
  });
const textOf = (segments) => segments.map(({ text }) => text).join(' ');

const items = await readManifest(positionals[0], {
  ...(values.split === undefined ? {} : { split: values.split }),
  ...(values.limit === undefined ? {} : { limit: Number(values.limit) }),
});
const real = { clean: [], noisy: [] };
for (const [n, { path, text, audio }] of items.entries()) {
  const samples = await readAudio(path);
  real.clean.push({ text, segments: await hear(samples) });
  const random = seeded(seedOf(audio));
  real.noisy.push({
    text,
    segments: await hear(withNoise(samples, NOISE_NAMES[n % NOISE_NAMES.length], 10, random)),
  });
}
const languages = [];
for await (const samples of otherLanguages()) languages.push(await hear(samples));
const noises = [];
for (const samples of sounds()) noises.push(await hear(samples));
const answers = [];
for await (const { text, samples } of shortAnswers()) {
  const segments = await hear(samples);
  if (textOf(segments).replaceAll(' ', '') === text) answers.push(segments);
}

const cer = (set, thresholds) =>
  rate(
    set.reduce(
      (sum, { text, segments }) =>
        addCounts(sum, scoreCharacters(text, textOf(kept(segments, thresholds)), { spaces: false })),
      NO_EDITS,
    ),
  );
const written = (set, thresholds) =>
  set.reduce((sum, segments) => sum + syllables(textOf(kept(segments, thresholds))), 0);
const percent = (value) => `${(100 * value).toFixed(2)} %`;
const [cleanCer, noisyCer] = [cer(real.clean, {}), cer(real.noisy, {})];
console.log(
  `${model.manifest.name} ${model.manifest.version}, ${items.length} utterances; CER ${percent(cleanCer)}, with noise ${percent(noisyCer)}`,
);
let chosenLanguage;
console.log('\nleast log-probability  rise of CER  with noise  other languages kept');
if (model.manifest.languageModel !== undefined)
  for (const language of LANGUAGE) {
    const rises = [cer(real.clean, { language }) - cleanCer, cer(real.noisy, { language }) - noisyCer];
    const share = written(languages, { language }) / Math.max(1, written(languages, {}));
    console.log(
      `${language.toFixed(1).padStart(21)} ${percent(rises[0]).padStart(12)} ${percent(rises[1]).padStart(11)} ${percent(share).padStart(21)}`,
    );
    if (rises[0] <= MAX_RISE.clean && rises[1] <= MAX_RISE.noisy) chosenLanguage = language;
  }
let chosenEvidence;
console.log(
  `\nleast evidence  right answers lost (of ${answers.length})  syllables of music and knocks kept`,
);
for (const evidence of EVIDENCE) {
  const lost = answers.filter((segments) => kept(segments, { evidence }).length === 0).length;
  console.log(
    `${evidence.toFixed(2).padStart(14)} ${String(lost).padStart(24)} ${String(written(noises, { evidence })).padStart(20)} of ${written(noises, {})}`,
  );
  if (lost / Math.max(1, answers.length) <= MAX_LOST_ANSWERS) chosenEvidence = evidence;
}
const rejection = {
  ...(chosenLanguage === undefined ? {} : { minLanguageLogProb: chosenLanguage }),
  ...(chosenEvidence === undefined ? {} : { minEvidence: chosenEvidence }),
};
console.log(`\n"rejection": ${JSON.stringify(rejection)}`);
if (values.write) {
  const path = `${values.package}/manifest.json`;
  const manifest = JSON.parse(await readFile(path, 'utf8'));
  manifest.decoder.rejection = rejection;
  await writeFile(path, `${JSON.stringify(manifest, undefined, 2)}\n`);
}
process.exit();
