/** `/v1/jobs` as the page uses it (docs/reference/http.md). */
import type { JobState } from '../../jobs/contract.js';
import { answered } from '../api.js';
import { withKey } from '../key.js';

export interface JobView {
  readonly id: string;
  readonly state: JobState;
  readonly name?: string;
  readonly model: string;
  readonly source: { readonly type: string; readonly bytes?: number; readonly url?: string };
  readonly created_at: string;
  readonly progress: { readonly done_seconds: number; readonly total_seconds?: number };
  readonly position?: number;
  readonly estimated_finish_at?: string;
  readonly error?: { readonly code: string };
}

export interface JobPage {
  readonly data: readonly JobView[];
  readonly next_cursor?: string;
}

/** A result as `verbose_json`: words stand beside the segments. */
export interface JobResult {
  readonly text: string;
  readonly duration: number;
  readonly segments: readonly { readonly start: number; readonly end: number; readonly text: string }[];
  readonly words: readonly { readonly word: string; readonly start: number; readonly end: number }[];
}

export const isOpen = ({ state }: Pick<JobView, 'state'>): boolean =>
  state === 'queued' || state === 'active';
export const jobPath = (id: string): string => `v1/jobs/${encodeURIComponent(id)}`;

async function call<T>(path: string, method = 'GET', json?: object): Promise<T> {
  const response = await fetch(path, {
    method,
    headers: withKey(json === undefined ? {} : { 'content-type': 'application/json' }),
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
  });
  return (await answered(response)) as T;
}

export const listJobs = (cursor?: string): Promise<JobPage> =>
  call(`v1/jobs?limit=50${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
export const getJob = (id: string): Promise<JobView> => call(jobPath(id));
export const cancelJob = (id: string): Promise<JobView> => call(jobPath(id), 'DELETE');
export const forgetJob = (id: string): Promise<JobView> => call(`${jobPath(id)}?forget=true`, 'DELETE');
export const retryJob = (id: string): Promise<JobView> => call(`${jobPath(id)}/retry`, 'POST');
export const resultOf = (id: string): Promise<JobResult> => call(`${jobPath(id)}/result?format=json`);

/** @param upload id of a complete upload; the same one gives the same job */
export const submitUpload = (upload: string, name: string): Promise<JobView> =>
  call('v1/jobs', 'POST', { upload, name, outputs: ['json', 'srt', 'vtt', 'text'] });

export async function audioOf(id: string, signal: AbortSignal): Promise<Blob> {
  const response = await fetch(`${jobPath(id)}/audio`, { headers: withKey(), signal });
  if (!response.ok) await answered(response);
  return response.blob();
}
