// Seat sentences end to end: spoken by voices that were never trained on, sent to a running service over HTTP, intent
// and seat judged. Clean, and with noise 10 dB below the voice.
//   node scripts/evaluate-seats.mjs [--half report|development] [--snr 10] [--limit N] [--workers N] [--model NAME]
//        [--models-dir DIR] [--rows] [--json]
// --rows prints the sentences that went wrong: for the half named development. The half named report is for counting;
// whoever reads its rows and changes something for them needs a new one. Needs a build, espeak-ng, and Python for the
// comparison with the sentences of the training.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { AIRPLANE, LIBRARY, parseIntent } from '../dist/intents/index.js';
import {
  addCounts,
  NO_EDITS,
  NORMALIZER_VERSION,
  pronounce,
  rate,
  scoreCharacters,
} from '../dist/korean/index.js';
import { NOISE_NAMES, withNoise } from './lib/degrade.mjs';
import { speak, whyNoSpeech } from './lib/espeak.mjs';
import { seeded } from './lib/random.mjs';
import { manner, seatSentences, VOICES } from './lib/seat-sentences.mjs';
import { ask, startService, transcribe } from './lib/service.mjs';
import { wav } from './lib/wav.mjs';
import { wilson } from './lib/wilson.mjs';

const { values } = parseArgs({
  options: {
    half: { type: 'string', default: 'report' },
    snr: { type: 'string', default: '10' },
    limit: { type: 'string' },
    workers: { type: 'string', default: '2' },
    model: { type: 'string' },
    'models-dir': { type: 'string' },
    rows: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const HALVES = ['report', 'development'];
if (!HALVES.includes(values.half)) {
  console.error(`--half is one of ${HALVES.join(', ')}`);
  process.exit(2);
}
const missing = whyNoSpeech();
if (missing !== undefined) {
  console.error(`${missing}: the sentences cannot be spoken.`);
  process.exit(1);
}
const VENUES = { library: LIBRARY, airplane: AIRPLANE };
const TARGETS = { clean: 0.95, noisy: 0.85 };
const SAMPLED = 300_000;
const PAUSE = new Float32Array(0.4 * 16_000);
const ALTERNATIVES = 5;
const python = (path) => fileURLToPath(new URL(`../python/${path}`, import.meta.url));

const all = seatSentences(values.half).map((sentence, n) => ({ ...sentence, ...manner(sentence, n), n }));
const sentences =
  values.limit === undefined
    ? all
    : all.filter((_, n) => n % Math.ceil(all.length / Number(values.limit)) === 0);

/** Sentences that the training's grammar makes too, and voices that it trains with. */
function overlap() {
  const program = `
import json, random, sys
sys.path.insert(0, sys.argv[1])
from malgwi_train import seats
ours = set(json.load(sys.stdin))
made = set()
for n in range(${SAMPLED}):
    made.add(seats.sentence(random.Random(n)).replace(" ", ""))
print(json.dumps({"made": len(made), "shared": sorted(ours & made)}, ensure_ascii=False))`;
  const texts = HALVES.flatMap((half) => seatSentences(half)).map(({ text }) => text.replaceAll(' ', ''));
  const { made, shared } = JSON.parse(
    execFileSync('python3', ['-c', program, python('')], { input: JSON.stringify(texts), encoding: 'utf8' }),
  );
  const recipe = readFileSync(python('malgwi_train/espeak.py'), 'utf8');
  const trained = /^VARIANTS = \[([^\]]*)\]/m.exec(recipe)[1];
  const voices = VOICES.filter((voice) => trained.includes(`"+${voice}"`));
  return { sentences: texts.length, trainingSentences: made, sharedSentences: shared, trainedVoices: voices };
}

async function spoken(sentence) {
  const samples = await speak(sentence.bySound ? pronounce(sentence.text) : sentence.text, sentence);
  const padded = new Float32Array(samples.length + 2 * PAUSE.length);
  padded.set(samples, PAUSE.length);
  return padded;
}

/** Right where intent and seat are; a seat that nobody named is wrong too. */
function verdict(sentence, { intent, slots }) {
  const seatRight = (slots.seat ?? undefined) === sentence.seat && slots.seats === undefined;
  const intentRight = intent === sentence.intent;
  return { intentRight, seatRight, right: intentRight && seatRight };
}

/** What the service makes of the audio. */
async function hear(url, samples) {
  const heard = await transcribe(url, wav(samples), [
    ['response_format', 'verbose_json'],
    ['alternatives', String(ALTERNATIVES)],
    ['timestamp_granularities[]', 'segment'],
    ['timestamp_granularities[]', 'word'],
  ]);
  const alternatives = heard.segments.length === 1 ? (heard.segments[0].alternatives ?? []) : [];
  const understood = await ask(url, '/v1/intents', {
    text: heard.text,
    words: heard.words,
    ...(alternatives.length > 0 ? { alternatives } : {}),
  });
  return { text: heard.text, intent: understood.intent, slots: understood.slots, alternatives };
}

async function work(url, sentence) {
  const samples = await spoken(sentence);
  const noise = NOISE_NAMES[sentence.n % NOISE_NAMES.length];
  const noisy = withNoise(samples, noise, Number(values.snr), seeded(sentence.n));
  const byText = verdict(sentence, parseIntent(sentence.text, { venue: VENUES[sentence.venue] }));
  const rows = [];
  for (const [condition, audio] of [
    ['clean', samples],
    ['noisy', noisy],
  ]) {
    const heard = await hear(url, audio);
    rows.push({
      ...sentence,
      ...heard,
      said: sentence.text,
      wanted: sentence.intent,
      condition,
      noise,
      ...verdict(sentence, heard),
      byText: byText.right,
    });
  }
  return rows;
}

async function run() {
  const rows = [];
  for (const venue of Object.keys(VENUES)) {
    const service = await startService({
      venue: VENUES[venue],
      model: values.model,
      modelsDir: values['models-dir'],
      workers: values.workers,
    });
    try {
      const queue = sentences.filter((sentence) => sentence.venue === venue);
      const turn = async () => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          rows.push(...(await work(service.url, next)));
          if (rows.length % 100 === 0) console.error(`${rows.length} of ${2 * sentences.length}`);
        }
      };
      await Promise.all(Array.from({ length: Number(values.workers) }, turn));
    } finally {
      await service.close();
    }
  }
  return rows.sort((a, b) => a.n - b.n);
}

