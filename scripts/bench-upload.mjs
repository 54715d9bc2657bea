// How much memory an upload takes: the built service with jobs, an upload of --bytes as a form, then a resumable one.
//   npm run build && npm run bench:upload -- [--bytes 2e9]
// Prints the time and the most memory that the process of the service held (VmHWM, so Linux only).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { bytes: { type: 'string', default: '2e9' } } });
const bytes = Number(values.bytes);
const PIECE = 64 * 2 ** 20;
const dir = await mkdtemp(join(tmpdir(), 'malgwi-bench-'));

const service = spawn(process.execPath, [new URL('lib/upload-service.mjs', import.meta.url).pathname, dir], {
  stdio: ['pipe', 'pipe', 'inherit'],
});
const [port] = String((await once(service.stdout, 'data'))[0])
  .split('\n')
  .map(Number);

/** Bytes of a WAV file that is all noise floor. */
function* wav(from, to) {
  const piece = Buffer.alloc(2 ** 20);
  for (let at = from; at < to; at += piece.length) {
    const size = Math.min(piece.length, to - at);
    const bytes_ = piece.subarray(0, size);
    if (at === 0) {
      const first = Buffer.from(bytes_);
      first.write('RIFF....WAVEfmt ', 0, 'latin1');
      yield first;
    } else yield bytes_;
  }
}

async function send(method, path, headers, body) {
  const call = request({ host: '127.0.0.1', port, method, path, headers });
  const answered = once(call, 'response');
  if (body === undefined) call.end();
  else Readable.from(body).pipe(call);
  const [response] = await answered;
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part;
  if (response.statusCode >= 400) throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
  return { headers: response.headers, text };
}

async function peak() {
  const status = await readFile(`/proc/${service.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024;
}

async function measure(name, action) {
  const start = performance.now();
  const { id } = JSON.parse((await action()).text);
  const seconds = (performance.now() - start) / 1000;
  const speed = bytes / 2 ** 20 / seconds;
  console.log(
    `${name}: ${seconds.toFixed(1)} s, ${speed.toFixed(0)} MiB/s; most memory so far ${(await peak()).toFixed(0)} MiB`,
  );
  await send('DELETE', `/v1/jobs/${id}?forget=true`, {});
}

try {
  console.log(`${(bytes / 2 ** 20).toFixed(0)} MiB; at the start ${(await peak()).toFixed(0)} MiB`);
  await measure('form', async () => {
    const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n';
    function* form() {
      yield Buffer.from(head);
      yield* wav(0, bytes);
      yield Buffer.from('\r\n--x--\r\n');
    }
    return send('POST', '/v1/jobs', { 'content-type': 'multipart/form-data; boundary=x' }, form());
  });
  await measure('resumable', async () => {
    const tus = { 'tus-resumable': '1.0.0' };
    const { location } = (await send('POST', '/v1/uploads', { ...tus, 'upload-length': String(bytes) }))
      .headers;
    for (let at = 0; at < bytes; at += PIECE) {
      const to = Math.min(bytes, at + PIECE);
      const headers = {
        ...tus,
        'upload-offset': String(at),
        'content-type': 'application/offset+octet-stream',
        'content-length': String(to - at),
      };
      await send('PATCH', location, headers, wav(at, to));
    }
    const body = JSON.stringify({ upload: location });
    return send('POST', '/v1/jobs', { 'content-type': 'application/json' }, [body]);
  });
} finally {
  service.kill();
  await rm(dir, { recursive: true, force: true });
}
