/** Coqui's error codes (native_client/coqui-stt.h), and errors that carry them besides the codes used everywhere here. */
import { MalgwiError, type ErrorCode } from '../errors.js';

export const STT_ERRORS = {
  STT_ERR_OK: { code: 0x0000, message: 'No error.' },
  STT_ERR_NO_MODEL: { code: 0x1000, message: 'Missing model information.' },
  STT_ERR_INVALID_ALPHABET: {
    code: 0x2000,
    message: 'Invalid alphabet embedded in model. (Data corruption?)',
  },
  STT_ERR_INVALID_SHAPE: { code: 0x2001, message: 'Invalid model shape.' },
  STT_ERR_INVALID_SCORER: { code: 0x2002, message: 'Invalid scorer file.' },
  STT_ERR_MODEL_INCOMPATIBLE: { code: 0x2003, message: 'Incompatible model.' },
  STT_ERR_SCORER_NOT_ENABLED: { code: 0x2004, message: 'External scorer is not enabled.' },
  STT_ERR_SCORER_UNREADABLE: { code: 0x2005, message: 'Could not read scorer file.' },
  STT_ERR_SCORER_INVALID_LM: {
    code: 0x2006,
    message: 'Could not recognize language model header in scorer.',
  },
  STT_ERR_SCORER_NO_TRIE: {
    code: 0x2007,
    message: 'Reached end of scorer file before loading vocabulary trie.',
  },
  STT_ERR_SCORER_INVALID_TRIE: { code: 0x2008, message: 'Invalid magic in trie header.' },
  STT_ERR_SCORER_VERSION_MISMATCH: {
    code: 0x2009,
    message: 'Scorer file version does not match expected version.',
  },
  STT_ERR_FAIL_INIT_MMAP: { code: 0x3000, message: 'Failed to initialize memory mapped model.' },
  STT_ERR_FAIL_INIT_SESS: { code: 0x3001, message: 'Failed to initialize the session.' },
  STT_ERR_FAIL_INTERPRETER: { code: 0x3002, message: 'Interpreter failed.' },
  STT_ERR_FAIL_RUN_SESS: { code: 0x3003, message: 'Failed to run the session.' },
  STT_ERR_FAIL_CREATE_STREAM: { code: 0x3004, message: 'Error creating the stream.' },
  STT_ERR_FAIL_READ_PROTOBUF: { code: 0x3005, message: 'Error reading the proto buffer model file.' },
  STT_ERR_FAIL_CREATE_SESS: { code: 0x3006, message: 'Failed to create session.' },
  STT_ERR_FAIL_CREATE_MODEL: { code: 0x3007, message: 'Could not allocate model state.' },
  STT_ERR_FAIL_INSERT_HOTWORD: { code: 0x3008, message: 'Could not insert hot-word.' },
  STT_ERR_FAIL_CLEAR_HOTWORD: { code: 0x3009, message: 'Could not clear hot-words.' },
  STT_ERR_FAIL_ERASE_HOTWORD: { code: 0x3010, message: 'Could not erase hot-word.' },
} as const;

export type SttErrorName = keyof typeof STT_ERRORS;

/**
 * What every promise of `malgwi/coqui-stt` is rejected with. The message begins as that of the `stt` package does
 * (`addHotWord failed: External scorer is not enabled. (0x2004)`); what more there is to say follows behind it.
 */
export class SttError extends MalgwiError {
  /** Coqui's code, where it has one. */
  readonly sttErrorCode: number | undefined;
  readonly sttErrorName: SttErrorName | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    name?: SttErrorName,
    options: { cause?: unknown; param?: string } = {},
  ) {
    super(code, { detail: message, ...options });
    this.name = 'SttError';
    this.sttErrorName = name;
    this.sttErrorCode = name === undefined ? undefined : STT_ERRORS[name].code;
  }
}

/** @param call the function as the `stt` package names it in its messages */
export function sttError(
  call: string,
  name: SttErrorName,
  code: ErrorCode,
  more = '',
  cause?: unknown,
): SttError {
  const { code: number, message } = STT_ERRORS[name];
  const text = `${call} failed: ${message} (0x${number.toString(16)})${more === '' ? '' : ` ${more}`}`;
  return new SttError(code, text, name, cause === undefined ? {} : { cause });
}

/** An argument that the native binding would refuse, or abort the process over. */
export function badArgument(call: string, param: string, detail: string): SttError {
  return new SttError('invalid_field', `${call} failed: ${detail}`, undefined, { param });
}

/**
 * Anything that was thrown below, as an error of `call`.
 * @param name Coqui's code for a failure of this call
 */
export function wrap(call: string, name: SttErrorName, error: unknown): SttError {
  if (error instanceof SttError) return error;
  if (error instanceof MalgwiError) return sttError(call, name, error.code, error.message, error);
  return sttError(call, name, 'internal_error', '', error);
}

/** Coqui's code for a model that cannot be loaded. */
export function createFailure(error: unknown): SttError {
  const code = error instanceof MalgwiError ? error.code : 'internal_error';
  const param = error instanceof MalgwiError ? error.param : undefined;
  const names: Partial<Record<typeof code, SttErrorName>> = {
    model_file_missing: 'STT_ERR_FAIL_INIT_MMAP',
    manifest_invalid: param === 'tokens' ? 'STT_ERR_INVALID_ALPHABET' : 'STT_ERR_MODEL_INCOMPATIBLE',
    model_file_mismatch: 'STT_ERR_MODEL_INCOMPATIBLE',
    inference_failed: 'STT_ERR_FAIL_INIT_SESS',
  };
  return wrap('CreateModel', names[code] ?? 'STT_ERR_FAIL_CREATE_MODEL', error);
}
