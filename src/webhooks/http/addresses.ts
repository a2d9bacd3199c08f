/**
 * Keeps requests to webhooks out of private networks (server-side request forgery, OWASP API7:2023). A name is resolved
 * once, and its addresses are checked between that and the connection: a name that then leads elsewhere (DNS rebinding)
 * changes nothing.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { type BlockList, isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The addresses beside the public ones to which webhooks may lead, also without encryption. */
export type AddressPolicy = { privateNetworks: BlockList };

/** The code of the error for a name that has no allowed address. It does not tell whether the name exists. */
export const noAllowedAddress = 'NO_PUBLIC_ADDRESS';

/**
 * Returns whether a webhook may be at an address: a public unicast one over https, or one of the allowed networks. Not
 * public are loopback, private, link-local (the metadata of clouds), multicast and reserved ones, and those that contain
 * an IPv4 address: of 6to4, Teredo and NAT64. One mapped into IPv6 counts as the IPv4 address.
 */
export function isAllowedAddress(address: string, protocol: string, { privateNetworks }: AddressPolicy): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.process(address);
  if (privateNetworks.check(parsed.toString(), parsed.kind())) return true;
  return protocol === 'https:' && parsed.range() === 'unicast';
}

/** Returns the lookup of a connection, which finds only the allowed addresses of a name. */
export function guardedLookup(protocol: string, policy: AddressPolicy): LookupFunction {
  return (name, options, done) => {
    // `all`, so that the connection can try one after the other.
    lookup(name, { ...options, all: true }, (error, found) => {
      const addresses: LookupAddress[] = error ? [] : found;
      const allowed = addresses.filter(({ address }) => isAllowedAddress(address, protocol, policy));
      const [first] = allowed;
      if (!first) done(Object.assign(new Error('The name has no allowed address.'), { code: noAllowedAddress }), '', 4);
      else if (options.all) done(null, allowed);
      else done(null, first.address, first.family);
    });
  };
}
