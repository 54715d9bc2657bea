/** The fields of `POST /v1/jobs`, as a form or as JSON. */
import { MalgwiError } from '../../errors.js';
import { JOB_PRIORITIES, OUTPUT_FORMATS } from '../../jobs/contract.js';
import type { JobPriority, OutputFormat } from '../../jobs/contract.js';
import {
  readRecognition,
  readTemperature,
  RECOGNITION_FIELDS,
  RECOGNITION_LISTS,
} from '../forms/recognition.js';
import type { RecognitionFields } from '../forms/recognition.js';
import { checkField, fieldName, invalid, oneOf } from '../forms/values.js';
import type { Fields } from '../forms/values.js';

export interface JobRequest {
  readonly recognition: RecognitionFields;
  readonly outputs: readonly OutputFormat[];
  readonly priority: JobPriority;
  readonly webhook: string | undefined;
  readonly name: string | undefined;
  /** In place of a file. */
  readonly url: string | undefined;
  readonly upload: string | undefined;
}

const LISTS: ReadonlySet<string> = new Set([...RECOGNITION_LISTS, 'outputs']);
/** Fields of the form beside the file. */
export const JOB_FIELDS: ReadonlySet<string> = new Set([
  ...RECOGNITION_FIELDS,
  'outputs',
  'priority',
  'webhook',
  'name',
]);
/** What JSON has in place of the file. */
export const JOB_SOURCES: readonly string[] = ['url', 'upload'];
const JSON_FIELDS: ReadonlySet<string> = new Set([...JOB_FIELDS, ...JOB_SOURCES]);
export const MAX_NAME = 255;

/** @throws MalgwiError invalid_field: a field that is not known, or given twice */
export const checkJobField = (name: string, fields: Fields): void =>
  checkField(name, fields, JOB_FIELDS, LISTS);

/**
 * JSON as fields of a form, so that both are read alike.
 * @throws MalgwiError invalid_field
 */
export function fieldsOfJson(body: Readonly<Record<string, unknown>>): Fields {
  const fields = new Map<string, string[]>();
  for (const [raw, value] of Object.entries(body)) {
    const name = fieldName(raw);
    checkField(name, fields, JSON_FIELDS, LISTS);
    if (value === null || value === undefined) continue;
    const values = Array.isArray(value) ? value : [value];
    if (Array.isArray(value) && !LISTS.has(name)) throw invalid(name, `${name} is not a list.`);
    fields.set(name, [...(fields.get(name) ?? []), ...values.map((item) => asText(name, item))]);
  }
  return fields;
}

function asText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  // Flat, and looked at before it is written: what is nested too deep cannot be.
  if (
    name === 'chunking_strategy' &&
    Object.values(value as object).every((item) => typeof item !== 'object')
  )
    return JSON.stringify(value);
  throw invalid(name, `${name} must be text or a number.`);
}

/**
 * What a file is called: without folders, without characters that do something, and no longer than others can show.
 * @returns nothing where nothing is left
 */
export function cleanName(text: string): string | undefined {
  const last = text.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const clean = last
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  const short = [...clean].slice(0, MAX_NAME).join('').trim();
  return short === '' || /^\.+$/.test(short) ? undefined : short;
}

/**
 * Reads and checks the fields, whatever their order was.
 * @param fileName used where no name is given
 * @throws MalgwiError invalid_field | text_too_long | unsupported_response_format, naming the field
 */
export function readJobFields(fields: Fields, fileName?: string): JobRequest {
  const one = (name: string): string | undefined => fields.get(name)?.[0]?.trim() || undefined;
  // `json,srt` too: command lines and forms that are filled in by hand have one field.
  const wanted = (fields.get('outputs') ?? []).flatMap((item) => item.split(',')).map((item) => item.trim());
  const outputs = wanted
    .filter((item) => item !== '')
    .map((item) => {
      if ((OUTPUT_FORMATS as readonly string[]).includes(item)) return item as OutputFormat;
      throw new MalgwiError('unsupported_response_format', {
        param: 'outputs',
        detail: `outputs must be of ${OUTPUT_FORMATS.join(', ')}.`,
      });
    });
  const name = fields.get('name')?.[0] ?? '';
  if ([...name].length > MAX_NAME) {
    throw new MalgwiError('text_too_long', {
      param: 'name',
      detail: `name is longer than ${MAX_NAME} characters.`,
    });
  }
  readTemperature(fields);
  return {
    recognition: readRecognition(fields),
    outputs: outputs.length === 0 ? ['json'] : [...new Set(outputs)],
    priority: oneOf('priority', one('priority'), JOB_PRIORITIES, 'normal'),
    webhook: one('webhook'),
    name: cleanName(name) ?? cleanName(fileName ?? ''),
    url: one('url'),
    upload: one('upload'),
  };
}
