/** Large files, resumable: the tus 1.0 protocol through its own client. */
import { createReadStream } from 'node:fs';
import { DetailedError, Upload } from 'tus-js-client';
import { MalgwiError } from '../../errors.js';
import { errorOf, type ServiceClient } from './client.js';

/** What one request carries, so that no time limit of a request meets a large file. */
const CHUNK_BYTES = 16 * 2 ** 20;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000, 15_000, 30_000, 30_000, 30_000, 30_000];

export interface UploadOptions {
  readonly name: string;
  readonly bytes: number;
  /** An upload that was begun earlier; one that is no longer there is begun anew. */
  readonly resume?: string | undefined;
  /** Where the upload can be gone on with, as soon as that is known. */
  readonly onStart: (address: string) => void;
}

/**
 * @returns the address of the complete upload
 * @throws MalgwiError what the service refuses it with; not_ready when it does not answer
 */
export async function uploadFile(
  service: ServiceClient,
  path: string,
  { name, bytes, resume, onStart }: UploadOptions,
): Promise<string> {
  const { signal } = service;
  let stop: (() => void) | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      // The client opens the file by the path of this stream, which itself is never read.
      const file = createReadStream(path);
      file.destroy();
      const upload: Upload = new Upload(file as never, {
        endpoint: service.url('v1/uploads').href,
        ...(resume === undefined ? {} : { uploadUrl: resume }),
        uploadSize: bytes,
        chunkSize: CHUNK_BYTES,
        retryDelays: PAUSES_MS,
        metadata: { filename: name },
        headers: service.headers(),
        storeFingerprintForResuming: false,
        onUploadUrlAvailable: () => onStart(upload.url!),
        onSuccess: () => resolve(upload.url!),
        onError: (error) => reject(toError(error, service)),
      });
      stop = () => {
        reject(signal?.reason as Error);
        void upload.abort();
      };
      signal?.throwIfAborted();
      signal?.addEventListener('abort', stop, { once: true });
      upload.start();
    });
  } finally {
    if (stop !== undefined) signal?.removeEventListener('abort', stop);
  }
}

function toError(error: Error, service: ServiceClient): MalgwiError {
  const answer = error instanceof DetailedError ? error.originalResponse : undefined;
  if (answer) return errorOf(answer.getBody(), answer.getStatus());
  const detail = `The upload to ${service.url('').origin} broke off.`;
  return new MalgwiError('not_ready', { detail, cause: error });
}
