import { lookup } from 'node:dns';
import type { LookupAddress } from 'node:dns';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { Agent, buildConnector } from 'undici';
import { MalgwiError } from '../errors.js';
import type { AddressPolicy } from './addresses.js';

export type Resolve = (
  name: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

const system: Resolve = (name, done) => lookup(name, { all: true, verbatim: true }, done);
const CONNECT_MS = 10_000;
/** Time until the first byte of an answer, and between two pieces of it. */
const SILENCE_MS = 30_000;

const forbidden = (): MalgwiError =>
  new MalgwiError('url_not_allowed', {
    detail: 'The address leads to a place that this service may not talk to.',
  });

/**
 * An HTTP agent that reaches only what the policy allows. A name is resolved once, by the agent; what it resolved to is checked,
 * and the very same addresses are connected to: a name that means something else a moment later gains nothing.
 */
export function guardedAgent(policy: AddressPolicy, resolve: Resolve = system): Agent {
  const guarded: LookupFunction = (name, options, done) => {
    resolve(name, (error, addresses) => {
      if (error !== null) return done(error, []);
      const wanted = options.family === 4 || options.family === 6 ? options.family : undefined;
      const allowed = addresses.filter(
        ({ address, family }) => policy.allows(address) && (wanted === undefined || family === wanted),
      );
      if (allowed.length === 0) return done(forbidden(), []);
      if (options.all === true) return done(null, allowed);
      return done(null, allowed[0].address, allowed[0].family);
    });
  };
  const connect = buildConnector({ lookup: guarded, timeout: CONNECT_MS, allowH2: false });
  return new Agent({
    connect: (options, done) => {
      const host = options.hostname.replace(/^\[|\]$/g, '');
      // Node does not look addresses up: they never come by the function above.
      if (isIP(host) !== 0 && !policy.allows(host)) return done(forbidden(), null);
      return connect(options, done);
    },
    headersTimeout: SILENCE_MS,
    bodyTimeout: SILENCE_MS,
    maxHeaderSize: 16 * 1024,
    // Connections are not kept: strangers' servers are seldom asked twice.
    pipelining: 0,
  });
}
