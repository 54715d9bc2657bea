/* global require */
// The original engine on one recording: runs under Node 16, where the `stt` package's binding loads.
//   node16 coqui-original.cjs '{"stt":"…/node_modules/stt","model":"m.tflite","pcm":"a.pcm","scorer":null,"beam":500,"runs":3}'
const { readFileSync } = require('node:fs');
const { performance } = require('node:perf_hooks');

const job = JSON.parse(process.argv[2]);
const { Model } = require(job.stt);
const started = performance.now();
const model = new Model(job.model);
const loadSeconds = (performance.now() - started) / 1000;
if (job.scorer) model.enableExternalScorer(job.scorer);
model.setBeamWidth(job.beam);
const pcm = readFileSync(job.pcm);

const runs = [];
let text = '';
// The first run pages the weights in and is not counted.
for (let i = 0; i <= job.runs; i += 1) {
  const cpu = process.cpuUsage();
  const from = performance.now();
  text = model.stt(pcm);
  const seconds = (performance.now() - from) / 1000;
  const used = process.cpuUsage(cpu);
  if (i > 0) runs.push({ seconds, cpuSeconds: (used.user + used.system) / 1e6 });
}
// libstt writes its version to stderr; stdout is for the result alone.
process.stdout.write(JSON.stringify({ loadSeconds, runs, text }));
