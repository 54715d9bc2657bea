/** What the HTTP tests share: the real service on a free port or without one, forms, and audio. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { buildApp } from '../src/app.js';
import type { AppOptions } from '../src/app.js';
import { loadConfig } from '../src/config.js';
import type { Config, ConfigOverrides } from '../src/config.js';
import { Metrics } from '../src/metrics/index.js';
import type { Recognizer } from '../src/recognition/contract.js';
import { createRecognizer } from '../src/recognition/index.js';

export interface TestService {
  readonly app: FastifyInstance;
  readonly config: Config;
  readonly metrics: Metrics;
  /** The folder uploads go to: what is left in it was forgotten. */
  readonly uploads: string;
  /** The folder of jobs and stored files. */
  readonly data: string;
  close(): Promise<void>;
}

export const startRecognizer = async (workers = 1): Promise<Recognizer> => {
  const { models } = loadConfig({});
  const recognizer = await createRecognizer({ modelsDir: models.dir, defaultModel: models.default, workers });
  await recognizer.start();
  return recognizer;
};

/** The service around a recogniser that the caller started and closes. */
export async function testService(
  recognizer: Recognizer,
  overrides: ConfigOverrides = {},
  jobs?: AppOptions['jobs'],
): Promise<TestService> {
  const uploads = await mkdtemp(join(tmpdir(), 'malgwi-test-'));
  const data = await mkdtemp(join(tmpdir(), 'malgwi-test-data-'));
  const config = loadConfig(
    {},
    {
      ...overrides,
      uploads: { dir: uploads, ...overrides.uploads },
      data: { dir: data },
      // What fits is measured; the tests' machine may be busy with other things. test/live-admission.test.ts measures.
      live: { admission: 'fixed', ...overrides.live },
    },
  );
  const metrics = new Metrics({ version: 'test' });
  const app = await buildApp({ config, recognizer, metrics, jobs, logger: false });
  return {
    app,
    config,
    metrics,
    uploads,
    data,
    close: async () => {
      await app.close();
      metrics.close();
      await rm(uploads, { recursive: true, force: true });
      await rm(data, { recursive: true, force: true });
    },
  };
}

/** Files that wait in the service's private folders. */
export function leftOver(service: TestService): string[] {
  return readdirSync(service.uploads).flatMap((folder) => readdirSync(join(service.uploads, folder)));
}

export type FormValue =
  string | { readonly bytes: Uint8Array; readonly name?: string; readonly type?: string };

/** A multipart request for `inject`, its fields in the given order. */
export async function form(
  fields: readonly (readonly [string, FormValue])[],
): Promise<Pick<InjectOptions, 'headers' | 'payload'>> {
  const data = new FormData();
  for (const [name, value] of fields) {
    if (typeof value === 'string') data.append(name, value);
    else
      data.append(
        name,
        new Blob([value.bytes as BlobPart], { type: value.type ?? 'audio/wav' }),
        value.name ?? 'clip.wav',
      );
  }
  const encoded = new Response(data);
  return {
    headers: { 'content-type': encoded.headers.get('content-type')! },
    payload: Buffer.from(await encoded.arrayBuffer()),
  };
}

export const TRANSCRIPTIONS = '/v1/audio/transcriptions';

export async function transcribe(
  app: FastifyInstance,
  fields: readonly (readonly [string, FormValue])[],
): Promise<LightMyRequestResponse> {
  return app.inject({ method: 'POST', url: TRANSCRIPTIONS, ...(await form(fields)) });
}

/** 16-bit PCM in a WAV file. */
export function wav(samples: Int16Array, sampleRate = 16_000): Buffer {
  const header = Buffer.alloc(44);
  const bytes = samples.length * 2;
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(sampleRate, 24);
  header.writeUInt32LE(sampleRate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, bytes)]);
}

export const silence = (seconds: number): Buffer => wav(new Int16Array(Math.round(seconds * 16_000)));

export interface Clip {
  readonly name: string;
  readonly path: string;
  readonly text: string;
  readonly bytes: Buffer;
}

const CLIPS = fileURLToPath(new URL('../test-audio/', import.meta.url));

/** The Korean clips of test-audio with what is said in them. */
export function clips(): Clip[] {
  const manifest = join(CLIPS, 'manifest.jsonl');
  if (!existsSync(manifest)) return [];
  return readFileSync(manifest, 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const { audio, text } = JSON.parse(line) as { audio: string; text: string };
      const path = join(CLIPS, audio);
      return { name: audio, path, text, bytes: readFileSync(path) };
    });
}

/** A clip that is a WAV file. */
export function wavClip(): Clip {
  const found = clips().find((clip) => clip.name.endsWith('.wav'));
  if (found === undefined) throw new Error('test-audio holds no WAV clip');
  return found;
}

export const errorOf = (response: {
  body: string;
}): { message: string; type: string; param: string | null; code: string } =>
  (
    JSON.parse(response.body) as {
      error: { message: string; type: string; param: string | null; code: string };
    }
  ).error;
