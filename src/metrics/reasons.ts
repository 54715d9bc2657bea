/** The reasons that are labels: why something was refused, why audio was not recognised, what became of eager ends. */

export const REJECT_REASONS = [
  'queue_full',
  'too_many_sessions',
  'too_many_sessions_for_key',
  'overloaded',
  'shutting_down',
  'not_ready',
] as const;
export type RejectReason = (typeof REJECT_REASONS)[number];

const REJECTIONS: ReadonlySet<string> = new Set(REJECT_REASONS);

/** Whether an error of this code says that there was no room. */
export const isRejectReason = (code: string): code is RejectReason => REJECTIONS.has(code);

export const DROP_REASONS = [
  'backlog',
  'slow_reader',
  'refused',
  'disconnected',
  'session_limit',
  'worker_crashed',
  'failed',
  'handed_over',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** What became of the end of an utterance that was told eagerly. */
export const EAGER_OUTCOMES = ['confirmed', 'changed', 'retracted'] as const;
export type EagerEndOutcome = (typeof EAGER_OUTCOMES)[number];
