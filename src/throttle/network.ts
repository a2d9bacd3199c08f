import { isIP } from 'node:net';

/**
 * Returns the part of an address that its client cannot choose: the whole address for IPv4, the /64 network for IPv6,
 * in which a single machine has 2^64 addresses. IPv4 mapped into IPv6 is IPv4.
 */
export function networkOf(address: string): string {
  const ipv4 = ipv4Of(address);
  return ipv4 ?? `${groupsOf(address).slice(0, 4).join(':')}::/64`;
}

/**
 * Returns the network around `networkOf` that one customer of a provider may have: /24 of IPv4, /48 of IPv6 (RFC 6177
 * gives sites up to that, which is 65,536 networks of /64).
 */
export function widerNetworkOf(address: string): string {
  const ipv4 = ipv4Of(address);
  if (ipv4 !== null) return `${ipv4.split('.').slice(0, 3).join('.')}.0/24`;
  return `${groupsOf(address).slice(0, 3).join(':')}::/48`;
}

/** Returns the address as an IPv4 address, also if it is mapped into IPv6, or null. */
function ipv4Of(address: string): string | null {
  if (isIP(address) === 4) return address;
  const groups = groupsOf(address);
  if (groups.slice(0, 6).join() !== '0,0,0,0,0,ffff') return null;
  const [high = 0, low = 0] = groups.slice(6).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** Returns the eight groups of an IPv6 address without leading zeros. A URL has one form for every address. */
function groupsOf(address: string): string[] {
  const { hostname } = new URL(`http://[${address}]`);
  const [head = [], tail = []] = hostname
    .slice(1, -1)
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  return [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
}
