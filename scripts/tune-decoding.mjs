// Which beam width and which weights of a language model a CTC package should have, on recordings with transcripts.
//   node scripts/tune-decoding.mjs --model DIR --manifest FILE [--split NAME] [--lm FILE ... --unit character|jamo|word]
//     [--beams 8,16,32] [--alphas 0.3,0.5] [--betas 0,0.5] [--limit N] [--json]
// Runs the built code of dist/. Audio goes the way of the service (pauses, features, encoder) once; what the encoder
// gave is then decoded with every combination. The weights are chosen on every other speaker (the 1st, 3rd ... by
// name) by CER without spaces, and reported on the rest, which had no part in the choice. Where lines name no speakers
// the lines themselves take turns. Decoding is timed as processor time of this thread by audio time.
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const dist = new URL('../dist/', import.meta.url);
if (!existsSync(new URL('decoding/index.js', dist))) {
  console.error('dist is missing: run `npm run build` first.');
  process.exit(1);
}
const load = (path) => import(new URL(path, dist));
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'models/malgwi-ko' },
    manifest: { type: 'string' },
    split: { type: 'string' },
    limit: { type: 'string' },
    lm: { type: 'string', multiple: true },
    unit: { type: 'string', default: 'character' },
    beams: { type: 'string', default: '16,32' },
    alphas: { type: 'string', default: '0.2,0.3,0.4,0.5,0.6' },
    betas: { type: 'string', default: '0,0.5,1' },
    json: { type: 'boolean', default: false },
  },
});
if (values.manifest === undefined) {
  console.error('Which recordings? --manifest FILE (docs/guides/measuring-accuracy.md)');
  process.exit(2);
}

const { addCounts, NO_EDITS, NORMALIZER_VERSION, scoreCharacters } = await load('korean/scoring.js');
const { createCtcDecoder } = await load('decoding/index.js');
const list = (text) => text.split(',').map(Number);

const started = performance.now();
const { model, table, utterances, seconds } = await encode();
const encoded = (performance.now() - started) / 1000;
const languageModels = await openLanguageModels();

const rows = [];
measure({ method: 'greedy' });
for (const beamWidth of list(values.beams)) {
  measure({ method: 'beam', beamWidth });
  for (const [lm, languageModel] of languageModels)
    for (const alpha of list(values.alphas))
      for (const beta of list(values.betas))
        measure({ method: 'beam', beamWidth, lm, alpha, beta }, { ...languageModel, alpha, beta });
}
const best = rows.reduce((a, b) => (b.tuned.cerNoSpaces < a.tuned.cerNoSpaces ? b : a));
const summary = { normalizer: NORMALIZER_VERSION, audioSeconds: seconds, encodingSeconds: encoded };
if (values.json) console.log(JSON.stringify({ ...summary, rows, best }, null, 2));
else {
  console.error(
    `${seconds.toFixed(0)} s of speech, encoded in ${encoded.toFixed(0)} s; ${NORMALIZER_VERSION}`,
  );
  console.log(`best on the speakers tuned on: ${describe(best)}`);
}

