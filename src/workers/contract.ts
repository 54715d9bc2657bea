/** Threads that do the heavy work, and how calls reach them. */
import type { PlainError } from '../errors.js';

/** Work is taken in this order; first come, first served within one. */
export type Priority = 'live' | 'interactive' | 'batch';
export const PRIORITIES: readonly Priority[] = ['live', 'interactive', 'batch'];

/** Seconds that worker threads have spent on the calls that share this meter. What is under way is not in it. */
export interface WorkMeter {
  busySeconds: number;
}

export interface CallRequest {
  readonly id: number;
  readonly method: string;
  readonly payload: unknown;
}

/** Calls that the worker works on side by side. */
export interface CallBatch {
  readonly calls: readonly CallRequest[];
}

/** The caller has lost interest in a call that was sent: it may end early, with any reply. */
export interface CancelRequest {
  readonly cancel: number;
}

export type CallReply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly error: PlainError;
      readonly stack?: string;
    };

/** Sent once by a worker that finished its set-up. */
export interface ReadyMessage {
  readonly ready: true;
}

/** A value that leaves its thread without being copied. */
export class Transferred<T> {
  constructor(
    readonly value: T,
    readonly buffers: readonly ArrayBuffer[],
  ) {}
}
