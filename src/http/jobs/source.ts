import { buffer } from 'node:stream/consumers';
import { detectFormat } from '../../audio/detect.js';
import { MAX_READ } from '../../audio/byte-source.js';
import type { ByteSource } from '../../audio/byte-source.js';
import { MalgwiError } from '../../errors.js';
import type { Job } from '../../jobs/contract.js';
import type { ObjectStorage } from '../../storage/contract.js';

const TYPES: Readonly<Record<string, string>> = {
  wav: 'audio/wav',
  flac: 'audio/flac',
  mp3: 'audio/mpeg',
  aac: 'audio/aac',
  ogg: 'audio/ogg',
  webm: 'audio/webm',
  mp4: 'audio/mp4',
};

export const audioKey = (id: string): string => `audio/${id}`;

/** Where the audio of a job lies, or will lie when it is fetched. */
export const sourceKey = ({ id, spec }: Job): string =>
  spec.source.type === 'object' ? spec.source.key : audioKey(id);

function sourceOf(storage: ObjectStorage, key: string, size: number): ByteSource {
  return {
    size,
    read: async (position, length) => {
      const wanted = Math.min(length, MAX_READ, size - position);
      if (wanted <= 0) return new Uint8Array();
      return buffer(await storage.get(key, { first: position, last: position + wanted - 1 }));
    },
    close: async () => undefined,
  };
}

/**
 * The media type of a stored file, told by its content.
 * @throws MalgwiError audio_empty | audio_unrecognized | audio_truncated: what is no audio is not worth a place in the queue
 */
export async function audioType(storage: ObjectStorage, key: string, bytes: number): Promise<string> {
  if (bytes === 0) throw new MalgwiError('audio_empty', { param: 'file' });
  try {
    const { format } = await detectFormat(sourceOf(storage, key, bytes));
    return TYPES[format] ?? 'application/octet-stream';
  } catch (error) {
    if (!(error instanceof MalgwiError) || !error.code.startsWith('audio_')) throw error;
    throw new MalgwiError(error.code, { detail: error.message, param: 'file' });
  }
}
