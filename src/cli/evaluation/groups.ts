/** What the figures of an evaluation are given apart by. Pure. */
import { MalgwiError } from '../../errors.js';
import { NO_SPLIT } from './manifest.js';

/** Grouping by length is by these bands, in seconds: short answers, sentences, long ones. */
const DURATION_BANDS = [2, 5, 10] as const;
const DURATION = 'duration';
const MAX_FIELDS = 8;

function durationBand(seconds: number): string {
  const above = DURATION_BANDS.findIndex((limit) => seconds < limit);
  if (above < 0) return `${DURATION_BANDS[DURATION_BANDS.length - 1]} s and over`;
  return `${DURATION_BANDS[above - 1] ?? 0} to ${DURATION_BANDS[above]} s`;
}

interface Groupable {
  readonly split: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Of audio. */
  readonly seconds: number;
  readonly error?: unknown;
}

/** Name of the group that an utterance belongs to; `none` where its line says nothing of the field. */
export function groupOf(utterance: Groupable, field: string): string {
  if (field === DURATION) return utterance.error === undefined ? durationBand(utterance.seconds) : 'failed';
  if (field === 'split') return utterance.split;
  return utterance.fields[field] ?? NO_SPLIT;
}

export function grouped<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * Reads `--by corpus,duration`, before anything is recognised.
 * @throws MalgwiError invalid_request: a field that no line has, or too many
 */
export function readFields(
  list: string | undefined,
  items: readonly { readonly fields: Readonly<Record<string, string>> }[],
): string[] {
  const fields = [...new Set((list ?? '').split(',').map((field) => field.trim()))].filter(Boolean);
  if (fields.length > MAX_FIELDS) {
    throw new MalgwiError('invalid_request', { detail: `--by takes ${MAX_FIELDS} fields at most.` });
  }
  const known = new Set([DURATION, 'split', ...items.flatMap((item) => Object.keys(item.fields))]);
  for (const field of fields) {
    if (known.has(field)) continue;
    const names = [...known].sort().slice(0, 20).join(', ');
    throw new MalgwiError('invalid_request', {
      detail: `No line of the manifest has the field ${field}. There are ${names}.`,
    });
  }
  return fields;
}
