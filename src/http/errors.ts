/** Turns everything that can go wrong in HTTP into one of {@link ERRORS}. */
import type { FastifyError } from 'fastify';
import { ERRORS, MalgwiError } from '../errors.js';
import type { ErrorCode } from '../errors.js';

/** What Fastify and its plugins throw, by their codes. */
const FRAMEWORK: Record<string, ErrorCode> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'message_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_INVALID_MULTIPART_CONTENT_TYPE: 'unsupported_media_type',
  FST_REQ_FILE_TOO_LARGE: 'file_too_large',
  FST_PARTS_LIMIT: 'too_many_fields',
  FST_FILES_LIMIT: 'too_many_fields',
  FST_FIELDS_LIMIT: 'too_many_fields',
  FST_PROTO_VIOLATION: 'invalid_field',
  FST_INVALID_JSON_FIELD_ERROR: 'invalid_json',
  FST_PREMATURE_CLOSE: 'cancelled',
  FST_ERR_NOT_FOUND: 'not_found',
  FST_ERR_BAD_URL: 'invalid_request',
  FST_ERR_HANDLER_TIMEOUT: 'timeout',
};

const isFastifyError = (error: unknown): error is FastifyError =>
  error instanceof Error && 'statusCode' in error;

function fromValidation(error: FastifyError): MalgwiError {
  const [first] = error.validation ?? [];
  const where = error.validationContext ?? 'body';
  const path = (first?.instancePath ?? '').split('/').filter(Boolean);
  if (first?.keyword === 'required') {
    const param = [...path, String(first.params.missingProperty)].join('.');
    return new MalgwiError('missing_field', { detail: `The ${where} lacks the field ${param}.`, param });
  }
  if (first?.keyword === 'additionalProperties') {
    const param = [...path, String(first.params.additionalProperty).slice(0, 64)].join('.');
    return new MalgwiError('invalid_field', {
      detail: `The ${where} has a field that is not known here.`,
      param,
    });
  }
  const param = path.join('.').slice(0, 128);
  // Lengths have a code of their own: it is the one limit that honest users meet.
  if (first?.keyword === 'maxLength') {
    const detail = `${param} is longer than ${String(first.params.limit)} characters.`;
    return new MalgwiError('text_too_long', { detail, param });
  }
  if (param === '')
    return new MalgwiError('invalid_request', {
      detail: `The ${where} ${first?.message ?? 'is not valid'}.`,
    });
  return new MalgwiError('invalid_field', { detail: `${param} ${first?.message ?? 'is not valid'}.`, param });
}

/** @returns the error with its code; anything not foreseen becomes internal_error and keeps its cause for the log */
export function toMalgwiError(error: unknown): MalgwiError {
  if (error instanceof MalgwiError) return error;
  if (isFastifyError(error)) {
    if (error.validation !== undefined) return fromValidation(error);
    const code = FRAMEWORK[error.code];
    if (code !== undefined) return new MalgwiError(code, { cause: error });
    const status = error.statusCode ?? 500;
    if (status === 404) return new MalgwiError('not_found', { cause: error });
    if (status >= 400 && status < 500) return new MalgwiError('invalid_request', { cause: error });
  }
  return new MalgwiError('internal_error', { cause: error });
}

/** Seconds to wait before the same request makes sense again, where that is known. */
export function retryAfterOf(error: MalgwiError): number | undefined {
  if (error.retryAfter !== undefined) return Math.max(1, Math.ceil(error.retryAfter));
  const { status } = ERRORS[error.code];
  return status === 429 || status === 503 ? 1 : undefined;
}
