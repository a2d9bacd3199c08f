/** The server of the check: one for all clients, on SQLite, with the hashes of production. */
import { join, resolve } from 'node:path';
import { freePort } from '../../test/support/postgresql-server.ts';
import { startProgram } from '../stacks/processes.ts';

export type Server = { url: string; stop(): Promise<void> };

/** Starts a server with a database in a folder. Pages of the origin may send requests with cookies. */
export async function startServer(folder: string, origin: string): Promise<Server> {
  const port = await freePort();
  const env = {
    DATABASE_URL: `file:${join(folder, 'sessions.db')}`,
    MAIL_FOLDER: join(folder, 'mail'),
    PORT: String(port),
    ALLOWED_ORIGINS: origin,
    SIGN_UPS_PER_ADDRESS: '10000',
    LOGIN_ATTEMPTS_PER_ADDRESS: '10000',
  };
  const { stop } = await startProgram(process.execPath, [resolve('src/main.ts')], { cwd: folder, env, port });
  return { url: `http://127.0.0.1:${port}/graphql`, stop };
}
