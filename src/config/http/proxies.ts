import { BlockList, isIP } from 'node:net';
import { choice, type Environment, invalid, list } from '../variables.ts';

/** The networks of the trusted proxies, and the header in which they report the client's address. */
export type TrustedProxies = { networks: BlockList; header: 'x-forwarded-for' | 'forwarded' };

/** Reads `TRUSTED_PROXIES` and `PROXY_HEADER`. @throws SettingError for an invalid address, network or header. */
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
        'must be an IP address or a network, such as 10.0.0.0/8 or fd00::/8, but not a network of all addresses',
      );
    }
    result.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6');
  }
  return result;
}
