import type { Readable } from 'node:stream';
import { request } from 'undici';
import type { Agent, Dispatcher } from 'undici';
import { MalgwiError } from '../errors.js';
import type { ObjectStorage, StoredObject } from '../storage/contract.js';
import { VERSION } from '../version.js';
import { AddressPolicy } from './addresses.js';
import { guardedAgent } from './agent.js';
import type { Resolve } from './agent.js';
import { checkUrl } from './url.js';

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** Answers after which the same request may succeed. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
/** As much of a refusal or of a receipt is read before the connection is cut. */
const MAX_DRAINED = 64 * 1024;

export interface NetOptions {
  /** Addresses and ranges beside the public ones. */
  readonly allowed?: readonly string[];
  /** In place of the system's. */
  readonly resolve?: Resolve;
}

export interface FetchLimits {
  readonly maxBytes: number;
  /** Of the whole transfer. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Requests that clients have the service make: only to places it may talk to, bounded in size and time. */
export class GuardedHttp {
  readonly policy: AddressPolicy;
  readonly #agent: Agent;

  constructor({ allowed, resolve }: NetOptions = {}) {
    this.policy = new AddressPolicy(allowed);
    this.#agent = guardedAgent(this.policy, resolve);
  }

  /**
   * Fetches a URL into the storage; memory does not grow with its size.
   * @throws MalgwiError url_not_allowed | url_fetch_failed | url_unavailable | file_too_large | storage_full
   */
  async fetchToStorage(
    url: string,
    storage: ObjectStorage,
    key: string,
    { maxBytes, timeoutMs, signal }: FetchLimits,
  ): Promise<StoredObject> {
    const limit = deadline(timeoutMs, signal);
    try {
      const { headers, body } = await this.#follow(url, limit.signal);
      // Cut off on purpose below, it fails once more, when nobody listens.
      body.on('error', () => undefined);
      try {
        const length = Number(headers['content-length'] ?? 0);
        if (length > maxBytes) throw tooLarge(maxBytes);
        await storage.reserve(length);
        return await storage.put(key, body, { signal: limit.signal, maxBytes });
      } finally {
        body.destroy();
      }
    } catch (error) {
      throw explained(error, limit.signal);
    } finally {
      limit.dispose();
    }
  }

  /**
   * Sends JSON text. Redirects are not followed: a receiver that moved is to be told of by its owner.
   * @returns the status
   * @throws MalgwiError url_not_allowed | url_fetch_failed | url_unavailable
   */
  async post(
    url: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    { timeoutMs, signal }: Pick<FetchLimits, 'timeoutMs' | 'signal'>,
  ): Promise<number> {
    const limit = deadline(timeoutMs, signal);
    try {
      const answer = await this.#request(checkUrl(url, this.policy), limit.signal, {
        method: 'POST',
        body,
        headers: { ...headers, 'content-type': 'application/json' },
      });
      await drain(answer.body);
      return answer.statusCode;
    } catch (error) {
      throw explained(error, limit.signal);
    } finally {
      limit.dispose();
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  /** @returns an answer of status 200 */
  async #follow(text: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    let url = checkUrl(text, this.policy);
    for (let redirects = 0; ; redirects += 1) {
      const answer = await this.#request(url, signal, {
        method: 'GET',
        headers: { accept: 'audio/*, video/*;q=0.9, */*;q=0.5' },
      });
      const { statusCode, headers } = answer;
      if (statusCode === 200) {
        // Nothing was asked for in a packed form, and what unpacks to more than it seems is not taken.
        const coding = headers['content-encoding'] ?? 'identity';
        if (coding === 'identity') return answer;
        await drain(answer.body);
        throw failed('The server sends the file in a packed form that was not asked for.');
      }
      await drain(answer.body);
      if (!REDIRECTS.has(statusCode)) throw refused(statusCode);
      const next = [headers.location].flat()[0];
      if (next === undefined || redirects === MAX_REDIRECTS)
        throw failed('The address redirects too often, or nowhere.');
      const target = checkUrl(resolved(next, url), this.policy);
      if (url.protocol === 'https:' && target.protocol === 'http:')
        throw new MalgwiError('url_not_allowed', {
          detail: 'The address redirects from https to http.',
        });
      url = target;
    }
  }

  async #request(
    url: URL,
    signal: AbortSignal,
    options: Pick<Dispatcher.RequestOptions, 'method' | 'body'> & {
      readonly headers: Record<string, string>;
    },
  ): Promise<Dispatcher.ResponseData> {
    return request(url, {
      ...options,
      dispatcher: this.#agent,
      signal,
      headers: {
        'user-agent': `malgwi/${VERSION}`,
        'accept-encoding': 'identity',
        ...options.headers,
      },
    });
  }
}

const tooLarge = (maxBytes: number): MalgwiError =>
  new MalgwiError('file_too_large', { detail: `The file is larger than ${maxBytes} bytes.` });
const failed = (detail: string): MalgwiError => new MalgwiError('url_fetch_failed', { detail });
const refused = (status: number): MalgwiError =>
  new MalgwiError(PASSING.has(status) ? 'url_unavailable' : 'url_fetch_failed', {
    detail: `The server at the address answered with status ${status}.`,
  });

function resolved(location: string, base: URL): string {
  try {
    return new URL(location, base).href;
  } catch {
    throw failed('The address redirects to something that is no address.');
  }
}

function deadline(
  timeoutMs: number,
  outer: AbortSignal | undefined,
): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const timer = setTimeout(
    () =>
      controller.abort(
        new MalgwiError('url_unavailable', { detail: 'The address took too long to answer.' }),
      ),
    timeoutMs,
  );
  const onAbort = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) onAbort();
  outer?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    dispose: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onAbort);
    },
  };
}

async function drain(body: Readable): Promise<void> {
  body.on('error', () => undefined);
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length;
      if (bytes > MAX_DRAINED) break;
    }
  } finally {
    body.destroy();
  }
}

/** What the network says gets a code; codes that were given already stay. */
function explained(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
    if (cause instanceof MalgwiError) return cause;
  return new MalgwiError('url_unavailable', { cause: error });
}
