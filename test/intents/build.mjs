// Builds fixed.json and dev.json from the hand-written lists beside this script. Run: node test/intents/build.mjs
// Lists: `@intent slot=value ...` opens a group, one utterance a line; `| slot=value` adds slots to one line;
// `#tag ...` sets tags, `#` alone clears them. fixed-none.txt is all `none`.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { generate } from './generate.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const value = (text) => {
  if (text.startsWith('[') || text === 'true') return JSON.parse(text);
  return text;
};
const NUMERIC = new Set(['floor', 'duration_min', 'party_size']);
const slots = (text) =>
  Object.fromEntries(
    text
      .trim()
      .split(/\s+/)
      .filter(Boolean)
      .map((pair) => {
        const [key, ...rest] = pair.split('=');
        const raw = rest.join('=');
        return [key, NUMERIC.has(key) ? Number(raw) : value(raw)];
      }),
  );

function read(name, prefix, first = { intent: 'none', slots: {} }) {
  const out = [];
  let label = first;
  let tags = [];
  for (const line of readFileSync(here(name), 'utf8').split('\n')) {
    if (line.trim() === '' || line.startsWith('# ')) continue;
    if (line.startsWith('#')) tags = line.slice(1).trim().split(/\s+/).filter(Boolean);
    else if (line.startsWith('@')) {
      const [intent, ...rest] = line.slice(1).split(' ');
      label = { intent, slots: slots(rest.join(' ')) };
    } else {
      const [text, more] = line.split(' | ');
      const id = `${prefix}-${String(out.length + 1).padStart(4, '0')}`;
      out.push({
        id,
        text,
        intent: label.intent,
        slots: { ...label.slots, ...slots(more ?? '') },
        ...(tags.length ? { tags } : {}),
      });
    }
  }
  return out;
}

function write(name, note, utterances) {
  writeFileSync(
    here(name),
    `{"note": ${JSON.stringify(note)},\n"utterances": [\n${utterances.map((u) => JSON.stringify(u)).join(',\n')}\n]}\n`,
  );
  console.log(
    name,
    utterances.length,
    'utterances,',
    utterances.filter((u) => u.intent === 'none').length,
    'out of scope',
  );
}

write(
  'fixed.json',
  'Reported, never tuned on. Hand-written before the lexicon; ids gen- from the generator with its own templates.',
  [
    ...read('fixed-a.txt', 'a'),
    ...read('fixed-b.txt', 'b'),
    ...read('fixed-none.txt', 'none'),
    ...generate(120, 20261123),
  ],
);
write('dev.json', 'For tuning.', [...read('dev.txt', 'dev'), ...read('dev-b.txt', 'devb')]);
