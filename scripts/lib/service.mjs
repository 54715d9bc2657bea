// The service as users start it: a process of its own, asked over HTTP.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/malgwi.js', import.meta.url));
const START_MS = 60_000;
const ADDRESS = /http:\/\/127\.0\.0\.1:\d+/;

/**
 * Starts the service on a free port.
 * @param {{venue?: object, model?: string, modelsDir?: string, workers?: number, env?: object}} options
 * @returns `{url, pid, close}`; close it in every case
 */
export async function startService({ venue, model, modelsDir, workers, env }) {
  const folder = await mkdtemp(join(tmpdir(), 'malgwi-service-'));
  const args = [PROGRAM, 'serve', '--port', '0'];
  if (model !== undefined) args.push('--model', model);
  if (modelsDir !== undefined) args.push('--models-dir', modelsDir);
  if (workers !== undefined) args.push('--workers', String(workers));
  if (venue !== undefined) {
    const file = join(folder, 'venue.json');
    await writeFile(file, JSON.stringify(venue));
    args.push('--venue', file);
  }
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Its jobs are its own: the user's may belong to a service that runs. Scripts want to see what becomes of those who are let
    // in, however many they are.
    env: {
      ...process.env,
      MALGWI_DATA_DIR: join(folder, 'data'),
      MALGWI_LIVE_ADMISSION: 'fixed',
      ...env,
    },
  });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const close = async () => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = await new Promise((resolve, reject) => {
      let text = '';
      setTimeout(() => reject(new Error('the service did not start in time')), START_MS).unref();
      ended.then((code) => reject(new Error(`the service ended with code ${code}: ${text}`)));
      child.stdout.on('data', (chunk) => {
        text = (text + chunk).slice(-10_000);
        const found = ADDRESS.exec(text);
        if (found !== null) resolve(found[0]);
      });
    });
    return { url, pid: child.pid, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function answer(response) {
  if (!response.ok) throw new Error(`status ${response.status}: ${await response.text()}`);
  return response.json();
}

/** POST /v1/audio/transcriptions. @param fields of the form, beside the file */
export async function transcribe(url, wav, fields) {
  const form = new FormData();
  form.append('file', new Blob([wav], { type: 'audio/wav' }), 'sentence.wav');
  for (const [name, value] of fields) form.append(name, value);
  return answer(await fetch(`${url}/v1/audio/transcriptions`, { method: 'POST', body: form }));
}

/** POST with a JSON body. */
export const ask = async (url, path, body) =>
  answer(
    await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );
