/** The server under the check, in production mode, on a PostgreSQL that can be stopped. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type PostgresqlServer, startPostgresql } from '../../test/support/postgresql-server.ts';
import { applicationHost } from '../checks/client.ts';
import { type Running, startProgram } from '../checks/processes.ts';
import { ports } from './stack.ts';

/** Short, so that a check can let it pass. */
export const idleTimeoutMs = 3_000;

export type ServiceCredentials = { clientId: string; clientSecret: string };

export type Accounts = {
  databaseUrl: string;
  service: ServiceCredentials;
  /** Starts the server itself. The database runs before and after. */
  start(): Promise<Running>;
  stopDatabase(): Promise<void>;
  /** Starts the database again, and returns when the server answers. */
  restartDatabase(): Promise<void>;
  close(): Promise<void>;
};

/** Starts PostgreSQL, and creates the service client of the stacks with the command of the docs. */
export async function openAccounts(folder: string): Promise<Accounts> {
  const postgresql = await startPostgresql();
  const env = {
    NODE_ENV: 'production',
    DATABASE_URL: postgresql.url,
    PORT: String(ports.accounts),
    PUBLIC_URL: `https://${applicationHost}`,
    // Stacks that introspect call the server by its address. Proxies pass the host of the application on.
    ALLOWED_HOSTS: '127.0.0.1,localhost',
    TRUSTED_PROXIES: '127.0.0.1',
    SESSION_IDLE_TIMEOUT: `${idleTimeoutMs / 1_000}s`,
    SIGN_UPS_PER_ADDRESS: '10000',
    // For signed answers.
    ENCRYPTION_KEYS: await runCli(folder, {}, ['create-encryption-key']),
  };
  return {
    databaseUrl: postgresql.url,
    service: await createService(folder, env),
    start: () => startProgram(process.execPath, [resolve('src/main.ts')], { cwd: folder, env, port: ports.accounts }),
    stopDatabase: () => shutDown(postgresql),
    async restartDatabase() {
      await postgresql.restart();
      while (!(await isReady())) await sleep(50);
    },
    close: () => postgresql.stop(),
  };
}

async function createService(folder: string, env: Record<string, string>): Promise<ServiceCredentials> {
  return JSON.parse(
    await runCli(folder, env, ['service-client', 'create', 'stacks', '--scope', 'introspect', 'events', '--json']),
  );
}

async function runCli(folder: string, env: Record<string, string>, args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [resolve('src/cli.ts'), ...args], {
    cwd: folder,
    env,
  });
  return stdout.trim();
}

/** Ends PostgreSQL at once, by the id of its main process. */
async function shutDown({ folder, ended }: PostgresqlServer): Promise<void> {
  const [pid] = (await readFile(join(folder, 'data/postmaster.pid'), 'utf8')).split('\n');
  process.kill(Number(pid), 'SIGQUIT');
  await ended();
}

async function isReady(): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${ports.accounts}/ready`).catch(() => null);
  return answer?.ok === true;
}
