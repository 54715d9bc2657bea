/** How long a session waits for whom, and how much it takes. */
export interface SessionLimits {
  readonly maxBacklogSeconds: number;
  readonly helloTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly maxSessionSeconds: number;
  /** A resumable session waits so long for another connection. */
  readonly resumeMs: number;
}

/** A recogniser that has not answered by then will not. */
export const OPEN_TIMEOUT_MS = 30_000;
/** What is still unrecognised so long after the end of the audio is given up. */
export const FINISH_TIMEOUT_MS = 20_000;
/** The same when the service closes; it must fit into the time that the process has left. */
export const DRAIN_TIMEOUT_MS = 8000;
/** Messages that make no sense before the session is closed. */
export const MAX_INVALID_MESSAGES = 20;
