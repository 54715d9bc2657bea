/**
 * Every error a user can meet stands in this one table: a stable code, the HTTP status it is answered with,
 * the `type` of OpenAI's error shape, and whether the same request may succeed when sent again.
 * docs/reference/errors.md is checked against it.
 */
export interface ErrorEntry {
  readonly status: number;
  readonly type:
    | 'invalid_request_error'
    | 'authentication_error'
    | 'not_found_error'
    | 'rate_limit_error'
    | 'server_error';
  readonly message: string;
  readonly retryable: boolean;
  /** WebSocket close code, where the live protocols close with it. */
  readonly close?: number;
}

const invalid = (message: string, status = 400, close = 1008): ErrorEntry => ({
  status,
  type: 'invalid_request_error',
  message,
  retryable: false,
  close,
});
const server = (message: string, status: number, retryable: boolean, close = 1011): ErrorEntry => ({
  status,
  type: 'server_error',
  message,
  retryable,
  close,
});

export const ERRORS = {
  // Requests
  invalid_request: invalid('The request is not valid.'),
  missing_file: invalid('The request has no file.'),
  missing_field: invalid('A required field is missing.'),
  invalid_field: invalid('A field has a value that is not accepted.'),
  invalid_json: invalid('The body is not valid JSON.'),
  unsupported_media_type: invalid('The content type is not accepted here.', 415),
  unsupported_response_format: invalid('This response format is not offered.'),
  too_many_fields: invalid('The request has too many fields or files.'),
  text_too_long: invalid('The text is longer than is accepted.'),
  invalid_api_key: {
    status: 401,
    type: 'authentication_error',
    message: 'A valid API key is needed here.',
    retryable: false,
    close: 1008,
  },
  not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'There is nothing at this address.',
    retryable: false,
  },
  method_not_allowed: invalid('This method is not offered at this address.', 405),
  model_not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'No model with this name is installed.',
    retryable: false,
    close: 1008,
  },
  request_not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'No recent request has this id.',
    retryable: false,
  },
  // Audio
  audio_empty: invalid('The audio is empty.'),
  audio_truncated: invalid('The audio ends before its header says it should.'),
  audio_corrupt: invalid('The audio is damaged and cannot be decoded.'),
  audio_unrecognized: invalid('The file is not audio in a format that is accepted.'),
  audio_unsupported_codec: invalid('The file holds a codec that is not supported.'),
  audio_no_track: invalid('The file holds no audio track.'),
  audio_too_long: invalid('The audio is longer than is accepted.', 413),
  file_too_large: invalid('The file is larger than is accepted.', 413, 1009),
  // Live
  origin_not_allowed: invalid('Pages of this origin may not connect here.', 403),
  invalid_message: invalid('The message is not one this protocol knows.'),
  hello_required: invalid('The first message must be a hello.'),
  hello_timeout: invalid('No hello came in time.'),
  unsupported_encoding: invalid('This audio encoding is not accepted.'),
  message_too_large: invalid('The message is larger than is accepted.', 413, 1009),
  audio_backlog_full: {
    status: 429,
    type: 'rate_limit_error',
    message: 'Audio arrives faster than it can be recognised, and the buffer is full.',
    retryable: true,
    close: 1013,
  },
  slow_reader: {
    status: 429,
    type: 'rate_limit_error',
    message: 'The client does not read its events.',
    retryable: true,
    close: 1013,
  },
  session_not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'No session with this id and token waits to be taken up again.',
    retryable: false,
    close: 1008,
  },
  session_idle: invalid('Neither audio nor a message came for too long.', 408, 1011),
  session_too_long: invalid('The session is longer than is accepted.', 400, 1008),
  // Capacity
  queue_full: {
    status: 429,
    type: 'rate_limit_error',
    message: 'The service is at its capacity. Try again shortly.',
    retryable: true,
    close: 1013,
  },
  too_many_sessions: {
    status: 429,
    type: 'rate_limit_error',
    message: 'All live sessions are taken. Try again shortly.',
    retryable: true,
    close: 1013,
  },
  too_many_sessions_for_key: {
    status: 429,
    type: 'rate_limit_error',
    message: 'This key, or this address, has as many live sessions as it may. Try again when one has ended.',
    retryable: true,
    close: 1013,
  },
  overloaded: {
    status: 429,
    type: 'rate_limit_error',
    message: 'The service has no room for another live session at present. Try again shortly.',
    retryable: true,
    close: 1013,
  },
  shutting_down: server('The service is shutting down.', 503, true, 1012),
  not_ready: server('The service is not ready.', 503, true, 1013),
  cancelled: {
    status: 499,
    type: 'invalid_request_error',
    message: 'The request was cancelled.',
    retryable: true,
    close: 1000,
  },
  timeout: server('The work took longer than is accepted.', 504, true),
  worker_crashed: server('The worker that held this request died. It was replaced.', 500, true),
  // Jobs
  job_not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'No job has this id.',
    retryable: false,
  },
  job_not_finished: invalid('The job has not ended yet.', 409),
  job_not_retryable: invalid('Only a failed or cancelled job can be tried again.', 409),
  job_lease_lost: server('Another worker has taken this job over.', 500, true),
  idempotency_mismatch: invalid('This idempotency key was used for another request.', 422),
  job_queue_full: {
    status: 429,
    type: 'rate_limit_error',
    message: 'The queue holds as many jobs as it may. Try again later.',
    retryable: true,
  },
  job_queue_unavailable: server('The job queue cannot be reached.', 503, true),
  result_expired: {
    status: 410,
    type: 'not_found_error',
    message: 'The result was removed when its time was over.',
    retryable: false,
  },
  upload_not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'No upload has this id, or it was used or removed.',
    retryable: false,
  },
  upload_incomplete: invalid('The upload is not complete yet.', 409),
  upload_offset_mismatch: invalid('The upload goes on at another byte.', 409),
  upload_locked: {
    status: 423,
    type: 'rate_limit_error',
    message: 'Another request works on this upload.',
    retryable: true,
  },
  upload_version_unsupported: invalid('Tus-Resumable must be 1.0.0.', 412),
  object_not_found: {
    status: 404,
    type: 'not_found_error',
    message: 'The stored file is not there any more.',
    retryable: false,
  },
  storage_full: server('There is no room for this file.', 507, true),
  storage_unavailable: server('The storage cannot be reached.', 503, true),
  url_not_allowed: invalid('This address may not be used.'),
  url_fetch_failed: invalid('The address could not be fetched.'),
  url_unavailable: server('The address cannot be reached at the moment.', 502, true),
  job_without_result: invalid('The job ended without a result.', 409),
  range_not_satisfiable: invalid('The file has no such range of bytes.', 416),
  // Models and set-up
  manifest_invalid: server('The model package is not valid.', 500, false),
  model_file_missing: server('The model package lacks a file.', 500, false),
  model_file_mismatch: server('A file of the model package is not the one its manifest names.', 500, false),
  scorer_mismatch: server('The scorer was made for another alphabet than the model has.', 500, false),
  inference_failed: server('The model could not be run.', 500, false),
  reference_invalid: invalid('The reference file is not valid.'),
  config_invalid: server('The configuration is not valid.', 500, false),
  microphone_unavailable: server('No microphone recorder could be started.', 500, false),
  internal_error: server('Something went wrong on our side.', 500, false),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  /** What exactly is wrong, for the user; replaces the table's general message. Never a transcript, path or secret. */
  readonly detail?: string;
  /** Name of the field or parameter at fault. */
  readonly param?: string;
  readonly cause?: unknown;
  /** Seconds after which a retry makes sense (Retry-After). */
  readonly retryAfter?: number;
}

