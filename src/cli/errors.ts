/** How the command line says that something went wrong: `code: message` on stderr, exit code 1. */
import { MalgwiError, toPlainError, type PlainError } from '../errors.js';

/** Exit code of a process that Ctrl-C ended (128 + SIGINT). */
export const INTERRUPTED = 130;

/** Unlike a server, the command line may show its own user what an unexpected error said. */
export function describeError(error: unknown): PlainError {
  if (error instanceof MalgwiError || !(error instanceof Error)) return toPlainError(error);
  return { code: 'internal_error', message: error.message };
}

/** `code: message`, on one line, without control characters that would move the terminal's cursor. */
export function errorLine(error: unknown): string {
  const { code, message } = describeError(error);
  return printable(`${code}: ${message}`);
}

/** File names and messages come from outside: escape sequences in them must not reach the terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
}

/** Runs a command's action; what it throws is printed and ends in exit code 1 (130 when it was Ctrl-C). */
export function guarded<A extends unknown[]>(
  action: (...args: A) => Promise<void>,
): (...args: A) => Promise<void> {
  return async (...args) => {
    try {
      await action(...args);
    } catch (error) {
      const { code } = describeError(error);
      process.stderr.write(`${errorLine(error)}\n`);
      process.exitCode = code === 'cancelled' ? INTERRUPTED : 1;
    }
  };
}
