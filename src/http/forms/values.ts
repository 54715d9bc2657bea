/** Values of form fields, which are all text. */
import { MalgwiError } from '../../errors.js';

/** Names of fields, `[]` cut off, with their values in order. */
export type Fields = ReadonlyMap<string, readonly string[]>;

export const invalid = (param: string, detail: string): MalgwiError =>
  new MalgwiError('invalid_field', { param, detail });

/** `languages[]` and `languages[0]` are the list `languages`; `chunking_strategy[type]` stays as it is. */
export function fieldName(raw: string): string {
  return raw.replace(/\[\d{0,3}\]$/, '');
}

/** @throws MalgwiError invalid_field: a field that is not known, or given twice */
export function checkField(
  name: string,
  fields: Fields,
  known: ReadonlySet<string>,
  lists: ReadonlySet<string>,
): void {
  if (!known.has(name)) {
    throw invalid(
      name.slice(0, 64),
      `This field is not known. Known are file, ${[...known].filter((field) => !field.includes('[')).join(', ')}.`,
    );
  }
  if (!lists.has(name) && fields.has(name)) throw invalid(name, `${name} is given more than once.`);
}

export function oneOf<T extends string>(
  name: string,
  value: string | undefined,
  allowed: readonly T[],
  fallback: T,
): T {
  if (value === undefined || value === '') return fallback;
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw invalid(name, `${name} must be one of ${allowed.join(', ')}.`);
}

export function number(name: string, value: unknown, [minimum, maximum]: readonly [number, number]): number {
  const parsed = typeof value === 'string' && /^-?\d{1,12}(\.\d{1,12})?$/.test(value) ? Number(value) : value;
  if (typeof parsed !== 'number' || !(parsed >= minimum && parsed <= maximum)) {
    throw invalid(name, `${name} must be a number from ${minimum} to ${maximum}.`);
  }
  return parsed;
}
