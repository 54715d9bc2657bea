import { DEFAULT_POLICY, type QueuePolicy } from '../policy.js';

/** What the adapter is told; durations in milliseconds. */
export interface EmbeddedOptions extends QueuePolicy {
  /** A folder of its own. */
  readonly dir: string;
  /** How long the start waits for a process that still holds the database. */
  readonly lockWaitMs: number;
  /** The clock, milliseconds since 1970. */
  readonly now: () => number;
}

export const DEFAULTS: Omit<EmbeddedOptions, 'dir'> = {
  ...DEFAULT_POLICY,
  lockWaitMs: 10_000,
  now: Date.now,
};