/** An error with a stable code of {@link ERRORS}. Everything else that is thrown is answered as `internal_error`. */
export class MalgwiError extends Error {
  readonly code: ErrorCode;
  readonly param: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    super(
      options.detail ?? ERRORS[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'MalgwiError';
    this.code = code;
    this.param = options.param;
    this.retryAfter = options.retryAfter;
  }

  get entry(): ErrorEntry {
    return ERRORS[this.code];
  }
}

/** The error as a plain value that crosses a thread or a socket. */
export interface PlainError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly param?: string;
  readonly retryAfter?: number;
}

/** Turns anything thrown into a {@link PlainError}; what is not a {@link MalgwiError} shows no detail to the outside. */
export function toPlainError(error: unknown): PlainError {
  if (error instanceof MalgwiError) {
    return {
      code: error.code,
      message: error.message,
      ...(error.param === undefined ? {} : { param: error.param }),
      ...(error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }),
    };
  }
  return { code: 'internal_error', message: ERRORS.internal_error.message };
}

export function fromPlainError(plain: PlainError): MalgwiError {
  return new MalgwiError(plain.code, {
    detail: plain.message,
    ...(plain.param === undefined ? {} : { param: plain.param }),
    ...(plain.retryAfter === undefined ? {} : { retryAfter: plain.retryAfter }),
  });
}

/** The body of an HTTP error in OpenAI's shape: `{error: {message, type, param, code}}`. */
export function toOpenAiError(error: unknown): {
  error: { message: string; type: ErrorEntry['type']; param: string | null; code: ErrorCode };
} {
  const plain = toPlainError(error);
  return {
    error: {
      message: plain.message,
      type: ERRORS[plain.code].type,
      param: plain.param ?? null,
      code: plain.code,
    },
  };
}
