/** Who may open a live socket: keys in the places a WebSocket client can put one, and pages of which origin. */
import type { FastifyRequest } from 'fastify';
import { bearerToken } from '../http/auth.js';

/** The subprotocol of `/v1/stream`; optional, but a client that sends a key as a subprotocol must offer one to be chosen. */
export const SUBPROTOCOL = 'malgwi';
const KEY_PREFIX = 'malgwi-key.';

/**
 * The key of a connection: `Authorization: Bearer KEY`, or, since browsers cannot set headers on a WebSocket, the
 * subprotocol `malgwi-key.` + base64url(KEY). Never the query: addresses end up in logs and histories.
 */
export function liveKey(request: FastifyRequest): string | undefined {
  const bearer = bearerToken(request.headers.authorization);
  if (bearer !== undefined) return bearer;
  const offered = (request.headers['sec-websocket-protocol'] ?? '').slice(0, 4096).split(',');
  const key = offered.map((name) => name.trim()).find((name) => name.startsWith(KEY_PREFIX));
  return key === undefined
    ? undefined
    : Buffer.from(key.slice(KEY_PREFIX.length), 'base64url').toString('utf8');
}

/** Answers one of the offered subprotocols; never the one that is a key. */
export function chooseProtocol(offered: Set<string>): string | false {
  return offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false;
}

/**
 * Whether a page of this origin may connect: the service's own, or a configured one. WebSockets know no CORS, so
 * without this any page that someone visits could use the service on their machine. Programs send no Origin.
 */
export function isAllowedOrigin(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}
