import { BlockList, isIP } from 'node:net';
import { choice, type Environment, invalid, list } from './variables.ts';

/** Proxies by their networks, and the header in which they say whom they speak for. */
export type TrustedProxies = { networks: BlockList; header: 'x-forwarded-for' | 'forwarded' };

export function readTrustedProxies(environment: Environment): TrustedProxies {
  return {
    networks: networks('TRUSTED_PROXIES', list(environment, 'TRUSTED_PROXIES')),
    header: choice(environment, 'PROXY_HEADER', ['x-forwarded-for', 'forwarded']),
  };
}

function networks(name: string, values: string[]): BlockList {
  const result = new BlockList();
  for (const value of values) {
    const [address = '', bits] = value.split('/');
    const version = isIP(address);
    const maxPrefix = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? maxPrefix : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN;
    if (version === 0 || !(prefix >= 1 && prefix <= maxPrefix)) {
      throw invalid(
        name,
        value,
        'must be an address or a network, such as 10.0.0.0/8 or fd00::/8, and not all of them',
      );
    }
    result.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return result;
}
