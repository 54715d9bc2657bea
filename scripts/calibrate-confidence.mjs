// Fits the calibration of word confidence to a data set: `decoder.confidence` of a model package's manifest.
//   node scripts/calibrate-confidence.mjs MANIFEST.jsonl [--split dev] [--model NAME] [--models-dir DIR]
//        [--beam-width N] [--limit N] [--json]
// MANIFEST is what `malgwi evaluate` takes. Half of the speakers (of the lines, where no speakers are named) are for
// fitting, the other half for the figures. A word is correct where the cheapest alignment of words puts the same word
// opposite, after the scoring normaliser. Runs the built code of dist/.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const dist = new URL('../dist/', import.meta.url);
if (!existsSync(dist)) {
  console.error('dist/ is missing: run `npm run build` first.');
  process.exit(1);
}
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    split: { type: 'string' },
    model: { type: 'string' },
    'models-dir': { type: 'string', default: fileURLToPath(new URL('../models', import.meta.url)) },
    'beam-width': { type: 'string' },
    limit: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
if (positionals.length !== 1) {
  console.error(
    'Usage: node scripts/calibrate-confidence.mjs MANIFEST.jsonl [--split dev] [--model NAME] [--json]',
  );
  process.exit(2);
}
const { calibrated, expectedCalibrationError, fitCalibration, logit } = await import(
  new URL('decoding/confidence.js', dist)
);
const { createRecognizer } = await import(new URL('recognition/index.js', dist));
const { readPackage } = await import(new URL('models/index.js', dist));
const { readManifest } = await import(new URL('cli/evaluation/manifest.js', dist));
const { normalizeForScoring, NORMALIZER_VERSION } = await import(new URL('korean/scoring.js', dist));

const items = await readManifest(positionals[0], {
  ...(values.split === undefined ? {} : { split: values.split }),
  ...(values.limit === undefined ? {} : { limit: Number(values.limit) }),
});
const recognizer = await createRecognizer({
  modelsDir: values['models-dir'],
  defaultModel: values.model,
  workers: 1,
});
await recognizer.start();
const model = recognizer.defaultModel;
const { manifest } = await readPackage(`${values['models-dir']}/${model}`);
const applied = manifest.decoder.confidence;

const speakers = [...new Set(items.map(({ speaker }) => speaker))].sort();
const forFitting = (item, index) =>
  speakers.length > 1 ? speakers.indexOf(item.speaker) % 2 === 0 : index % 2 === 0;
const halves = {
  fit: { raw: [], correct: [], utterances: 0 },
  report: { raw: [], correct: [], utterances: 0 },
};
for (const [index, item] of items.entries()) {
  const beamWidth = values['beam-width'] === undefined ? {} : { beamWidth: Number(values['beam-width']) };
  const { segments } = await recognizer.transcribeFile(item.path, { priority: 'batch', ...beamWidth });
  const words = segments
    .flatMap((segment) => segment.words)
    .flatMap(({ word, confidence }) =>
      normalizeForScoring(word)
        .split(' ')
        .filter(Boolean)
        .map((text) => ({ text, raw: raw(confidence) })),
    );
  const right = aligned(
    words.map(({ text }) => text),
    normalizeForScoring(item.text).split(' ').filter(Boolean),
  );
  const half = forFitting(item, index) ? halves.fit : halves.report;
  half.utterances++;
  words.forEach((word, i) => {
    half.raw.push(word.raw);
    half.correct.push(right[i]);
  });
}
await recognizer.close();
if (halves.fit.raw.length === 0 || halves.report.raw.length === 0) {
  console.error('A half of the set has no words: nothing can be fitted.');
  process.exit(1);
}

const fitted = fitCalibration(halves.fit.raw, halves.fit.correct);
const round = (value, digits = 4) => Number(value.toFixed(digits));
const share = (list) => round(list.filter(Boolean).length / list.length);
const after = halves.report.raw.map((value) => calibrated(value, fitted));
const result = {
  set: values.split ?? 'all',
  model,
  decoding: values['beam-width'] === undefined ? manifest.decoder.method : `beam ${values['beam-width']}`,
  normalizer: NORMALIZER_VERSION,
  fittedOn: {
    utterances: halves.fit.utterances,
    words: halves.fit.raw.length,
    correct: share(halves.fit.correct),
  },
  reportedOn: {
    utterances: halves.report.utterances,
    words: halves.report.raw.length,
    correct: share(halves.report.correct),
  },
  expectedCalibrationError: {
    before: round(expectedCalibrationError(halves.report.raw, halves.report.correct)),
    after: round(expectedCalibrationError(after, halves.report.correct)),
  },
  confidence: { scale: round(fitted.scale), offset: round(fitted.offset) },
};
if (values.json) console.log(JSON.stringify(result, undefined, 2));
else {
  const { fittedOn, reportedOn, expectedCalibrationError: error } = result;
  console.log(`${model}, ${result.decoding}, set ${result.set}, ${NORMALIZER_VERSION}`);
  console.log(
    `fitted on    ${fittedOn.utterances} utterances, ${fittedOn.words} words, ${fittedOn.correct} of them correct`,
  );
  console.log(
    `reported on  ${reportedOn.utterances} utterances, ${reportedOn.words} words, ${reportedOn.correct} of them correct`,
  );
  console.log(`expected calibration error  ${error.before} before, ${error.after} after`);
  console.log(`"confidence": ${JSON.stringify(result.confidence)}`);
}

/** What the decoder gave before the package's own calibration. */
function raw(confidence) {
  if (applied === undefined) return confidence;
  return 1 / (1 + Math.exp(-(logit(confidence) - applied.offset) / applied.scale));
}

/** For each word of the hypothesis whether the same word stands opposite in a cheapest alignment. */
function aligned(hypothesis, reference) {
  const costs = Array.from({ length: hypothesis.length + 1 }, (_, i) =>
    new Int32Array(reference.length + 1).fill(i),
  );
  for (let j = 0; j <= reference.length; j++) costs[0][j] = j;
  for (let i = 1; i <= hypothesis.length; i++) {
    for (let j = 1; j <= reference.length; j++) {
      const same = hypothesis[i - 1] === reference[j - 1] ? 0 : 1;
      costs[i][j] = Math.min(costs[i - 1][j] + 1, costs[i][j - 1] + 1, costs[i - 1][j - 1] + same);
    }
  }
  const right = new Array(hypothesis.length).fill(false);
  let [i, j] = [hypothesis.length, reference.length];
  while (i > 0 && j > 0) {
    if (hypothesis[i - 1] === reference[j - 1]) {
      right[i - 1] = true;
      i--;
      j--;
    } else if (costs[i][j] === costs[i - 1][j - 1] + 1) {
      i--;
      j--;
    } else if (costs[i][j] === costs[i - 1][j] + 1) i--;
    else j--;
  }
  return right;
}
