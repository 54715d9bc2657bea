import { isIP } from 'node:net';
import { MalgwiError } from '../errors.js';
import type { AddressPolicy } from './addresses.js';

export const MAX_URL = 2048;
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
/** Below, services live that are no web servers and may take an HTTP request for something else. */
const FIRST_FREE_PORT = 1024;

/** The host as an address, brackets of IPv6 removed; nothing where it is a name. */
export function addressOf({ hostname }: URL): string | undefined {
  const bare = hostname.replace(/^\[|\]$/g, '');
  return isIP(bare) === 0 ? undefined : bare;
}

/**
 * What can be told of a URL without asking the network. Names are looked at when they are resolved, at the time of connecting.
 * @param param the field it came in
 * @throws MalgwiError url_not_allowed
 */
export function checkUrl(text: string, policy: AddressPolicy, param?: string): URL {
  const refuse = (detail: string): MalgwiError =>
    new MalgwiError('url_not_allowed', { detail, ...(param === undefined ? {} : { param }) });
  if (text.length > MAX_URL) throw refuse(`The address is longer than ${MAX_URL} characters.`);
  const url = URL.parse?.(text) ?? parse(text);
  if (url === null) throw refuse('This is no address of the form https://host/path.');
  if (!Object.hasOwn(PORTS, url.protocol)) throw refuse('The address must begin with http:// or https://.');
  if (url.username !== '' || url.password !== '')
    throw refuse('The address must not hold a name or a password.');
  const port = url.port === '' ? PORTS[url.protocol] : Number(url.port);
  if (port < FIRST_FREE_PORT && !Object.values(PORTS).includes(port))
    throw refuse('This port may not be used.');
  const address = addressOf(url);
  if (address !== undefined && !policy.allows(address))
    throw refuse('The address leads to a place that this service may not talk to.');
  return url;
}

function parse(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}
