// Fits the logistic function that turns evidence into a confidence (src/intents/interpret/confidence.ts) and prints the
// expected calibration error (ten bins) of every set before and after. Fitted on rows that no rule was written for:
// generated commands with the confusions of a recogniser put into them, what a recogniser made of spoken rows
// (asr-dev.json), and, where files of plain text are named, their lines, of which next to none is a command to a
// seat system. Needs a build. Run: node scripts/calibrate-intents.mjs [TEXT.txt.gz ...]
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parseIntent } from '../dist/intents/index.js';
import { SCALE, SHIFT } from '../dist/intents/interpret/confidence.js';
import { generate } from '../test/intents/generate.mjs';

const LINES_PER_FILE = 8000;
const CONFUSED_SHARE = 0.07;
const TALK = new Set(['confirm', 'deny']);

/** mulberry32 */
function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// Positions within the Unicode order of initials, medials and finals.
const INITIALS = [[0, 15], [3, 16], [7, 17], [9, 10], [2, 3], [12, 14], [5, 2], [0, 11], [18, 11]]; // prettier-ignore
const MEDIALS = [[1, 5], [4, 8], [8, 13], [18, 4], [0, 4], [18, 13], [20, 19], [6, 4], [12, 17], [14, 4]]; // prettier-ignore
const FINALS = [[4, 21], [1, 21], [17, 16], [8, 0], [4, 16], [21, 0], [1, 0], [19, 7]]; // prettier-ignore
const swapped = (pairs, value, next) => {
  const fits = pairs.filter((pair) => pair.includes(value));
  if (fits.length === 0) return value;
  const [a, b] = fits[Math.floor(next() * fits.length)];
  return value === a ? b : a;
};
function confuse(text, next) {
  const out = [...text].map((char) => {
    const code = char.charCodeAt(0) - 0xac00;
    if (code < 0 || code >= 11172 || next() > CONFUSED_SHARE) return char;
    let [initial, medial, final] = [Math.floor(code / 588), Math.floor(code / 28) % 21, code % 28];
    const part = next();
    if (part < 0.3) initial = swapped(INITIALS, initial, next);
    else if (part < 0.7) medial = swapped(MEDIALS, medial, next);
    else final = swapped(FINALS, final, next);
    return String.fromCharCode(0xac00 + initial * 588 + medial * 28 + final);
  });
  return out.filter((char) => char !== ' ' || next() > 0.1).join('');
}

const read = (name) =>
  JSON.parse(readFileSync(new URL(`../test/intents/${name}.json`, import.meta.url), 'utf8')).utterances;
/** What was believed most, and whether it was right; rows in which nothing was seen at all are no evidence. */
const observe = (rows) =>
  rows.flatMap(({ text, intent, accept = [], tags = [] }) => {
    const pending = tags.includes('contextual') ? { intent: 'reserve', slots: { seat: '3' } } : undefined;
    const best = parseIntent(text, { rejectBelow: 0, ...(pending === undefined ? {} : { pending }) });
    if (best.intent === 'none') return [];
    const right = [intent, ...accept.map((label) => label.intent ?? label)].includes(best.intent);
    const p = Math.min(1 - 1e-9, Math.max(1e-9, best.confidence));
    return [{ evidence: (Math.log(p / (1 - p)) - SHIFT) / SCALE, right: right ? 1 : 0, intent: best.intent }];
  });

