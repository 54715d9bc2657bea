// What the recogniser writes where nobody speaks Korean: the published suite of generated sounds, as files and live.
//   node scripts/robustness.mjs [--model NAME] [--models-dir DIR] [--json]
// Exit code 1 where a class is above its limit. Needs a build; without espeak-ng other languages are left out.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createRecognizer } from '../dist/recognition/index.js';
import { runSuite, summarise } from './lib/robustness.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    'models-dir': { type: 'string', default: fileURLToPath(new URL('../models', import.meta.url)) },
    json: { type: 'boolean', default: false },
  },
});
const recognizer = await createRecognizer({
  modelsDir: values['models-dir'],
  defaultModel: values.model,
  workers: 1,
});
let result;
try {
  await recognizer.start();
  const { rows, skipped } = await runSuite(recognizer);
  const { name, version } = recognizer.models().find(({ isDefault }) => isDefault);
  result = { model: name, version, classes: summarise(rows), skipped, rows };
} finally {
  await recognizer.close();
}
const ok = result.classes.every((kind) => kind.ok);
if (values.json) console.log(JSON.stringify({ ok, ...result }, undefined, 2));
else {
  console.log(`${result.model} ${result.version}, syllables a minute\n`);
  console.log('class            sounds  seconds  as a file   live  limit');
  for (const { kind, sounds, seconds, offline, live, limit, ok: fine } of result.classes)
    console.log(
      `${kind.padEnd(16)} ${String(sounds).padStart(6)} ${seconds.toFixed(0).padStart(8)} ${offline.toFixed(1).padStart(10)} ${live.toFixed(1).padStart(6)} ${String(limit).padStart(6)}${fine ? '' : '  TOO MANY'}`,
    );
  for (const { kind, reason } of result.skipped) console.log(`${kind.padEnd(16)} left out: ${reason}`);
  for (const { name, offline, live } of result.rows)
    if (offline !== '' || live !== '')
      console.log(`\n${name}\n  as a file  ${offline}\n  live       ${live}`);
}
if (!ok) process.exitCode = 1;
