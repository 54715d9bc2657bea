/** Where the files of a job lie in the storage. */
import type { Job } from './contract.js';

export const AUDIO = 'audio';
export const RESULTS = 'results';

export const audioKeyOf = ({ id, spec }: Pick<Job, 'id' | 'spec'>): string =>
  spec.source.type === 'object' ? spec.source.key : `${AUDIO}/${id}`;

export const resultKeyOf = (id: string): string => `${RESULTS}/${id}.json`;

/** The job that a file belongs to. */
export function jobOfKey(key: string): string {
  const name = key.slice(key.indexOf('/') + 1);
  return key.startsWith(`${RESULTS}/`) ? name.replace(/\.json$/, '') : name;
}
