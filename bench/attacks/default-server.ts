/** A server with the options of `npm start` and the default configuration, on a new database. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { freePort } from '../../test/support/ports.ts';
import { startServer } from '../processes.ts';

/** Starts it with additional Node options and other settings. `stop` deletes its files. */
export async function startDefaultServer(nodeOptions: string[] = [], settings: Record<string, string> = {}) {
  const [, ...options] = packageJson.scripts.start.split(' ');
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-attack-'));
  const server = await startServer({
    name: 'ours',
    args: [...nodeOptions, ...options],
    port: await freePort(),
    env: {
      NODE_ENV: '',
      DATABASE_URL: `file:${join(folder, 'attacked.db')}`,
      MAIL_FOLDER: join(folder, 'mail'),
      ...settings,
    },
    answers: async (port) => (await fetch(`http://127.0.0.1:${port}/health`)).ok,
  });
  return {
    ...server,
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
