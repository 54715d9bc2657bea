/** How sessions end: what is said, with which close code, and what becomes of audio that waits. */
import { ERRORS, MalgwiError, toPlainError } from '../errors.js';
import type { ErrorCode, PlainError } from '../errors.js';
import type { DropReason } from './meter.js';

export interface Ending {
  readonly reason: string;
  readonly code: number;
}

const DROP_REASONS: Partial<Record<ErrorCode, DropReason>> = {
  worker_crashed: 'worker_crashed',
  audio_backlog_full: 'backlog',
  slow_reader: 'slow_reader',
  timeout: 'session_limit',
};

/** Why audio is not recognised after an error in an open session. */
export function dropReason(code: ErrorCode): DropReason {
  return DROP_REASONS[code] ?? (ERRORS[code].type === 'invalid_request_error' ? 'refused' : 'failed');
}

export function plain(code: ErrorCode, detail?: string): PlainError {
  return toPlainError(new MalgwiError(code, detail === undefined ? {} : { detail }));
}

/** The table's close code; 1011 where it has none. */
export function closeCode(code: ErrorCode): number {
  const { close } = ERRORS[code] as { close?: number };
  return close ?? 1011;
}
