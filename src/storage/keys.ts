import { MalgwiError } from '../errors.js';

const PART = '[a-z0-9][a-z0-9._-]{0,127}';
const KEY = new RegExp(`^${PART}/${PART}$`);
const FOLDER = new RegExp(`^${PART}$`);

/**
 * A part begins with a letter or a digit: so no key is `..`, and a name that begins with a dot is nobody's object.
 * @throws MalgwiError invalid_field
 */
export function checkKey(key: string): void {
  if (!KEY.test(key)) throw new MalgwiError('invalid_field', { detail: 'This is no key of a stored file.' });
}

/** @throws MalgwiError invalid_field */
export function checkFolder(folder: string): void {
  if (!FOLDER.test(folder))
    throw new MalgwiError('invalid_field', { detail: 'This is no folder of stored files.' });
}
