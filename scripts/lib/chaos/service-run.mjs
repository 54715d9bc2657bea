/** A chaos run of the real thing: `malgwi serve`, `malgwi worker`, recordings over HTTP, webhooks. */
import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../redis-server.mjs';
import { Process } from './process.mjs';
import { openReceiver } from './receiver.mjs';

const MALGWI = fileURLToPath(new URL('../../../bin/malgwi.js', import.meta.url));
const AUDIO = fileURLToPath(new URL('../../../test-audio/', import.meta.url));
const FILES = ['greeting.wav', 'return-27.wav', 'reserve-a3.wav', 'list-available.flac', 'status.webm'];
const ENDED = ['completed', 'failed', 'cancelled'];

/** As {@link queueRun}. */
export async function serviceRun({ folder, redis, jobs, workers }) {
  const data = join(folder, 'data');
  const temporary = join(folder, 'tmp');
  await Promise.all([mkdir(data), mkdir(temporary)]);
  const receiver = await openReceiver();
  const env = {
    MALGWI_DATA_DIR: data,
    MALGWI_UPLOAD_DIR: temporary,
    TMPDIR: temporary,
    MALGWI_WORKERS: '1',
    MALGWI_LOG_LEVEL: 'warn',
    MALGWI_WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
    MALGWI_ALLOW_PRIVATE_ADDRESSES: '127.0.0.1',
    ...(redis ? { REDIS_URL: redis.url, MALGWI_REDIS_LEASE_MS: '5000' } : {}),
  };
  const process = async (name, command) => {
    const port = await freePort();
    const args = [MALGWI, command, '--port', String(port)];
    return Object.assign(new Process({ name, args, env, log: join(folder, `${name}.log`) }), {
      url: `http://127.0.0.1:${port}`,
    });
  };
  const server = await process('server', 'serve');
  const services = [server];
  for (let i = 1; redis && i <= workers; i++) services.push(await process(`worker-${i}`, 'worker'));

  const audio = await Promise.all(
    FILES.map(async (name) => ({ name, bytes: await readFile(join(AUDIO, name)) })),
  );
  const client = new Client(server.url, receiver.url);
  const expected = [];
  const ids = [];
  const results = join(data, 'objects', 'results');

  return {
    services,
    async start() {
      await Promise.all(services.map((service) => service.start()));
      await Promise.all(services.map(ready));
      // What nothing disturbs.
      for (const one of audio) {
        const id = await client.submit(one, `undisturbed ${one.name}`);
        while (!ENDED.includes((await client.get(`/v1/jobs/${id}`)).state)) await sleep(100);
        expected.push(await client.result(id));
        await client.get(`/v1/jobs/${id}`, 'DELETE');
      }
      const submitAll = async () => {
        for (let i = 0; i < jobs; i++) ids.push(await client.submit(audio[i % audio.length], `job${i}`));
      };
      this.submitting = submitAll();
      this.submitting.catch(() => undefined);
    },
    /** Results lie in the storage, whoever is away. */
    progress: async () =>
      (await readdir(results).catch(() => [])).filter((name) => !name.startsWith('.')).length,
    async over() {
      await this.submitting;
      const { data: open } = await client.get('/v1/jobs?state=queued,active&limit=1');
      const told = new Set([...receiver.messages.values()].map(jobOf));
      return open.length === 0 && ids.every((id) => told.has(id));
    },
    async check() {
      // Everything ends and begins once more without being killed: what is left over then stays.
      await Promise.all(services.map((service) => service.kill('SIGTERM')));
      // A recording whose service was killed before it knew of the job waits for it as long as a complete upload does
      // (MALGWI_JOBS_UPLOAD_EXPIRY_SECONDS, a day), and is then removed. Here two days are over.
      const twoDaysAgo = new Date(Date.now() - 48 * 3600_000);
      for (const place of ['audio', 'results'])
        for (const name of await readdir(join(data, 'objects', place)))
          await utimes(join(data, 'objects', place, name), twoDaysAgo, twoDaysAgo);
      await server.start();
      await ready(server);
      try {
        return await check({ client, ids, jobs, expected, receiver, data, temporary, results });
      } finally {
        await server.kill('SIGTERM');
        await receiver.close();
      }
    },
  };
}

async function ready(service) {
  for (let i = 0; i < 1200; i++) {
    const answer = await fetch(`${service.url}/readyz`, { signal: AbortSignal.timeout(8000) }).catch(
      () => undefined,
    );
    if (answer?.ok) return;
    if (!service.alive) throw new Error(`${service.name} ended by itself: see its log`);
    await sleep(100);
  }
  throw new Error(`${service.name} is not ready after two minutes`);
}

