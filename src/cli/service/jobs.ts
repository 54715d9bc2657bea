/** `/v1/jobs` as the command line uses it (docs/reference/http.md). */
import { readFile } from 'node:fs/promises';
import type { JobState, OutputFormat } from '../../jobs/contract.js';
import type { ServiceClient } from './client.js';

/** What the command line reads of a job. */
export interface JobView {
  readonly id: string;
  readonly state: JobState;
  readonly name?: string;
  readonly model: string;
  readonly outputs: readonly string[];
  readonly priority: string;
  readonly source: { readonly type: string; readonly bytes?: number; readonly url?: string };
  readonly created_at: string;
  readonly started_at?: string;
  readonly finished_at?: string;
  readonly attempts: number;
  readonly progress: { readonly done_seconds: number; readonly total_seconds?: number };
  readonly position?: number;
  readonly estimated_finish_at?: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface JobList {
  readonly data: readonly JobView[];
  readonly next_cursor?: string;
}

export interface JobFields {
  readonly name: string;
  readonly model?: string | undefined;
  readonly outputs: readonly OutputFormat[];
}

/** As long as a slow line needs for the largest file that is sent as a form. */
const FORM_TIMEOUT_MS = 600_000;
const PAGE = 200;

export class JobsClient {
  constructor(readonly service: ServiceClient) {}

  async *list(states: readonly JobState[], limit: number): AsyncGenerator<JobView> {
    let left = limit;
    let cursor: string | undefined;
    do {
      const query = new URLSearchParams({ limit: String(Math.min(left, PAGE)) });
      if (states.length > 0) query.set('state', states.join(','));
      if (cursor !== undefined) query.set('cursor', cursor);
      const page = await this.service.json<JobList>(`v1/jobs?${query.toString()}`);
      yield* page.data.slice(0, left);
      left -= page.data.length;
      cursor = page.next_cursor;
    } while (cursor !== undefined && left > 0);
  }

  get(id: string): Promise<JobView> {
    return this.service.json(at(id));
  }

  retry(id: string): Promise<JobView> {
    return this.service.json(`${at(id)}/retry`, { method: 'POST' });
  }

  /** Ends a job that has not ended. */
  cancel(id: string): Promise<JobView> {
    return this.service.json(at(id), { method: 'DELETE' });
  }

  /** Cancels where needed, and removes all that is left of it. */
  forget(id: string): Promise<JobView> {
    return this.service.json(`${at(id)}?forget=true`, { method: 'DELETE' });
  }

  result(id: string, format: OutputFormat): Promise<string> {
    return this.service.text(`${at(id)}/result?format=${format}`);
  }

  /** The file as a form: one request. It is read whole. */
  submitFile(path: string, fields: JobFields, key: string): Promise<JobView> {
    return this.service.json('v1/jobs', {
      method: 'POST',
      headers: { 'idempotency-key': key },
      timeoutMs: FORM_TIMEOUT_MS,
      form: async () => {
        const form = new FormData();
        form.append('name', fields.name);
        if (fields.model !== undefined) form.append('model', fields.model);
        form.append('outputs', fields.outputs.join(','));
        form.append('file', new Blob([await readFile(path)]), fields.name);
        return form;
      },
    });
  }

  /** An upload that is complete. The same upload gives the same job, however often it is sent. */
  submitUpload(upload: string, { name, model, outputs }: JobFields): Promise<JobView> {
    const json = { upload, name, outputs, ...(model === undefined ? {} : { model }) };
    return this.service.json('v1/jobs', { method: 'POST', json });
  }
}

const at = (id: string): string => `v1/jobs/${encodeURIComponent(id)}`;
