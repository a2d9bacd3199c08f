import pg from 'pg';
import { OperatorError } from '../../errors.ts';
import { applyMissing, type MigrationConnection, migrate, noteApplied } from '../migrate.ts';
import type { Migration } from '../migrations.ts';
import { withoutPassword } from '../url.ts';

/** Of `pg_advisory_xact_lock`: chosen at random, so that no application takes it for something else. */
const lockKey = '6146091218476530012';

/**
 * Applies what is missing of the history, as `migrate` says.
 *
 * @throws OperatorError where the database cannot be reached, too.
 */
export async function migratePostgresql(url: string, migrations: Migration[]): Promise<string[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection that breaks is found out by the statement that is sent next.
  client.on('error', () => {});
  try {
    await client.connect();
    return await migrate(connectionOf(client), migrations);
  } catch (error) {
    throw error instanceof OperatorError ? error : cannotConnect(url, error);
  } finally {
    await client.end();
  }
}

/**
 * Applies what is missing of the history in a transaction that is open, for whoever begins and ends it. Those of the
 * migrations that are named in `present` are only noted.
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
      // Whatever the database's default is: who waited for the lock must see what the one before has committed.
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

/** Waits for whoever migrates. The lock is one of the transaction, and not of the session: it holds behind a pooler. */
async function lock(client: pg.ClientBase): Promise<void> {
  await client.query(`SELECT pg_advisory_xact_lock(${lockKey})`);
}

/** Reads the catalog as other tables: `to_regclass` may answer with what it knew before it waited for the lock. */
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

/** Why a database cannot be used, for whoever named it. */
function cannotConnect(url: string, error: unknown): OperatorError {
  const reason = (error as Error).message;
  return new OperatorError(`DATABASE_URL is "${withoutPassword(url)}", which cannot be used: ${reason}.`);
}
