/**
 * Keeps requests to webhooks out of private networks (server-side request forgery, OWASP API7:2023). A name is resolved
 * once, and its addresses are checked between that and the connection: a name that then leads elsewhere (DNS rebinding)
 * changes nothing.
 */
import type { LookupAddress } from 'node:dns';
import { lookup, Resolver } from 'node:dns/promises';
import { type BlockList, isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** The addresses beside the public ones to which webhooks may lead, also without encryption. */
export type AddressPolicy = { privateNetworks: BlockList };

/** The code of the error for a name that has no allowed address. It does not tell whether the name exists. */
export const noAllowedAddress = 'NO_PUBLIC_ADDRESS';

/** The addresses of IPv6 that are in use (IANA). Others may lead to an IPv4 address inside, such as ::127.0.0.1. */
const globalUnicast = ipaddr.parseCIDR('2000::/3');

/**
 * Returns whether a webhook may be at an address: a public unicast one over https, or one of the allowed networks. Not
 * public are loopback, private, link-local (the metadata of clouds), multicast and reserved ones, and those that contain
 * an IPv4 address: of 6to4, Teredo and NAT64. One mapped into IPv6 counts as the IPv4 address.
 */
export function isAllowedAddress(address: string, protocol: string, { privateNetworks }: AddressPolicy): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.process(address);
  if (privateNetworks.check(parsed.toString(), parsed.kind())) return true;
  if (protocol !== 'https:' || parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(globalUnicast);
}

/** Returns the lookup of a connection, which finds only the allowed addresses of a name. */
export function guardedLookup(protocol: string, policy: AddressPolicy): LookupFunction {
  const resolve = policy.privateNetworks.rules.length === 0 ? resolvePublicName : resolveName;
  return (name, { all }, done) => {
    const answer = (found: LookupAddress[]) => {
      const allowed = found.filter(({ address }) => isAllowedAddress(address, protocol, policy));
      const [first] = allowed;
      if (!first) done(Object.assign(new Error('The name has no allowed address.'), { code: noAllowedAddress }), '', 4);
      else if (all) done(null, allowed);
      else done(null, first.address, first.family);
    };
    resolve(name).then(answer, () => answer([]));
  };
}

/** In milliseconds, for each of the tries. */
const dnsTimeouts = { timeout: 2_000, tries: 2 };

/**
 * Asks the servers of DNS. Takes no thread of the process: names of slow servers would otherwise delay everything that
 * uses one, such as files. A new resolver, because one reads the configuration of the system only once.
 */
async function resolvePublicName(name: string): Promise<LookupAddress[]> {
  const resolver = new Resolver(dnsTimeouts);
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return [...addressesOf(four, 4), ...addressesOf(six, 6)];
}

function addressesOf(result: PromiseSettledResult<string[]>, family: 4 | 6): LookupAddress[] {
  return result.status === 'fulfilled' ? result.value.map((address) => ({ address, family })) : [];
}

/** Asks the system, which also knows the names of private networks: of /etc/hosts, and relative ones. */
function resolveName(name: string): Promise<LookupAddress[]> {
  return lookup(name, { all: true });
}
