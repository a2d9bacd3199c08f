import type pg from 'pg';
import { OperatorError } from '../../errors.ts';
import { applyMissing, type MigrationConnection, migrate, noteApplied } from '../migrate.ts';
import type { Migration } from '../migrations.ts';
import { redactUrl } from '../url.ts';
import { clientClass } from './client.ts';

/**
 * The key for `pg_advisory_xact_lock`. It was chosen at random, so that it does not collide with another application's.
 */
const lockKey = '6146091218476530012';

/**
 * Applies the missing migrations, as `migrate` describes.
 *
 * @throws OperatorError also if the database cannot be reached.
 */
export function migratePostgresql(url: string, migrations: Migration[]): Promise<string[]> {
  return withClient(url, (client) => migrate(connectionOf(client), migrations));
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
    throw error instanceof OperatorError ? error : cannotConnect(url, error);
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
  await lock(client);
  const connection = connectionOf(client);
  await noteApplied(
    connection,
    migrations.filter(({ name }) => present.includes(name)),
  );
  return applyMissing(connection, migrations);
}

function connectionOf(client: pg.ClientBase): MigrationConnection {
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
    async begin() {
      // Regardless of the database's default: after the wait for the lock, the commits of its earlier holder must be
      // visible.
      await client.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      await lock(client);
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
 * Waits for a running migration. The lock belongs to the transaction and not to the session, so that it works behind a
 * pooler.
 */
export async function lock(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${lockKey})`);
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

/** Returns the error for the operator if a database cannot be used. */
function cannotConnect(url: string, error: unknown): OperatorError {
  const reason = (error as Error).message;
  return new OperatorError(`DATABASE_URL is "${redactUrl(url)}", which cannot be used: ${reason}.`);
}
