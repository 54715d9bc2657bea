// Draws the confusion matrix of fixed.json as confusion.svg beside this script. Needs a build. Run: node test/intents/confusion.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { evaluateIntents, INTENTS } from '../../dist/intents/index.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const { utterances } = JSON.parse(readFileSync(here('fixed.json'), 'utf8'));
const { confusion, intentAccuracy } = evaluateIntents(utterances);
const cell = 30;
const left = 130;
const top = 130;
const size = INTENTS.length * cell;
const parts = [];
INTENTS.forEach((expected, y) => {
  const row = confusion[expected] ?? {};
  const total = Object.values(row).reduce((sum, n) => sum + n, 0);
  parts.push(
    `<text x="${left - 8}" y="${top + y * cell + 20}" text-anchor="end">${expected} (${total})</text>`,
  );
  parts.push(
    `<text transform="translate(${left + y * cell + 19},${top - 8}) rotate(-60)">${expected}</text>`,
  );
  INTENTS.forEach((got, x) => {
    const count = row[got] ?? 0;
    const share = total === 0 ? 0 : count / total;
    const fill =
      count === 0
        ? '#f6f7f9'
        : x === y
          ? `rgba(22,110,80,${0.2 + 0.8 * share})`
          : `rgba(190,40,40,${0.3 + 0.7 * share})`;
    parts.push(
      `<rect x="${left + x * cell}" y="${top + y * cell}" width="${cell - 1}" height="${cell - 1}" fill="${fill}"/>`,
    );
    if (count > 0) {
      parts.push(
        `<text x="${left + x * cell + cell / 2}" y="${top + y * cell + 20}" text-anchor="middle" fill="${share > 0.45 ? '#fff' : '#111'}">${count}</text>`,
      );
    }
  });
});
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + size + 20} ${top + size + 40}" font-family="sans-serif" font-size="12">
<rect width="100%" height="100%" fill="#fff"/>
${parts.join('\n')}
<text x="${left}" y="${top + size + 24}">rows: expected; columns: recognised; ${utterances.length} utterances of fixed.json, intent accuracy ${(100 * intentAccuracy).toFixed(1)}%</text>
</svg>
`;
writeFileSync(here('confusion.svg'), svg);
