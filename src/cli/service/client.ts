/** A running service as the command line talks to it: JSON over HTTP, tried again where that helps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, MalgwiError, type ErrorCode } from '../../errors.js';

const TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
const GATEWAY = new Set([502, 503, 504]);

export interface ServiceOptions {
  readonly url: URL;
  readonly key: string | undefined;
  /** How long a service that does not answer, or is full, is asked again. */
  readonly patienceMs: number;
  readonly signal?: AbortSignal;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  readonly json?: object;
  /** Made anew for each try. */
  readonly form?: () => Promise<FormData>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** `retryAfterMs` and whether another try may help travel beside the error. */
class Refusal {
  constructor(
    readonly error: MalgwiError,
    readonly again: boolean,
    readonly retryAfterMs = 0,
  ) {}
}

export class ServiceClient {
  readonly #base: URL;

  constructor(private readonly options: ServiceOptions) {
    this.#base = new URL(options.url);
    // A service may be mounted below a path: what stands in the address stays.
    if (!this.#base.pathname.endsWith('/')) this.#base.pathname += '/';
  }

  get signal(): AbortSignal | undefined {
    return this.options.signal;
  }

  get address(): string {
    return this.#base.href;
  }

  url(path: string): URL {
    return new URL(path, this.#base);
  }

  headers(): Record<string, string> {
    const { key } = this.options;
    return key === undefined ? {} : { authorization: `Bearer ${key}` };
  }

  async json<T>(path: string, call: Call = {}): Promise<T> {
    return this.#patiently(() => this.#once(path, call, (response) => response.json() as Promise<T>));
  }

  async text(path: string, call: Call = {}): Promise<string> {
    return this.#patiently(() => this.#once(path, call, (response) => response.text()));
  }

  async #once<T>(path: string, call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const { signal } = this.options;
    const timeout = AbortSignal.timeout(call.timeoutMs ?? TIMEOUT_MS);
    const body = call.json === undefined ? await call.form?.() : JSON.stringify(call.json);
    try {
      const response = await fetch(this.url(path), {
        method: call.method ?? 'GET',
        headers: {
          ...this.headers(),
          ...(call.json === undefined ? {} : { 'content-type': 'application/json' }),
          ...call.headers,
        },
        ...(body === undefined ? {} : { body }),
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      });
      if (!response.ok) throw await refusalOf(response);
      return await read(response);
    } catch (cause) {
      if (signal?.aborted) throw signal.reason;
      if (cause instanceof Refusal) throw cause;
      const detail = `No service answers at ${this.#base.origin}.`;
      throw new Refusal(new MalgwiError('not_ready', { detail, cause }), true);
    }
  }

  async #patiently<T>(action: () => Promise<T>): Promise<T> {
    const { patienceMs, signal } = this.options;
    const end = performance.now() + patienceMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        return await action();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const wait = Math.max(pause, error.retryAfterMs);
        if (!error.again || performance.now() + wait > end) throw error.error;
        await sleep(wait, undefined, signal === undefined ? {} : { signal }).catch(() => {
          throw signal?.reason;
        });
      }
    }
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const text = await response.text().catch(() => '');
  const error = errorOf(text, response.status);
  const seconds = Number(response.headers.get('retry-after') ?? 0);
  const again = ERRORS[error.code].retryable || GATEWAY.has(response.status) || response.status === 429;
  return new Refusal(error, again, Number.isFinite(seconds) ? seconds * 1000 : 0);
}

/** The service's error out of the body of its answer. */
export function errorOf(body: string, status: number): MalgwiError {
  let given: { readonly code?: unknown; readonly message?: unknown } = {};
  try {
    given = (JSON.parse(body) as { error?: typeof given }).error ?? {};
  } catch {
    // A proxy answers with a page.
  }
  const known = typeof given.code === 'string' && Object.hasOwn(ERRORS, given.code);
  const detail = typeof given.message === 'string' ? given.message : `The service answered ${status}.`;
  return new MalgwiError(
    known ? (given.code as ErrorCode) : status >= 500 ? 'not_ready' : 'invalid_request',
    {
      detail,
    },
  );
}
