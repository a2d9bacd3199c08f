/** The servers of the check: one for all applications, and one that hides which accounts exist. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { createEncryptionKey } from '../../src/encryption/keys.ts';
import { type Server, startServer } from '../checks/server.ts';
import type { Addresses } from './addresses.ts';

export type Accounts = {
  /** The service client of the backend. */
  service: { clientId: string; clientSecret: string };
  /** Runs a command of the server, and returns its output. */
  command(...args: string[]): Promise<string>;
  /** Returns the lines of the log. */
  log(): { [name: string]: unknown }[];
  stop(): Promise<void>;
};

/** Starts a server that hides which accounts exist: a sign-up is answered by mail only. */
export function startPrivateServer(folder: string, { next, spa }: Addresses): Promise<Server> {
  return startServer(folder, {
    PUBLIC_URL: next,
    ALLOWED_ORIGINS: spa,
    TRUSTED_PROXIES: '127.0.0.1',
    PRIVATE_SIGN_UP: 'true',
  });
}

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
    // Browsers accept the domain that the pages and the server share, and no top-level domain.
    PASSKEY_RP_ID: 'shop.localhost',
    PASSKEY_ORIGINS: `${spa},${next}`,
    REQUIRE_SECOND_FACTOR: 'admin',
  });
  // Commands run beside the server, which has created the database.
  async function command(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(process.execPath, [resolve('src/cli.ts'), ...args], { env });
    return stdout;
  }
  return {
    service: JSON.parse(await command('service-client', 'create', 'shop', '--scope', 'introspect', '--json')),
    command,
    log: () => [...printed().matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line)),
    stop,
  };
}
