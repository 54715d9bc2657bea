/** Ctrl-C: the first one asks the command to end properly, the second one ends it now. */
import { MalgwiError } from '../errors.js';
import { INTERRUPTED } from './errors.js';

export interface Interrupt {
  /** Aborted with MalgwiError cancelled. */
  readonly signal: AbortSignal;
  /** Gives the signals back. */
  release(): void;
}

/** Listens to SIGINT and SIGTERM until released. */
export function onInterrupt(): Interrupt {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new MalgwiError('cancelled', { detail: 'Interrupted.' }));
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    release: () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}
