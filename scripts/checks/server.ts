/** The servers of the checks of examples: real processes on SQLite, with the hashes of production. */
import { mkdtemp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { freePort } from '../../test/support/ports.ts';
import { startProgram } from './processes.ts';

export type Server = {
  url: string;
  /** The environment of the server, in which commands find its database. */
  env: Record<string, string>;
  printed(): string;
  stop(): Promise<void>;
};

/**
 * Starts a server with a database of its own below a folder, and with further settings. With the setting `PORT`, it has
 * that port, and otherwise a free one.
 */
export async function startServer(parent: string, settings: Record<string, string>): Promise<Server> {
  const [folder, port] = await Promise.all([mkdtemp(join(parent, 'server-')), freePort()]);
  const env = {
    DATABASE_URL: `file:${join(folder, 'sessions.db')}`,
    MAIL_FOLDER: join(folder, 'mail'),
    PORT: String(port),
    SIGN_UPS_PER_ADDRESS: '10000',
    LOGIN_ATTEMPTS_PER_ADDRESS: '10000',
    CAPTCHA_AFTER: '0',
    ...settings,
  };
  const started = { cwd: folder, env, port: Number(env.PORT) };
  const { printed, stop } = await startProgram(process.execPath, [resolve('src/main.ts')], started);
  return { url: `http://127.0.0.1:${env.PORT}/graphql`, env, printed, stop };
}
