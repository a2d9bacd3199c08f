import { type BlockList, isIP } from 'node:net';
import type { TrustedProxies } from '../../config/config.ts';
import type { HeaderReader } from './headers.ts';
import { stripWhitespace } from './whitespace.ts';

/**
 * Returns the IP address of the client of a connection, or null if it is unknown. Only trusted proxies may report it in
 * a header. From the last entry backwards, each is believed only if the address that reported it is trusted.
 */
export function clientAddress(peer: string | null, headers: HeaderReader, proxies: TrustedProxies): string | null {
  let address = peer === null ? null : plainAddress(peer);
  const named = headers.get(proxies.header);
  if (named === null) return address;
  for (const entry of named.split(',').reverse()) {
    if (address === null || !isTrusted(address, proxies.networks)) break;
    const before = plainAddress(proxies.header === 'forwarded' ? forwardedFor(entry) : entry);
    // An entry without an address, which a trusted proxy could not or would not name, ends the chain.
    if (before === null) break;
    address = before;
  }
  return address;
}

/** Returns whether the other end of a connection is a trusted proxy. */
export function isTrustedProxy(peer: string | null, { networks }: TrustedProxies): boolean {
  const address = peer === null ? null : plainAddress(peer);
  return address !== null && isTrusted(address, networks);
}

function isTrusted(address: string, networks: BlockList): boolean {
  return networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** Returns the literal value of `for=` in one element of a `Forwarded` header (RFC 7239 section 4). */
function forwardedFor(element: string): string {
  const [, value = ''] = /(?:^|;)[ \t]*for=("[^"]*"|[^; \t]+)/i.exec(stripWhitespace(element)) ?? [];
  return value.replace(/^"|"$/g, '');
}

/**
 * Returns an address without port, brackets and zone, and an IPv4-mapped IPv6 address as IPv4. Null if it is not an
 * address.
 */
export function plainAddress(text: string): string | null {
  const trimmed = stripWhitespace(text);
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed) ?? [];
  const [, beforePort] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(trimmed) ?? [];
  const address = (bracketed ?? beforePort ?? trimmed).replace(/%.*$/, '').toLowerCase();
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  return isIP(mapped ?? address) === 0 ? null : (mapped ?? address);
}
