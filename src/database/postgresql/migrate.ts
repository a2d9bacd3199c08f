import type pg from 'pg';
import { OperatorError } from '../../errors.ts';
import type { MigrateOptions } from '../dialect.ts';
import {
  apply,
  applyMissing,
  failed,
  findMissing,
  isUpToDate,
  type MigrationConnection,
  note,
  noteApplied,
} from '../migrate.ts';
import type { Migration } from '../migrations.ts';
import { onlyIndexes } from '../plan/statements.ts';
import { redactUrl } from '../url.ts';
import { clientClass } from './client.ts';
import { beginMigration, lockInTransaction, stayIdle } from './migration/begin.ts';
import { areBuiltOutside, buildIndexes } from './migration/indexes.ts';
import { type LockObserver, openLockObserver } from './migration/lock-waits.ts';
import { giveUpAfterMs, isLockFailure, LockNotAvailable, retryWhileLocked } from './migration/retry.ts';

/** `limitMs` is the time for which a migration is tried again while it does not get its locks. */
type Options = MigrateOptions & { limitMs?: number };

/**
 * Applies the missing migrations, and returns their names. A new database gets them all in one transaction. Otherwise
 * servers of an earlier version may run: each migration then has its own transaction, so that a lock on a table does
 * not outlast the migration that needs it, and none waits long for a lock. A migration that only makes indexes builds
 * those of large tables outside it.
 *
 * A failure or a crash leaves the migrations before as they are, and nothing of its own but an invalid index, which the
 * next call replaces. Of several concurrent callers, one applies each migration.
 *
 * @throws OperatorError as `migrate` does, and if the database cannot be reached, or a lock is held for too long.
 */
export function migratePostgresql(url: string, migrations: Migration[], options: Options = {}): Promise<string[]> {
  const { report = () => {}, limitMs = giveUpAfterMs, signal } = options;
  return withClient(url, async (client) => {
    const observer = openLockObserver(url, report, signal);
    const run = { url, client, connection: connectionOf(client), migrations, observer };
    const applied: string[] = [];
    try {
      while (!(await isUpToDate(run.connection, migrations))) {
        applied.push(...(await retryWhileLocked(() => applyNext(run), limitMs, observer)));
      }
      return applied;
    } finally {
      await observer.close();
    }
  });
}

type Run = {
  url: string;
  client: pg.Client;
  connection: MigrationConnection;
  migrations: Migration[];
  observer: LockObserver;
};

/** Applies the next missing migration, or all of them to a new database. Returns their names. */
async function applyNext({ url, client, connection, migrations, observer }: Run): Promise<string[]> {
  try {
    const pid = await beginMigration(client, observer);
    const { isNew, missing } = await findMissing(connection, migrations);
    const [next] = missing;
    let names: string[] = [];
    if (isNew) names = await applyMissing(connection, migrations);
    else if (next) names = [await applyOne(next, { url, client, connection, observer, pid })];
    await client.query('COMMIT');
    return names;
  } catch (error) {
    // The connection may be gone. The first error is the cause.
    await client.query('ROLLBACK').catch(() => {});
    const isTold = error instanceof OperatorError || error instanceof LockNotAvailable || observer.signal?.aborted;
    throw isTold ? error : failed('Migrating', error);
  }
}

type Applying = Omit<Run, 'migrations'> & { pid: number };

/** Applies a migration in the open transaction, or outside it. Records it in the transaction. */
async function applyOne(migration: Migration, { url, client, connection, observer, pid }: Applying): Promise<string> {
  const { name, sql } = migration;
  const indexes = onlyIndexes(sql);
  const isOutside = indexes !== null && (await areBuiltOutside(client, indexes));
  const watch = isOutside ? null : observer.watch(pid, 100);
  try {
    if (isOutside) {
      const startedAt = new Date();
      await stayIdle(client);
      await buildIndexes(url, indexes, observer);
      await note(connection, migration, startedAt);
    } else {
      await apply(connection, migration);
    }
    return name;
  } catch (error) {
    if (isLockFailure(error)) throw new LockNotAvailable(name, watch?.holders() ?? 'another transaction');
    throw error instanceof OperatorError ? error : failed(`The migration ${name}`, error);
  } finally {
    watch?.stop();
  }
}

/**
 * Does something on a connection of its own to a server that can write, without the timeouts of a server's.
 *
 * @throws OperatorError if the database cannot be reached, is read-only or a standby, or refuses it.
 */
export async function withClient<T>(url: string, act: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new (clientClass(url, 'read-write'))({ connectionTimeoutMillis: 5_000 });
  // The next statement detects a broken connection.
  client.on('error', () => {});
  try {
    await client.connect();
    return await act(client);
  } catch (error) {
    throw error instanceof OperatorError || isAbort(error) ? error : cannotConnect(url, error);
  } finally {
    await client.end();
  }
}

/**
 * Applies the missing migrations in an open transaction, which the caller begins and ends. Migrations named in
 * `present` are only recorded.
 *
 * @throws OperatorError, after which the transaction can only be rolled back.
 */
export async function applyInTransaction(
  client: pg.ClientBase,
  migrations: Migration[],
  present: readonly string[],
): Promise<string[]> {
  await lockInTransaction(client);
  const connection = connectionOf(client);
  await noteApplied(
    connection,
    migrations.filter(({ name }) => present.includes(name)),
  );
  return applyMissing(connection, migrations);
}

export function connectionOf(client: pg.ClientBase): MigrationConnection {
  const query: MigrationConnection['query'] = async (text, values = []) => {
    const { rows } = await client.query<unknown[]>({ text, values, rowMode: 'array' });
    return rows;
  };
  const isTrue = async (condition: string, values?: unknown[]) => {
    const [[value] = []] = await query(`SELECT ${condition}`, values);
    return value === true;
  };
  return {
    query,
    async runScript(sql) {
      await client.query(sql);
    },
    hasTable: (name) => isTrue(hasTable, [name]),
    hasAnyTable: () => isTrue('EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema())'),
    async createHistory() {
      if (await isTrue('current_schema() IS NULL')) await client.query('CREATE SCHEMA "public"');
      await client.query(createHistory);
    },
  };
}

/**
 * Reads the catalog like any other table: `to_regclass` may answer with its knowledge from before the wait for the
 * lock.
 */
const hasTable = `EXISTS (SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ANY (current_schemas(false)))`;

const createHistory = `CREATE TABLE _prisma_migrations (
    id                      VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum                VARCHAR(64) NOT NULL,
    finished_at             TIMESTAMPTZ,
    migration_name          VARCHAR(255) NOT NULL,
    logs                    TEXT,
    rolled_back_at          TIMESTAMPTZ,
    started_at              TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count     INTEGER NOT NULL DEFAULT 0
);`;

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Returns the error for the operator if a database cannot be used. */
function cannotConnect(url: string, error: unknown): OperatorError {
  const reason = (error as Error).message;
  return new OperatorError(`DATABASE_URL is "${redactUrl(url)}", which cannot be used: ${reason}.`);
}