const share = (list, test) => {
  const right = list.filter(test).length;
  return { right, of: list.length, share: right / list.length, interval: wilson(right, list.length) };
};
const by = (list, key) =>
  Object.fromEntries(
    [...new Set(list.map(key))].sort().map((name) => [
      name,
      share(
        list.filter((row) => key(row) === name),
        (row) => row.right,
      ),
    ]),
  );

function figures(rows) {
  const wrong = rows.filter((row) => !row.right);
  const edits = rows.reduce(
    (sum, row) => addCounts(sum, scoreCharacters(row.said, row.text, { spaces: false })),
    NO_EDITS,
  );
  const exact = (row) => rate(scoreCharacters(row.said, row.text, { spaces: false })) === 0;
  return {
    both: share(rows, (row) => row.right),
    intent: share(rows, (row) => row.intentRight),
    seat: share(
      rows.filter((row) => row.seat !== undefined),
      (row) => row.seatRight,
    ),
    cerNoSpaces: rate(edits),
    referenceCharacters: edits.referenceLength,
    normalizer: NORMALIZER_VERSION,
    // Why it went wrong: the text as it was written is misunderstood too; it was recognised without an error and yet
    // misunderstood; it was recognised wrongly.
    errors: {
      grammar: wrong.filter((row) => !row.byText).length,
      rightlyHeard: wrong.filter((row) => row.byText && exact(row)).length,
      misheard: wrong.filter((row) => row.byText && !exact(row)).length,
      seatOnly: wrong.filter((row) => row.intentRight).length,
      intentOnly: wrong.filter((row) => row.seatRight).length,
      intentNone: wrong.filter((row) => row.intent === 'none' && row.wanted !== 'none').length,
      acceptedNone: wrong.filter((row) => row.wanted === 'none').length,
    },
    byIntent: by(rows, (row) => row.wanted),
    byVenue: by(rows, (row) => row.venue),
    byVoice: by(rows, (row) => row.voice),
  };
}

const shared = overlap();
const rows = await run();
const noisy = rows.filter((row) => row.condition === 'noisy');
const result = {
  half: values.half,
  snr: Number(values.snr),
  sentences: sentences.length,
  overlap: shared,
  text: share(noisy, (row) => row.byText),
  clean: figures(rows.filter((row) => row.condition === 'clean')),
  noisy: { ...figures(noisy), byNoise: by(noisy, (row) => row.noise) },
};
const percent = (value) => `${(100 * value).toFixed(1)} %`;
const line = ({ right, of, share: part, interval }) =>
  `${String(right).padStart(4)} of ${String(of).padStart(4)}  ${percent(part).padStart(7)}  (${interval.map(percent).join(' to ')})`;
if (values.json) {
  console.log(
    JSON.stringify(
      { ...result, ...(values.rows ? { rows: rows.filter((row) => !row.right) } : {}) },
      undefined,
      2,
    ),
  );
} else {
  console.log(`half ${values.half}, ${sentences.length} sentences`);
  console.log(
    `in common with ${shared.trainingSentences} sentences of the training's grammar: ${shared.sharedSentences.length}; voices that were trained on: ${shared.trainedVoices.length}`,
  );
  console.log(`the text itself, understood      ${line(result.text)}`);
  for (const [name, title] of [
    ['clean', 'clean'],
    ['noisy', `noise at ${values.snr} dB`],
  ]) {
    const part = result[name];
    console.log(`\n${title}: CER without spaces ${percent(part.cerNoSpaces)} of ${part.referenceCharacters}`);
    console.log(`intent and seat  ${line(part.both)}   target ${percent(TARGETS[name])}`);
    console.log(`intent           ${line(part.intent)}`);
    console.log(`seat             ${line(part.seat)}`);
    console.log(
      `errors: ${Object.entries(part.errors)
        .map(([kind, count]) => `${kind} ${count}`)
        .join(', ')}`,
    );
    const groups =
      name === 'clean' ? ['byIntent', 'byVenue', 'byVoice'] : ['byIntent', 'byVenue', 'byVoice', 'byNoise'];
    for (const group of groups)
      console.log(
        `  ${group.slice(2).toLowerCase()}: ${Object.entries(part[group])
          .map(([key, { right, of }]) => `${key} ${right}/${of}`)
          .join(', ')}`,
      );
  }
  if (values.rows)
    for (const row of rows.filter((one) => !one.right))
      console.log(
        `\n${row.id} ${row.condition}${row.condition === 'noisy' ? ` ${row.noise}` : ''} ${row.voice} ${row.rate}\n  said   ${row.said}  [${row.wanted} ${row.seat ?? ''}]${row.byText ? '' : ' (text misunderstood)'}\n  heard  ${row.text}  [${row.intent} ${JSON.stringify(row.slots)}]`,
      );
}