const jobOf = ({ body }) => body.data?.id ?? body.id;

/** Sends again whatever got no answer, or one that says so. */
class Client {
  constructor(url, webhook) {
    this.url = url;
    this.webhook = webhook;
  }

  async #send(path, init = () => ({})) {
    for (;;) {
      const answer = await fetch(`${this.url}${path}`, {
        ...init(),
        signal: AbortSignal.timeout(60_000),
      }).catch(() => undefined);
      const text = await answer?.text().catch(() => undefined);
      if (answer === undefined || text === undefined || answer.status === 429 || answer.status === 503) {
        await sleep(100);
        continue;
      }
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 500)}`);
      return text;
    }
  }

  async submit({ name, bytes }, key) {
    const text = await this.#send('/v1/jobs', () => {
      const body = new FormData();
      body.append('file', new Blob([bytes]), name);
      body.append('webhook', this.webhook);
      return { method: 'POST', body, headers: { 'idempotency-key': key.replaceAll(' ', '-') } };
    });
    return JSON.parse(text).id;
  }

  async get(path, method = 'GET') {
    return JSON.parse(await this.#send(path, () => ({ method })));
  }

  result(id) {
    return this.#send(`/v1/jobs/${id}/result?format=json`);
  }

  /** How often it ended. */
  async ends(id) {
    const text = await this.#send(`/v1/jobs/${id}/events`);
    return [...text.matchAll(/^event: *(\w+)/gm)]
      .map(([, type]) => type)
      .filter((type) => ENDED.includes(type));
  }
}

async function check({ client, ids, jobs, expected, receiver, data, temporary, results }) {
  const faults = [];
  if (new Set(ids).size !== jobs) faults.push(`${new Set(ids).size} different jobs were accepted`);
  const found = [];
  for (let cursor; ;) {
    const page = await client.get(`/v1/jobs?limit=200${cursor === undefined ? '' : `&cursor=${cursor}`}`);
    found.push(...page.data);
    cursor = page.next_cursor;
    if (cursor === undefined) break;
  }
  const byId = new Map(found.map((job) => [job.id, job]));
  if (byId.size !== found.length) faults.push(`${found.length - byId.size} jobs are listed twice`);
  for (const id of byId.keys()) if (!ids.includes(id)) faults.push(`${id} was never answered for`);
  let attempts = 0;
  for (const [i, id] of ids.entries()) {
    const job = byId.get(id);
    attempts += job?.attempts ?? 0;
    if (job?.state !== 'completed') {
      faults.push(job === undefined ? `${id} is lost` : `${id} is ${job.state} (${job.error?.code})`);
      continue;
    }
    if ((await client.result(id)) !== expected[i % expected.length]) faults.push(`${id} has another result`);
    const ends = await client.ends(id);
    if (ends.length !== 1) faults.push(`${id} ended ${ends.length} times: ${ends.join(', ')}`);
    if (job.webhook?.state !== 'delivered') faults.push(`${id}: its notice is ${job.webhook?.state}`);
  }
  const told = new Map();
  let deliveries = 0;
  for (const message of receiver.messages.values()) {
    const id = jobOf(message);
    if (!byId.has(id)) continue;
    told.set(id, (told.get(id) ?? 0) + 1);
    deliveries += message.times;
  }
  for (const id of ids)
    if (told.get(id) !== 1) faults.push(`${id} has ${told.get(id) ?? 0} different notices`);

  // One recording and one result for each job, and nothing else anywhere.
  const orphans = async () =>
    (await readdir(join(data, 'objects', 'audio'))).filter((name) => !byId.has(basename(name))).length;
  for (let i = 0; i < 100 && (await orphans()) > 0; i++) await sleep(100);
  const audio = await readdir(join(data, 'objects', 'audio'));
  const kept = await readdir(results);
  for (const name of audio) if (!byId.has(basename(name))) faults.push(`left over: audio/${name}`);
  for (const name of kept) if (!byId.has(basename(name, '.json'))) faults.push(`left over: results/${name}`);
  if (audio.length !== jobs) faults.push(`${audio.length} recordings are kept`);
  if (kept.length !== jobs) faults.push(`${kept.length} results are kept`);
  const left = await readdir(temporary, { recursive: true, withFileTypes: true });
  // The service's own folder is there while it runs; it must be empty.
  const files = left.filter((entry) => entry.isFile());
  for (const { name } of files) faults.push(`left over: ${name}`);
  return {
    faults,
    completed: found.filter(({ state }) => state === 'completed').length,
    attempts,
    notices: deliveries,
    'notices told twice': deliveries - told.size,
    'temporary files': files.length,
  };
}