/** Everything up to the decoder, once: `{reference, half, pieces: LogProbs[]}` of each line. */
async function encode() {
  const { readManifest } = await load('cli/evaluation/manifest.js');
  const { openAudioFile } = await load('audio/index.js');
  const { OnnxCtcRuntime, readPackage } = await load('models/index.js');
  const { DEFAULT_ENDPOINT, segmentAudio, SileroVad } = await load('vad/index.js');
  const { createFrontEnd } = await load('features/index.js');
  const { parseTokens } = await load('decoding/index.js');
  const { readFile } = await import('node:fs/promises');
  const model = await readPackage(resolve(values.model));
  const { manifest } = model;
  if (manifest.family !== 'ctc') throw new Error('Only CTC packages have log-probabilities to decode again.');
  const text = await readFile(join(model.directory, manifest.tokens.file), 'utf8');
  const table = parseTokens(text, manifest.tokens);
  const limit = values.limit === undefined ? {} : { limit: Number(values.limit) };
  const items = await readManifest(values.manifest, { ...limit, split: values.split });
  const names = [
    ...new Set(items.map((item, index) => item.speaker ?? String(index).padStart(9, '0'))),
  ].sort();
  const runtime = await OnnxCtcRuntime.load(model);
  const vad = await SileroVad.load();
  const frontEnd = createFrontEnd(manifest.frontEnd);
  const utterances = [];
  let seconds = 0;
  for (const [index, item] of items.entries()) {
    const stream = await openAudioFile(item.path);
    const pieces = [];
    for await (const { samples } of segmentAudio(stream.chunks(), vad.createStream(), DEFAULT_ENDPOINT)) {
      const [logProbs] = await runtime.run([frontEnd.extract(samples)]);
      pieces.push(logProbs);
      seconds += samples.length / 16_000;
    }
    await stream.close();
    const speaker = item.speaker ?? String(index).padStart(9, '0');
    utterances.push({ reference: item.text, tuned: names.indexOf(speaker) % 2 === 0, pieces });
  }
  await runtime.close();
  return { model, table, utterances, seconds };
}

/** Those of --lm, else the package's own: name and model of each. */
async function openLanguageModels() {
  const { openLanguageModel } = await load('recognition/families/language-model.js');
  if (values.lm === undefined) {
    const own = await openLanguageModel(model);
    return own === undefined ? [] : [[model.manifest.languageModel.file, own.languageModel]];
  }
  const opened = values.lm.map(async (path) => {
    const file = basename(path);
    const format = file.endsWith('.arpa') ? 'arpa' : 'kenlm';
    const manifest = { languageModel: { file, format, unit: values.unit } };
    return [file, (await openLanguageModel({ directory: dirname(resolve(path)), manifest })).languageModel];
  });
  return Promise.all(opened);
}

function measure({ method, beamWidth, lm, alpha, beta }, languageModel) {
  const config = { ...model.manifest.decoder, method, ...(beamWidth === undefined ? {} : { beamWidth }) };
  const decoder = createCtcDecoder(table, config, languageModel);
  const counts = { tuned: NO_EDITS, reported: NO_EDITS };
  const before = process.cpuUsage();
  const texts = utterances.map(({ pieces }) =>
    pieces
      .map((piece) => decoder.decode(piece)[0].text)
      .filter(Boolean)
      .join(' '),
  );
  const { user, system } = process.cpuUsage(before);
  utterances.forEach(({ reference, tuned }, i) => {
    const half = tuned ? 'tuned' : 'reported';
    counts[half] = addCounts(counts[half], scoreCharacters(reference, texts[i], { spaces: false }));
  });
  const row = {
    method,
    beamWidth,
    lm,
    alpha,
    beta,
    tuned: figures(counts.tuned),
    reported: figures(counts.reported),
    all: figures(addCounts(counts.tuned, counts.reported)),
    realTimeFactor: (user + system) / 1e6 / seconds,
  };
  rows.push(row);
  if (!values.json) console.log(describe(row));
}

function figures({ substitutions, deletions, insertions, referenceLength }) {
  const edits = substitutions + deletions + insertions;
  return {
    cerNoSpaces: edits / referenceLength,
    edits,
    insertions,
    deletions,
    referenceCharacters: referenceLength,
  };
}

function describe({ method, beamWidth, lm, alpha, beta, tuned, reported, all, realTimeFactor }) {
  const show = ({ cerNoSpaces, edits, referenceCharacters }) =>
    `${(100 * cerNoSpaces).toFixed(2)} % (${edits}/${referenceCharacters})`;
  const name = [method, beamWidth, lm, alpha === undefined ? '' : `alpha ${alpha} beta ${beta}`]
    .filter(Boolean)
    .join(' ');
  const cost = `${(1 / realTimeFactor).toFixed(0)}x real time`;
  return `${name}: tuned on ${show(tuned)}, others ${show(reported)}, all ${show(all)}, decoding ${cost}`;
}
