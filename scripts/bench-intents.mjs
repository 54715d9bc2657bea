// Times parseIntent on the utterances of test/intents/fixed.json, on 40-syllable input and on hostile input.
// CPU time of the whole process (garbage collection and JIT included), which a busy machine does not distort, and wall
// time, which it does. Needs a build (npm run build). Run: node scripts/bench-intents.mjs
import { readFileSync } from 'node:fs';

const started = performance.now();
const { parseIntent } = await import('../dist/intents/index.js');
console.log(`loading: ${(performance.now() - started).toFixed(0)} ms`);
const { utterances } = JSON.parse(
  readFileSync(new URL('../test/intents/fixed.json', import.meta.url), 'utf8'),
);
const texts = utterances.map(({ text }) => text);
const long = texts.map((text, i) => {
  let out = text;
  for (let j = 1; out.replaceAll(' ', '').length < 40; j++) out += ` ${texts[(i * 7 + j) % texts.length]}`;
  let syllables = 0;
  let cut = 0;
  while (syllables < 40 && cut < out.length) if (out[cut++] !== ' ') syllables++;
  return out.slice(0, cut);
});
const hostile = Array.from({ length: 400 }, (_, i) => {
  const length = [40, 80, 120, 200][i % 4];
  const pool = [
    '이',
    '일이',
    '예약',
    '뷁',
    '에이',
    '아',
    '삼십',
    '해주',
    '가나다라',
    '쒧뗇',
    '예냑',
    '3',
    'A',
    ' ',
  ];
  let out = '';
  let state = i * 2654435761;
  while (out.length < length) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out +=
      i % 3 === 0
        ? pool[i % pool.length]
        : i % 3 === 1
          ? pool[state % pool.length]
          : String.fromCharCode(0xac00 + (state % 11172));
  }
  return out.slice(0, length);
});
function time(name, list, rounds) {
  const times = [];
  const walls = [];
  for (let round = 0; round < rounds; round++) {
    for (const text of list) {
      const wall = performance.now();
      const before = process.cpuUsage();
      parseIntent(text);
      const used = process.cpuUsage(before);
      walls.push(performance.now() - wall);
      times.push((used.user + used.system) / 1000);
    }
  }
  times.sort((a, b) => a - b);
  walls.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(2);
  console.log(
    `${name}: median ${at(0.5)} ms, p99 ${at(0.99)} ms, worst ${times.at(-1).toFixed(1)} ms of CPU (wall: median ${walls[walls.length >> 1].toFixed(2)} ms, worst ${walls.at(-1).toFixed(1)} ms; ${times.length} parses)`,
  );
}
for (const text of texts) parseIntent(text);
time('fixed set', texts, 3);
time('40 syllables', long, 3);
time('hostile, up to 200 characters', hostile, 3);
