/** The servers of the check, on SQLite, with the hashes of production. Most clients share one. */
import { mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort } from '../../test/support/ports.ts';
import { startProgram } from '../checks/processes.ts';

export type Server = { url: string; stop(): Promise<void> };

/** Starts a server with a database of its own below a folder, and with further settings. */
export async function startServer(parent: string, settings: Record<string, string>): Promise<Server> {
  const [folder, port] = await Promise.all([mkdtemp(join(parent, 'server-')), freePort()]);
  const env = {
    DATABASE_URL: `file:${join(folder, 'sessions.db')}`,
    MAIL_FOLDER: join(folder, 'mail'),
    PORT: String(port),
    SIGN_UPS_PER_ADDRESS: '10000',
    LOGIN_ATTEMPTS_PER_ADDRESS: '10000',
    ...settings,
  };
  const { stop } = await startProgram(process.execPath, [resolve('src/main.ts')], { cwd: folder, env, port });
  return { url: `http://127.0.0.1:${port}/graphql`, stop };
}
