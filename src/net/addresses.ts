import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { MalgwiError } from '../errors.js';

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** The only part of IPv6 from which public addresses are given out. */
const GLOBAL_V6 = ipaddr.parseCIDR('2000::/3') as [ipaddr.IPv6, number];

/**
 * An address, or a range in CIDR notation.
 * @returns nothing where it is neither
 */
export function parseRange(text: string): Range | undefined {
  // The library also reads forms of former times, in which 10.1 is an address.
  if (isIP(text.split('/', 1)[0]) === 0) return undefined;
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (isIP(text) === 0) return undefined;
  const address = ipaddr.process(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/**
 * Which addresses the service may talk to on behalf of a client: public ones, and those that the configuration lists.
 * Everything that the registries keep for special use (RFC 6890) is refused: loopback, private, link-local with the metadata
 * services of clouds, multicast, tunnels, translated and mapped addresses.
 */
export class AddressPolicy {
  readonly #listed: readonly Range[];

  /**
   * @param listed what {@link parseRange} takes
   * @throws MalgwiError config_invalid
   */
  constructor(listed: readonly string[] = []) {
    this.#listed = listed.map((text) => {
      const range = parseRange(text);
      if (range !== undefined) return range;
      throw new MalgwiError('config_invalid', {
        detail: 'MALGWI_ALLOW_PRIVATE_ADDRESSES holds something that is neither an address nor a range.',
      });
    });
  }

  /** @param text an IP address; anything else is refused */
  allows(text: string): boolean {
    if (isIP(text) === 0) return false;
    // An IPv4 address in IPv6's clothes counts as what it is.
    const address = ipaddr.process(text);
    if (this.#listed.some(([range, bits]) => range.kind() === address.kind() && address.match(range, bits)))
      return true;
    if (address.range() !== 'unicast') return false;
    return address.kind() === 'ipv4' || (address as ipaddr.IPv6).match(GLOBAL_V6);
  }
}
