/** A database with the data set, and the servers on it. Each server has its own copy. */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import { freePort } from '../test/support/ports.ts';
import { onServer, startPostgresql, urlOf } from '../test/support/postgresql-server.ts';
import { type Dataset, fillPostgresql, fillSqlite } from './dataset.ts';
import { loadCore, pin, type Server, startServer } from './processes.ts';
import type { Kind } from './workloads.ts';

type StartOptions = { cores?: string; env?: Record<string, string> };

export type Stand = {
  data: Dataset;
  /** A folder for temporary files. */
  folder: string;
  /** Starts a server on the processor for servers, or on the given ones, with further settings. */
  start(kind: Kind, options?: StartOptions): Promise<Server>;
  close(): Promise<void>;
};

/** With the options of `npm start`. */
const [, ...ours] = packageJson.scripts.start.split(' ');

const commands: Record<Kind, string[]> = {
  limit: ['bench/servers/limit.ts'],
  naive: ['bench/servers/naive.ts'],
  join: ['bench/servers/join.ts'],
  ours,
};

/** Returns whether a server gives the right answer yet. */
async function answers(kind: Kind, port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${port}`;
  if (kind === 'limit') return (await (await fetch(url)).text()) === '{"session":null}';
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query":"{ __typename }"}' });
  return (await response.text()) === '{"data":{"__typename":"Query"}}';
}

async function startOn(databaseUrl: string, kind: Kind, { cores, env }: StartOptions = {}): Promise<Server> {
  return startServer({
    name: kind,
    args: commands[kind],
    port: await freePort(),
    // All load comes from one address, and none of it may be refused.
    env: {
      DATABASE_URL: databaseUrl,
      PUBLIC_URL: 'https://bench.example.com',
      ALLOWED_HOSTS: '127.0.0.1',
      PASSWORD_QUEUE: '1000',
      LOGIN_ATTEMPTS_PER_ADDRESS: '1000000',
      CAPTCHA_AFTER: '1000000',
      ...env,
    },
    answers: (port) => answers(kind, port),
    ...(cores === undefined ? {} : { cores }),
  });
}

export async function openSqliteStand(data: Dataset): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-bench-'));
  const original = join(folder, 'original.db');
  await fillSqlite(original, data);
  let copies = 0;
  return {
    data,
    folder,
    async start(kind, options) {
      copies += 1;
      const file = join(folder, `${copies}.db`);
      await copyFile(original, file);
      return startOn(`file:${file}`, kind, options);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function openPostgresqlStand(data: Dataset): Promise<Stand> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-bench-'));
  const server = await startPostgresql();
  const [pid] = (await readFile(join(server.folder, 'data/postmaster.pid'), 'utf8')).split('\n');
  pin(Number(pid), loadCore);
  await onServer(server.url, 'CREATE DATABASE original');
  await fillPostgresql(urlOf(server.url, 'original'), data);
  let copies = 0;
  return {
    data,
    folder,
    async start(kind, options) {
      copies += 1;
      await onServer(server.url, `CREATE DATABASE copy${copies} TEMPLATE original`);
      const url = urlOf(server.url, `copy${copies}`);
      await onServer(url, 'ANALYZE');
      return startOn(url, kind, options);
    },
    async close() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
