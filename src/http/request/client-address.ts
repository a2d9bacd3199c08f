import { type BlockList, isIP } from 'node:net';
import type { TrustedProxies } from '../../config/config.ts';
import type { HeaderReader } from './headers.ts';
import { stripWhitespace } from './whitespace.ts';

/**
 * The address of the client behind a connection, or null if it is not known. What a header says of it is taken from
 * trusted proxies only: from the last one back, each is believed as far as the one that named it is.
 */
export function clientAddress(peer: string | null, headers: HeaderReader, proxies: TrustedProxies): string | null {
  let address = peer === null ? null : plainAddress(peer);
  const named = headers.get(proxies.header);
  if (named === null) return address;
  for (const entry of named.split(',').reverse()) {
    if (address === null || !isTrusted(address, proxies.networks)) break;
    const before = plainAddress(proxies.header === 'forwarded' ? forwardedFor(entry) : entry);
    // What a trusted proxy could not or would not name ends the chain.
    if (before === null) break;
    address = before;
  }
  return address;
}

function isTrusted(address: string, networks: BlockList): boolean {
  return networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** `for=` of one element of a `Forwarded` header (RFC 7239 section 4), as it stands there. */
function forwardedFor(element: string): string {
  const [, value = ''] = /(?:^|;)[ \t]*for=("[^"]*"|[^; \t]+)/i.exec(stripWhitespace(element)) ?? [];
  return value.replace(/^"|"$/g, '');
}

/** An address without its port, brackets and zone, and IPv4 as such where it is mapped into IPv6. Null if it is none. */
function plainAddress(text: string): string | null {
  const trimmed = stripWhitespace(text);
  const [, bracketed] = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed) ?? [];
  const [, beforePort] = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(trimmed) ?? [];
  const address = (bracketed ?? beforePort ?? trimmed).replace(/%.*$/, '').toLowerCase();
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address) ?? [];
  return isIP(mapped ?? address) === 0 ? null : (mapped ?? address);
}
