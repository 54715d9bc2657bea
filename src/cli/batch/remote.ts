/** A batch on a service: each file becomes a job there, and is gone on with if this program is interrupted. */
import { createHash, randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, MalgwiError, type ErrorCode } from '../../errors.js';
import type { OutputFormat } from '../../jobs/contract.js';
import { JobsClient, type JobFields, type JobView } from '../service/jobs.js';
import type { ServiceClient } from '../service/client.js';
import { uploadFile } from '../service/upload.js';
import type { Rendered, Task, Transcriber } from './contract.js';
import type { Journal, Note } from './journal.js';

/** Larger files are uploaded so that an interrupted upload goes on where it stopped. */
const RESUMABLE_BYTES = 8 * 2 ** 20;
const SOONEST_POLL_MS = 250;
const LATEST_POLL_MS = 3000;

export interface RemoteOptions {
  readonly formats: readonly OutputFormat[];
  readonly model: string | undefined;
}

export class RemoteTranscriber implements Transcriber {
  readonly #jobs: JobsClient;

  constructor(
    private readonly service: ServiceClient,
    private readonly journal: Journal,
    private readonly options: RemoteOptions,
  ) {
    this.#jobs = new JobsClient(service);
  }

  async transcribe(task: Task, onProgress: (doneSeconds: number) => void): Promise<Rendered> {
    const earlier = await this.#goOn(task);
    const job = await this.#follow(earlier ?? (await this.#submit(task)), onProgress);
    try {
      return await this.#collect(job);
    } catch (error) {
      // Done in an earlier run, so long ago that the result is gone.
      if (!(error instanceof MalgwiError) || error.code !== 'result_expired') throw error;
      await ifThere(() => this.#jobs.forget(job.id));
      return this.#collect(await this.#follow(await this.#submit(task), onProgress));
    }
  }

  async #collect(job: JobView): Promise<Rendered> {
    if (job.state !== 'completed') throw failureOf(job);
    const texts = new Map<OutputFormat, string>();
    for (const format of this.options.formats) texts.set(format, await this.#jobs.result(job.id, format));
    return { texts, seconds: job.progress.total_seconds ?? job.progress.done_seconds };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #note({ name, mark }: Task): Note | undefined {
    const note = this.journal.get(name, mark);
    return note?.server === this.service.address ? note : undefined;
  }

  async #keep(task: Task, more: Pick<Note, 'upload' | 'job'>): Promise<void> {
    await this.journal.set(task.name, {
      ...this.#note(task),
      mark: task.mark,
      server: this.service.address,
      ...more,
    });
  }

  /** The job of an earlier run: followed if it is still there, tried once more if it failed. */
  async #goOn(task: Task): Promise<JobView | undefined> {
    const id = this.#note(task)?.job;
    return id === undefined ? undefined : this.#revive(await ifThere(() => this.#jobs.get(id)));
  }

  async #revive(job: JobView | undefined): Promise<JobView | undefined> {
    if (job === undefined || (job.state !== 'failed' && job.state !== 'cancelled')) return job;
    const again = await ifThere(() => this.#jobs.retry(job.id));
    // Its audio is no longer there: it makes place for a new one.
    if (again === undefined) await ifThere(() => this.#jobs.forget(job.id));
    return again;
  }

  async #submit(task: Task): Promise<JobView> {
    const fields: JobFields = {
      name: basename(task.name),
      model: this.options.model,
      outputs: this.options.formats,
    };
    const job =
      task.bytes > RESUMABLE_BYTES ? await this.#upload(task, fields) : await this.#send(task, fields);
    await this.#keep(task, { upload: undefined, job: job.id });
    return job;
  }

  async #send(task: Task, fields: JobFields): Promise<JobView> {
    const send = (key: string): Promise<JobView> => this.#jobs.submitFile(task.path, fields, key);
    const key = idempotencyKey(task);
    try {
      // The key may lead to a job of an earlier run that nothing was noted of any more.
      return (await this.#revive(await send(key))) ?? (await send(key));
    } catch (error) {
      // Same size and time, other content: it is another file.
      if (!(error instanceof MalgwiError) || error.code !== 'idempotency_mismatch') throw error;
      return send(randomUUID());
    }
  }

  async #upload(task: Task, fields: JobFields): Promise<JobView> {
    const upload = async (resume: string | undefined): Promise<JobView> => {
      let noted = Promise.resolve();
      const address = await uploadFile(this.service, task.path, {
        name: fields.name,
        bytes: task.bytes,
        resume,
        onStart: (url) => void (noted = this.#keep(task, { upload: url })),
      });
      await noted;
      return this.#jobs.submitUpload(new URL(address).pathname.split('/').at(-1)!, fields);
    };
    const resume = this.#note(task)?.upload;
    try {
      return await upload(resume);
    } catch (error) {
      const gone = error instanceof MalgwiError && error.code === 'upload_not_found';
      if (resume === undefined || !gone) throw error;
      return upload(undefined);
    }
  }

  /** Asked for again and again, and the less often the less changes: a service that starts anew is no matter. */
  async #follow(begun: JobView, onProgress: (doneSeconds: number) => void): Promise<JobView> {
    const { signal } = this.service;
    let pause = SOONEST_POLL_MS;
    let job = begun;
    while (job.state === 'queued' || job.state === 'active') {
      await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {
        throw signal?.reason;
      });
      const before = job.progress.done_seconds;
      job = await this.#jobs.get(job.id);
      onProgress(job.progress.done_seconds);
      pause = job.progress.done_seconds > before ? 1000 : Math.min(pause * 1.5, LATEST_POLL_MS);
    }
    return job;
  }
}

/** Place, size and time of a file, and what is wanted of it: sent twice, it is the same job. */
const idempotencyKey = ({ mark, path }: Task): string =>
  `batch-${createHash('sha256').update(`${mark}\0${path}`).digest('hex')}`;

/** Nothing where the service knows it no longer, or its audio or result is gone. */
async function ifThere<T>(action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    const gone: readonly ErrorCode[] = ['job_not_found', 'object_not_found'];
    if (error instanceof MalgwiError && gone.includes(error.code)) return undefined;
    throw error;
  }
}

function failureOf({ state, error }: JobView): MalgwiError {
  if (error === undefined) return new MalgwiError('cancelled', { detail: `The job was ${state}.` });
  const code = Object.hasOwn(ERRORS, error.code) ? (error.code as ErrorCode) : 'internal_error';
  return new MalgwiError(code, { detail: error.message });
}
