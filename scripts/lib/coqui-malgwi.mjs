// Malgwi on one recording, through the drop-in for the `stt` package: the counterpart of coqui-original.cjs.
import { readFileSync } from 'node:fs';
import { FreeModel, Model } from '../../dist/coqui-stt/index.js';

const job = JSON.parse(process.argv[2]);
const started = performance.now();
const model = await Model.load(job.model, { threads: 1 });
const loadSeconds = (performance.now() - started) / 1000;
if (job.scorer) await model.enableExternalScorer(job.scorer);
await model.setBeamWidth(job.beam);
const pcm = readFileSync(job.pcm);

const runs = [];
let text = '';
// The first run warms up the compiler and is not counted.
for (let i = 0; i <= job.runs; i += 1) {
  const cpu = process.cpuUsage();
  const from = performance.now();
  text = await model.stt(pcm);
  const seconds = (performance.now() - from) / 1000;
  const used = process.cpuUsage(cpu);
  if (i > 0) runs.push({ seconds, cpuSeconds: (used.user + used.system) / 1e6 });
}
process.stdout.write(JSON.stringify({ loadSeconds, runs, text }));
await FreeModel(model);