const next = random(20261125);
const noisy = generate(2500, 4711).map((row) => ({ ...row, text: confuse(row.text, next) }));
const texts = process.argv.slice(2).flatMap((file) => {
  const bytes = readFileSync(file);
  const lines = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n');
  const fit = lines.map((line) => line.replace(/[.?!,~]+/g, ' ').trim()).filter((line) => line.length > 2 && line.length <= 60); // prettier-ignore
  return Array.from({ length: Math.min(LINES_PER_FILE, fit.length) }, () => ({
    text: fit[Math.floor(next() * fit.length)],
    intent: 'none',
  }));
});
// 네 and 아니요 are said in public text as well: there they are no mistakes.
const outside = observe(texts).filter(({ intent }) => !TALK.has(intent));
const fitted = {
  'generated, with confusions': observe(noisy),
  'asr-dev.json': observe(read('asr-dev')),
  'public text': outside,
  'look-alikes (dev.json)': observe(read('dev').filter(({ intent }) => intent === 'none')),
};
const shown = { ...fitted };
for (const name of ['dev', 'stranger-dev', 'stranger2-dev'])
  shown[`${name}.json (tuned on)`] = observe(read(name));

const sigmoid = (x) => 1 / (1 + Math.exp(-x));
/** Logistic regression by Newton's method, every set with the same weight. */
function fit(sets) {
  let [a, b] = [1, 0];
  for (let step = 0; step < 60; step++) {
    let [ga, gb, haa, hab, hbb] = [0, 0, 1e-6, 0, 1e-6];
    for (const rows of sets) {
      for (const { evidence, right } of rows) {
        const p = sigmoid(a * evidence + b);
        const w = 1 / rows.length;
        ga += w * (right - p) * evidence;
        gb += w * (right - p);
        haa += w * p * (1 - p) * evidence * evidence;
        hab += w * p * (1 - p) * evidence;
        hbb += w * p * (1 - p);
      }
    }
    const det = haa * hbb - hab * hab;
    a += (hbb * ga - hab * gb) / det;
    b += (haa * gb - hab * ga) / det;
  }
  return [a, b];
}
/** Expected calibration error: how far confidence and share of right answers differ, on average over ten bins. */
function calibrationError(rows, [a, b]) {
  const bins = Array.from({ length: 10 }, () => ({ n: 0, p: 0, right: 0 }));
  for (const { evidence, right } of rows) {
    const p = sigmoid(a * evidence + b);
    const bin = bins[Math.min(9, Math.floor(p * 10))];
    bin.n++;
    bin.p += p;
    bin.right += right;
  }
  return bins.reduce((sum, bin) => sum + Math.abs(bin.p - bin.right), 0) / rows.length;
}

const now = [SCALE, SHIFT];
const sets = Object.values(fitted).filter((rows) => rows.length > 0);
// The error after is that of halves the fit did not see; the constants printed come from all rows.
const half = (rows, odd) => rows.filter((_, index) => index % 2 === odd);
const better = fit(sets);
const crossed = [0, 1].map((odd) => fit(sets.map((rows) => half(rows, odd))));
const percent = (value) => `${(100 * value).toFixed(1)}%`.padStart(7);
console.log('set'.padEnd(30), 'rows'.padStart(6), '  right', ' before', '  after');
for (const [name, rows] of Object.entries(shown)) {
  if (rows.length === 0) continue;
  const unseen = [0, 1].map((odd) => calibrationError(half(rows, 1 - odd), crossed[odd]));
  const after = name in fitted ? (unseen[0] + unseen[1]) / 2 : calibrationError(rows, better);
  const right = rows.reduce((sum, row) => sum + row.right, 0) / rows.length;
  console.log(name.padEnd(30), String(rows.length).padStart(6), percent(right), percent(calibrationError(rows, now)), percent(after)); // prettier-ignore
}
const all = sets.flat();
console.log('all that was fitted on'.padEnd(30), String(all.length).padStart(6), percent(all.reduce((s, r) => s + r.right, 0) / all.length), percent(calibrationError(all, now)), percent((calibrationError(sets.flatMap((r) => half(r, 1)), crossed[0]) + calibrationError(sets.flatMap((r) => half(r, 0)), crossed[1])) / 2)); // prettier-ignore
console.log(`now SCALE = ${SCALE}, SHIFT = ${SHIFT}; fitted SCALE = ${better[0].toFixed(2)}, SHIFT = ${better[1].toFixed(2)}`); // prettier-ignore
