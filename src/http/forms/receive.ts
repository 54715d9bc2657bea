import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { MalgwiError } from '../../errors.js';
import { toMalgwiError } from '../errors.js';
import { fieldName } from './values.js';
import type { Fields } from './values.js';

const MALFORMED = 'The multipart body is malformed or ends early.';
const STALL_MS = 2000;
const STALL_TICK_MS = 250;

/** A file of a form, wherever it was put. */
export interface SavedFile {
  readonly bytes: number;
  remove(): Promise<void>;
}

export interface Received<T extends SavedFile> {
  readonly fields: Fields;
  readonly upload: T;
}

export interface FormOptions<T extends SavedFile> {
  /** Of the file. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Throws where the field is not known, or given too often. */
  readonly check: (name: string, fields: Fields) => void;
  /** Whatever fails, nothing of the file must stay. */
  readonly save: (file: Readable, name: string) => Promise<T>;
}

/** What a client still sends after it was refused is read for so long, so that it can read why. */
const PATIENCE_MS = 10_000;

/**
 * Reads the form: fields into memory (few and short), the file straight to where it is kept, in any order. Whatever is wrong,
 * the file is removed and the rest of the body is let through unread for a while, so that the client can read the answer.
 * @throws MalgwiError missing_file | too_many_fields | file_too_large | invalid_field | invalid_request | audio_empty ...
 */
export async function receiveForm<T extends SavedFile>(
  request: FastifyRequest,
  { maxBytes, signal, check, save }: FormOptions<T>,
): Promise<Received<T>> {
  if (!request.isMultipart()) {
    throw new MalgwiError('unsupported_media_type');
  }
  const fields = new Map<string, string[]>();
  let upload: T | undefined;
  try {
    for await (const part of until(signal, request.raw, request.parts({ limits: { fileSize: maxBytes } }))) {
      if (part.type === 'file') {
        if (part.fieldname !== 'file') {
          throw new MalgwiError('invalid_field', {
            param: part.fieldname.slice(0, 64),
            detail: 'Only the field `file` may hold a file.',
          });
        }
        const { file } = part;
        // The parser would wait for the end of a file that is too large, and there may be none.
        file.once('limit', () => file.destroy(new MalgwiError('file_too_large')));
        upload = await save(file, part.filename);
        // The stream ends early and cleanly when the limit is met.
        if (part.file.truncated) throw new MalgwiError('file_too_large');
        continue;
      }
      const name = fieldName(part.fieldname);
      if (part.fieldnameTruncated || part.valueTruncated) {
        throw new MalgwiError('text_too_long', {
          param: name.slice(0, 64),
          detail: 'A field is longer than is accepted.',
        });
      }
      if (name === 'file') {
        throw new MalgwiError('invalid_field', {
          param: 'file',
          detail: 'file must be a file with a filename, not text.',
        });
      }
      check(name, fields);
      const value = typeof part.value === 'string' ? part.value : JSON.stringify(part.value);
      const known = fields.get(name);
      if (known === undefined) fields.set(name, [value]);
      else known.push(value);
    }
    if (upload === undefined) throw new MalgwiError('missing_file', { param: 'file' });
    if (upload.bytes === 0) throw new MalgwiError('audio_empty', { param: 'file' });
    return { fields, upload };
  } catch (error) {
    await upload?.remove();
    letThrough(request.raw);
    throw describe(error, maxBytes, signal);
  }
}

/** Reads on and throws away, but not for ever: a body may have no end. */
export function letThrough(body: IncomingMessage): void {
  body.unpipe();
  body.resume();
  const timer = setTimeout(() => body.socket.destroy(), PATIENCE_MS);
  timer.unref();
  body.once('close', () => clearTimeout(timer));
  body.once('end', () => clearTimeout(timer));
  if (body.readableEnded || body.destroyed) clearTimeout(timer);
}

/**
 * The parts, until the signal aborts or the parser stands still: a client that stops sending must not hold its place for
 * ever, and a parser that waits for itself must not do so for it.
 */
async function* until<T>(
  signal: AbortSignal,
  body: IncomingMessage,
  parts: AsyncIterator<T>,
): AsyncGenerator<T> {
  for (;;) {
    const watch = watchFor(signal, body);
    try {
      const next = parts.next();
      next.catch(() => undefined);
      const { done, value } = await Promise.race([next, watch.failure]);
      if (done === true) return;
      yield value;
    } finally {
      watch.stop();
    }
  }
}

/**
 * Rejects when the signal aborts, or when bytes lie unread for {@link STALL_MS} although only the parser is to read them:
 * @fastify/busboy never finishes a form in which a part without a name is longer than its buffer of 16 KiB.
 */
function watchFor(signal: AbortSignal, body: IncomingMessage): { failure: Promise<never>; stop: () => void } {
  let stop = (): void => undefined;
  const failure = new Promise<never>((_resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    let still = 0;
    let seen = -1;
    const timer = setInterval(() => {
      const { bytesRead } = body.socket;
      const unread = body.readableEnded || body.readableLength > 0 || body.isPaused();
      still = unread && bytesRead === seen ? still + 1 : 0;
      seen = bytesRead;
      if (still * STALL_TICK_MS >= STALL_MS)
        reject(new MalgwiError('invalid_request', { detail: MALFORMED }));
    }, STALL_TICK_MS);
    signal.addEventListener('abort', onAbort, { once: true });
    stop = (): void => {
      clearInterval(timer);
      signal.removeEventListener('abort', onAbort);
    };
    if (signal.aborted) onAbort();
  });
  failure.catch(() => undefined);
  return { failure, stop };
}

/** What the form parser throws without a code is about the form; what the disk throws is about us. */
function describe(error: unknown, maxBytes: number, signal: AbortSignal): MalgwiError {
  if (signal.aborted && signal.reason instanceof MalgwiError) return signal.reason;
  const known = toMalgwiError(error);
  if (known.code === 'file_too_large') {
    return new MalgwiError('file_too_large', {
      param: 'file',
      detail: `The file is larger than ${maxBytes} bytes.`,
    });
  }
  if (known.code !== 'internal_error' || isSystemError(error)) return known;
  return new MalgwiError('invalid_request', {
    detail: 'The multipart body is malformed or ends early.',
    cause: error,
  });
}

function isSystemError(error: unknown): boolean {
  const code =
    error instanceof Error && 'syscall' in error ? (error as NodeJS.ErrnoException).code : undefined;
  return code !== undefined && code !== 'ECONNRESET' && code !== 'EPIPE';
}
