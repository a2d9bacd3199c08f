import { BlockList, isIP } from 'node:net';
import { type Environment, invalid, list } from './variables.ts';

/** Reads a list of IP addresses and networks. @throws SettingError for another value, and for a network of all addresses */
export function networks(environment: Environment, name: string): BlockList {
  const result = new BlockList();
  for (const value of list(environment, name)) {
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
