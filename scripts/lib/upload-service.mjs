// The service with jobs and nobody who works on them, for bench-upload.mjs: node scripts/lib/upload-service.mjs DIR
import { buildApp } from '../../dist/app.js';
import { loadConfig } from '../../dist/config.js';
import { openEmbeddedQueue } from '../../dist/jobs/embedded/index.js';
import { Metrics } from '../../dist/metrics/index.js';
import { createRecognizer } from '../../dist/recognition/index.js';
import { openStorage } from '../../dist/storage/index.js';

const config = loadConfig({}, { data: { dir: process.argv[2] } });
const recognizer = await createRecognizer({
  modelsDir: config.models.dir,
  defaultModel: config.models.default,
  workers: 1,
});
const storage = await openStorage(config);
const queue = await openEmbeddedQueue({ dir: config.data.dir });
const metrics = new Metrics();
const app = await buildApp({ config, recognizer, metrics, jobs: { queue, storage }, logger: false });
await app.listen({ host: '127.0.0.1', port: 0 });
console.log(app.server.address().port);
