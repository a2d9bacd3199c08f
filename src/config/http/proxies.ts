import type { BlockList } from 'node:net';
import { networks } from '../networks.ts';
import { choice, type Environment } from '../variables.ts';

/** The networks of the trusted proxies, and the header in which they report the client's address. */
export type TrustedProxies = { networks: BlockList; header: 'x-forwarded-for' | 'forwarded' };

/** Reads `TRUSTED_PROXIES` and `PROXY_HEADER`. @throws SettingError for an invalid address, network or header. */
export function readTrustedProxies(environment: Environment): TrustedProxies {
  return {
    networks: networks(environment, 'TRUSTED_PROXIES'),
    header: choice(environment, 'PROXY_HEADER', ['x-forwarded-for', 'forwarded']),
  };
}
