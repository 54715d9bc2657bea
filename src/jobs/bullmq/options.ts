import { DEFAULT_POLICY, type QueuePolicy } from '../policy.js';

/** What the adapter is told; durations in milliseconds. */
export interface BullmqOptions extends QueuePolicy {
  /** `redis://` or `rediss://` (TLS), with user, password and database where they are needed. */
  readonly url: string;
  /** Namespace of the keys: services that share it share their jobs. */
  readonly prefix: string;
  /** A job whose worker says nothing for this long is given to another one. */
  readonly leaseMs: number;
  /** How often it is looked whether there are such jobs. */
  readonly stalledIntervalMs: number;
  /** How long a request waits for Redis. */
  readonly timeoutMs: number;
  /** How long the start waits for Redis. */
  readonly startTimeoutMs: number;
}

export const DEFAULTS: Omit<BullmqOptions, 'url'> = {
  ...DEFAULT_POLICY,
  prefix: 'malgwi',
  leaseMs: 30_000,
  stalledIntervalMs: 15_000,
  timeoutMs: 3000,
  startTimeoutMs: 30_000,
};

export const JOBS = 'jobs';
export const NOTIFICATIONS = 'notifications';
