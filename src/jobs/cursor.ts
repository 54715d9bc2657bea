/** Places in the list of jobs, as clients are given them: all adapters count their jobs from 1. */
import { MalgwiError } from '../errors.js';

export const cursorOf = (seq: number): string => Buffer.from(`after ${seq}`).toString('base64url');

/** @throws MalgwiError invalid_field */
export function seqOf(cursor: string): number {
  const match = /^after (\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString());
  if (match === null || cursorOf(Number(match[1])) !== cursor) {
    throw new MalgwiError('invalid_field', { param: 'cursor', detail: 'The cursor is not one of ours.' });
  }
  return Number(match[1]);
}
