import type { Venue } from '../intents/contract.js';
import { withKey } from './key.js';
import type { IntentMessage } from './protocol.js';

/** An error of the service, by its code. */
export class ApiError extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

export async function answered(response: Response): Promise<unknown> {
  const body = (await response.json().catch(() => ({}))) as { error?: { code?: string } };
  if (!response.ok) throw new ApiError(body.error?.code ?? `http_${String(response.status)}`);
  return body;
}

export interface ModelList {
  readonly data: readonly { readonly id: string }[];
}

export const listModels = async (): Promise<ModelList> =>
  (await answered(await fetch('v1/models', { headers: withKey() }))) as ModelList;

export async function resolveIntent(
  text: string,
  venue: Venue,
): Promise<Omit<IntentMessage, 'type' | 'utterance'>> {
  const response = await fetch('v1/intents', {
    method: 'POST',
    headers: withKey({ 'content-type': 'application/json' }),
    body: JSON.stringify({ text, venue }),
  });
  return (await answered(response)) as Omit<IntentMessage, 'type' | 'utterance'>;
}

export interface FileTranscript {
  readonly text: string;
  readonly duration: number;
  readonly segments: readonly { readonly start: number; readonly end: number; readonly text: string }[];
}

export async function transcribeFile(file: File): Promise<FileTranscript> {
  const form = new FormData();
  form.append('response_format', 'verbose_json');
  form.append('file', file, file.name);
  const response = await fetch('v1/audio/transcriptions', { method: 'POST', headers: withKey(), body: form });
  return (await answered(response)) as FileTranscript;
}
