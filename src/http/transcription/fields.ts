/** The form fields of `POST /v1/audio/transcriptions`, read as OpenAI's clients write them. */
import { MalgwiError } from '../../errors.js';
import {
  readRecognition,
  readTemperature,
  RECOGNITION_FIELDS,
  RECOGNITION_LISTS,
} from '../forms/recognition.js';
import type { RecognitionFields } from '../forms/recognition.js';
import { checkField, invalid, oneOf } from '../forms/values.js';
import type { Fields } from '../forms/values.js';

export const RESPONSE_FORMATS = ['json', 'text', 'srt', 'verbose_json', 'vtt'] as const;
export type ResponseFormat = (typeof RESPONSE_FORMATS)[number];
export type Granularity = 'word' | 'segment';

export interface TranscriptionRequest extends RecognitionFields {
  readonly format: ResponseFormat;
  readonly stream: boolean;
  readonly logprobs: boolean;
  readonly granularities: ReadonlySet<Granularity>;
  /** Echoed in verbose_json. */
  readonly temperature: number;
}

const LISTS: ReadonlySet<string> = new Set([...RECOGNITION_LISTS, 'include', 'timestamp_granularities']);
/** Fields of the form beside the file. */
export const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...RECOGNITION_FIELDS,
  'stream',
  'response_format',
  ...LISTS,
]);

/** @throws MalgwiError invalid_field: a field that is not known, or given twice */
export const checkName = (name: string, fields: Fields): void =>
  checkField(name, fields, KNOWN_FIELDS, LISTS);

/**
 * Reads and checks the fields, whatever their order was.
 * @throws MalgwiError invalid_field | unsupported_response_format | text_too_long, naming the field
 */
export function readFields(fields: Fields): TranscriptionRequest {
  const one = (name: string): string | undefined => fields.get(name)?.[0];
  const requested = one('response_format');
  if (
    requested !== undefined &&
    requested !== '' &&
    !(RESPONSE_FORMATS as readonly string[]).includes(requested)
  ) {
    const detail =
      requested === 'diarized_json'
        ? 'diarized_json is not offered: the installed models do not tell speakers apart.'
        : `response_format must be one of ${RESPONSE_FORMATS.join(', ')}.`;
    throw new MalgwiError('unsupported_response_format', { param: 'response_format', detail });
  }
  const format = oneOf('response_format', requested, RESPONSE_FORMATS, 'json');
  const stream = oneOf('stream', one('stream')?.toLowerCase(), ['true', 'false', '1', '0'], 'false');
  const streaming = stream === 'true' || stream === '1';
  if (streaming && (format === 'srt' || format === 'vtt')) {
    throw new MalgwiError('unsupported_response_format', {
      param: 'response_format',
      detail: `stream=true answers with events; response_format ${format} cannot be streamed.`,
    });
  }
  const include = fields.get('include') ?? [];
  for (const item of include) oneOf('include', item, ['logprobs'], 'logprobs');
  if (include.length > 0 && format !== 'json')
    throw invalid('include', 'include[]=logprobs needs response_format json.');
  const wanted = (fields.get('timestamp_granularities') ?? []).map((item) =>
    oneOf<Granularity>('timestamp_granularities', item, ['word', 'segment'], 'segment'),
  );
  if (wanted.length > 0 && format !== 'verbose_json' && !streaming) {
    throw invalid('timestamp_granularities', 'timestamp_granularities[] needs response_format verbose_json.');
  }
  const recognition = readRecognition(fields);
  if ((recognition.search.alternatives ?? 1) > 1 && format !== 'verbose_json') {
    throw invalid('alternatives', 'alternatives needs response_format verbose_json.');
  }
  return {
    ...recognition,
    format,
    stream: streaming,
    logprobs: include.length > 0,
    granularities: new Set(wanted.length === 0 ? ['segment'] : wanted),
    temperature: readTemperature(fields),
  };
}
