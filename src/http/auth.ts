import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { MalgwiError } from '../errors.js';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A set of keys, kept as digests; comparing takes the same time whichever key is given. */
export class KeyRing {
  readonly #digests: readonly Buffer[];

  constructor(keys: readonly string[]) {
    this.#digests = keys.map(digest);
  }

  /** Without keys everything is open. */
  get open(): boolean {
    return this.#digests.length === 0;
  }

  accepts(key: string | undefined): boolean {
    if (this.open) return true;
    const given = digest(key ?? '');
    let found = false;
    // No early exit: the time must not tell which key, if any, was right.
    for (const known of this.#digests) found = timingSafeEqual(known, given) || found;
    return found && key !== undefined;
  }
}

/** The token of `Authorization: Bearer TOKEN`. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +([\x21-\x7e]{1,512})$/i.exec(header?.trim() ?? '')?.[1];
}

/** A hook that refuses requests without one of the keys. */
export function requireKey(keys: KeyRing): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    if (!keys.accepts(bearerToken(request.headers.authorization))) throw new MalgwiError('invalid_api_key');
  };
}
