/** The calls between the queue and the thread that holds its database: plain values only. */
import type { PlainError } from '../../errors.js';
import type { ClientOperations } from './client-operations.js';
import type { WorkerOperations } from './worker-operations.js';

export type Operations = Pick<ClientOperations, keyof ClientOperations> &
  Omit<Pick<WorkerOperations, keyof WorkerOperations>, 'recover'>;
export type OperationName = keyof Operations;

export interface Operation {
  readonly name: OperationName;
  readonly args: readonly unknown[];
}

export type OperationReply =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: PlainError; readonly stack?: string };

export interface OpenCall {
  readonly path: string;
  readonly lockWaitMs: number;
  readonly now: number;
  /** Whether jobs that are at work belong to a process that is gone; otherwise to this one, whose thread died. */
  readonly recover: boolean;
}

export interface ThreadSetup {
  /** Names this process in its leases. */
  readonly run: string;
}
