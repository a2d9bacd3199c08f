/** The server of the check: one for all applications, on SQLite, with the hashes of production. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startProgram } from '../checks/processes.ts';
import type { Addresses } from './addresses.ts';

export type Server = {
  /** The service client of the backend. */
  service: { clientId: string; clientSecret: string };
  /** Returns the lines of the log. */
  log(): { [name: string]: unknown }[];
  stop(): Promise<void>;
};

/** Starts the server with a database in a folder. */
export async function startServer(folder: string, { ports, next, spa, otherSite }: Addresses): Promise<Server> {
  const env = {
    DATABASE_URL: `file:${join(folder, 'sessions.db')}`,
    MAIL_FOLDER: join(folder, 'mail'),
    PORT: String(ports.server),
    // The address that browsers see: that of the application whose backend passes their requests on.
    PUBLIC_URL: next,
    ALLOWED_ORIGINS: `${spa},${otherSite}`,
    TRUSTED_PROXIES: '127.0.0.1',
    LOG_FORMAT: 'json',
  };
  const command = ['service-client', 'create', 'shop', '--scope', 'introspect', '--json'];
  const started = { cwd: folder, env, port: ports.server };
  const { stop, printed } = await startProgram(process.execPath, [resolve('src/main.ts')], started);
  // The command runs beside the server, which has created the database.
  const cli = await promisify(execFile)(process.execPath, [resolve('src/cli.ts'), ...command], { cwd: folder, env });
  return {
    service: JSON.parse(cli.stdout),
    log: () => [...printed().matchAll(/^\{.*\}$/gm)].map(([line]) => JSON.parse(line)),
    stop,
  };
}
