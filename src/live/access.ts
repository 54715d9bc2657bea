/** Who may open a live socket: keys in the places a WebSocket client can put one, and pages of which origin. */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import ipaddr from 'ipaddr.js';
import { bearerToken, type KeyRing } from '../http/auth.js';

/** The subprotocol of `/v1/stream`; optional, but a client that sends a key as a subprotocol must offer one to be chosen. */
export const SUBPROTOCOL = 'malgwi';
const KEY_PREFIX = 'malgwi-key.';

/** Subprotocols that clients offer beside their key; the first of these that is offered is answered. */
const ANSWERED = [SUBPROTOCOL, 'realtime', 'token', 'bearer'] as const;
/** How OpenAI's browser client writes its key as a subprotocol. */
const OPENAI_KEY_PREFIX = 'openai-insecure-api-key.';

/**
 * The key of a connection: `Authorization: Bearer KEY` (or `Token KEY`, as Deepgram's clients say), or, since browsers cannot
 * set headers on a WebSocket, a subprotocol: `malgwi-key.` + base64url(KEY), `openai-insecure-api-key.` + KEY, or `token`
 * and KEY, one after the other. Never the query: addresses end up in logs and histories.
 */
export function liveKey(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers;
  const bearer = bearerToken(authorization?.replace(/^token +/i, 'Bearer '));
  if (bearer !== undefined) return bearer;
  const offered = (request.headers['sec-websocket-protocol'] ?? '')
    .slice(0, 4096)
    .split(',')
    .map((name) => name.trim());
  const after = (prefix: string): string | undefined =>
    offered.find((name) => name.startsWith(prefix))?.slice(prefix.length);
  const own = after(KEY_PREFIX);
  if (own !== undefined) return Buffer.from(own, 'base64url').toString('utf8');
  const openai = after(OPENAI_KEY_PREFIX);
  if (openai !== undefined) return openai;
  return offered[0] === 'token' || offered[0] === 'bearer' ? offered[1] : undefined;
}

/**
 * Whose sessions are counted together: those of one key, kept as a digest; without keys, those of one address. Of IPv6 it is
 * the network (/64): each subscriber has one, with more addresses than anyone can count.
 */
export function ownerOf(request: FastifyRequest, keys: KeyRing): string {
  if (!keys.open) {
    return createHash('sha256')
      .update(liveKey(request) ?? '')
      .digest('hex');
  }
  if (!ipaddr.isValid(request.ip)) return request.ip;
  const address = ipaddr.process(request.ip);
  return address.kind() === 'ipv4'
    ? address.toString()
    : (address as ipaddr.IPv6).parts
        .slice(0, 4)
        .map((part) => part.toString(16))
        .join(':');
}

/** Answers one of the offered subprotocols; never one that is a key. */
export function chooseProtocol(offered: Set<string>): string | false {
  return ANSWERED.find((name) => offered.has(name)) ?? false;
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
