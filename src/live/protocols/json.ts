import { MalgwiError } from '../../errors.js';

/** A text message longer than this is no command. The largest is a hello with a venue of its own. */
export const MAX_TEXT_LENGTH = 256 * 1024;

/**
 * A text message as an object.
 * @throws MalgwiError message_too_large | invalid_json | invalid_message: JSON, but no object
 */
export function parseObject(message: string, mostCharacters = MAX_TEXT_LENGTH): Record<string, unknown> {
  if (message.length > mostCharacters) throw new MalgwiError('message_too_large');
  let value: unknown;
  try {
    value = JSON.parse(message);
  } catch {
    throw new MalgwiError('invalid_json', { detail: 'The message is not valid JSON.' });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MalgwiError('invalid_message', { detail: 'A message is a JSON object.' });
  }
  return value as Record<string, unknown>;
}

export const milli = (seconds: number): number => Math.round(seconds * 1000) / 1000;
