import contentDisposition from 'content-disposition';
import { json } from 'node:stream/consumers';
import type { FastifyInstance } from 'fastify';
import { MalgwiError } from '../../errors.js';
import { TERMINAL_STATES } from '../../jobs/contract.js';
import type { Job, OutputFormat } from '../../jobs/contract.js';
import type { Transcript } from '../../recognition/contract.js';
import { formatTranscript } from '../transcription/format.js';
import type { Answer, Rendering } from '../transcription/format.js';
import { cleanName } from './fields.js';

const EXTENSIONS: Readonly<Record<OutputFormat, string>> = {
  json: 'json',
  text: 'txt',
  srt: 'srt',
  vtt: 'vtt',
};

const rendering = (format: OutputFormat): Rendering => ({
  format: format === 'json' ? 'verbose_json' : format,
  logprobs: false,
  granularities: new Set(['segment', 'word']),
  temperature: 0,
});

/** A header for a download: named after the job's file, whatever that was called. */
export function attachment(job: Job, extension: string): string {
  const base = cleanName((job.spec.name ?? '').replace(/\.[A-Za-z0-9]{1,5}$/, '')) ?? job.id;
  return contentDisposition(`${base}.${extension}`);
}

/**
 * The transcript of a completed job, in any format: what is kept is one, and the others are made of it.
 * @throws MalgwiError job_not_finished | job_without_result | result_expired
 */
export async function resultOf(
  app: FastifyInstance,
  job: Job,
  format: OutputFormat,
): Promise<Answer & { readonly disposition: string }> {
  if (!TERMINAL_STATES.includes(job.state)) throw new MalgwiError('job_not_finished');
  if (job.resultKey === undefined) throw new MalgwiError('job_without_result');
  let transcript: Transcript;
  try {
    transcript = (await json(await app.storage.get(job.resultKey))) as Transcript;
  } catch (error) {
    if (error instanceof MalgwiError && error.code === 'object_not_found')
      throw new MalgwiError('result_expired');
    throw error;
  }
  return {
    ...formatTranscript(transcript, rendering(format)),
    disposition: attachment(job, EXTENSIONS[format]),
  };
}
