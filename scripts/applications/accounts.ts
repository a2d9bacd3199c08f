/** The server of the check: one for all applications. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { startServer } from '../checks/server.ts';
import type { Addresses } from './addresses.ts';

export type Accounts = {
  /** The service client of the backend. */
  service: { clientId: string; clientSecret: string };
  /** Returns the lines of the log. */
  log(): { [name: string]: unknown }[];
  stop(): Promise<void>;
};

/** Starts the server with a database below a folder. */
export async function startAccounts(folder: string, { ports, next, spa, otherSite }: Addresses): Promise<Accounts> {
  const { env, printed, stop } = await startServer(folder, {
    PORT: String(ports.server),
    // The address that browsers see: that of the application whose backend passes their requests on.
    PUBLIC_URL: next,
    ALLOWED_ORIGINS: `${spa},${otherSite}`,
    TRUSTED_PROXIES: '127.0.0.1',
    LOG_FORMAT: 'json',
    ENCRYPTION_KEYS: createEncryptionKey(),
    // Browsers accept the domain that the page and the server share, and no top-level domain.
    PASSKEY_RP_ID: 'shop.localhost',
    PASSKEY_ORIGINS: spa,
  });
  const command = ['service-client', 'create', 'shop', '--scope', 'introspect', '--json'];
  // The command runs beside the server, which has created the database.
  const { stdout } = await promisify(execFile)(process.execPath, [resolve('src/cli.ts'), ...command], { env });
  return {
    service: JSON.parse(stdout),
    log: () => [...printed().matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line)),
    stop,
  };
}
