// Recogniser errors that are real: sentences of test/intents/fixed.json spoken by espeak-ng, recognised by the bundled
// model, labelled by the sentence they came from. Writes test/intents/asr.json.
// Needs a build and espeak-ng. Run: node scripts/make-intent-asr-rows.mjs [COUNT] [fixed|dev]
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRecognizer } from '../dist/recognition/index.js';
import {
  addCounts,
  NO_EDITS,
  NORMALIZER_VERSION,
  rate,
  scoreCharacters,
  toSpoken,
} from '../dist/korean/index.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const count = Number(process.argv[2] ?? 200);
// fixed: reported (asr.json). dev: for tuning (asr-dev.json).
const set = process.argv[3] === 'dev' ? 'dev' : 'fixed';
const { utterances } = JSON.parse(readFileSync(here(`../test/intents/${set}.json`), 'utf8'));
// Every n-th sentence, so that all intents and the out-of-scope ones are met as often as they occur.
const step = Math.max(1, Math.floor(utterances.length / count));
const chosen = utterances.filter((_, index) => index % step === 0).slice(0, count);
const VOICES = ['ko', 'ko+f2', 'ko+m3', 'ko+f4'];
const folder = mkdtempSync(join(tmpdir(), 'malgwi-asr-'));
const recognizer = await createRecognizer({ modelsDir: here('../models'), workers: 1 });
const rows = [];
let edits = NO_EDITS;
try {
  await recognizer.start();
  for (const [index, source] of chosen.entries()) {
    const file = join(folder, `${index}.wav`);
    const voice = VOICES[index % VOICES.length];
    const speed = String(140 + (index % 3) * 20);
    execFileSync('espeak-ng', ['-v', voice, '-s', speed, '-w', file, toSpoken(source.text)]);
    const { segments, text } = await recognizer.transcribeFile(file, { alternatives: 5 });
    const alternatives = segments.length === 1 ? segments[0].alternatives : [];
    edits = addCounts(edits, scoreCharacters(source.text, text, { spaces: false }));
    rows.push({
      id: `asr-${source.id}`,
      text,
      intent: source.intent,
      slots: source.slots,
      tags: [...(source.tags ?? []), 'asr'],
      source: source.text,
      voice: `${voice} ${speed}`,
      ...(alternatives.length > 0 ? { alternatives } : {}),
    });
    if (index % 20 === 19)
      console.error(`${index + 1}/${chosen.length}, CER without spaces ${(100 * rate(edits)).toFixed(1)}%`);
  }
} finally {
  await recognizer.close();
  rmSync(folder, { recursive: true, force: true });
}
const model = JSON.parse(readFileSync(here('../models/malgwi-ko/manifest.json'), 'utf8'));
const note = `Sentences of ${set}.json spoken by espeak-ng and recognised by ${model.name} ${model.version}. CER without spaces ${(100 * rate(edits)).toFixed(1)}% (${NORMALIZER_VERSION}).`;
writeFileSync(
  here(`../test/intents/asr${set === 'dev' ? '-dev' : ''}.json`),
  `{"note": ${JSON.stringify(note)},\n"utterances": [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]}\n`,
);
console.log(note, `${rows.length} rows`);
