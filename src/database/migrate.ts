import { hash, randomUUID } from 'node:crypto';
import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import { OperatorError } from '../errors.ts';
import type { Migration } from './migrations.ts';

/** A connection to a database that is migrated, and what differs from one kind of database to the other. */
export type MigrationConnection = {
  /** Sends one statement, whose parameters are `$1`, `$2` and so on, and returns the rows of the answer. */
  query(sql: string, values?: unknown[]): Promise<unknown[][]>;
  /** Runs all statements of a script. */
  runScript(sql: string): Promise<void>;
  /** Begins a transaction that nobody else who migrates has at the same time, and waits for it. */
  begin(): Promise<void>;
  /** Tells whether a statement that names this table, without a schema, finds one. */
  hasTable(name: string): Promise<boolean>;
  /** Tells whether there is any table where new ones are created. */
  hasAnyTable(): Promise<boolean>;
  /** Creates `_prisma_migrations` by the very statement that Prisma's schema engine sends. */
  createHistory(): Promise<void>;
};

/**
 * Applies what is missing of the history, all of it in one transaction, and returns the names of what was applied.
 *
 * A failure or a crash at any point leaves the database as it was. Of several that migrate at once, the others wait for
 * the first and then find nothing to do.
 *
 * @throws OperatorError that names the migration which failed, or says whose database it is.
 */
export async function migrate(connection: MigrationConnection, migrations: Migration[]): Promise<string[]> {
  if (await isUpToDate(connection, migrations)) return [];
  try {
    await connection.begin();
    const applied = await applyMissing(connection, migrations);
    await connection.runScript('COMMIT');
    return applied;
  } catch (error) {
    // The database may have rolled back by itself, or be gone; the first error says why.
    await connection.runScript('ROLLBACK').catch(() => {});
    throw error instanceof OperatorError ? error : failed('Migrating', error);
  }
}

/**
 * Applies what is missing of the history in a transaction that is open, for whoever begins and ends it. Returns the
 * names of what was applied. Rows of migrations that are not in the list are ignored: those of a newer version, which
 * may run beside this one. So are checksums that differ, as by Prisma's schema engine.
 *
 * @throws OperatorError, after which the transaction can only be rolled back.
 */
export async function applyMissing(connection: MigrationConnection, migrations: Migration[]): Promise<string[]> {
  if (!(await connection.hasTable(historyTable))) {
    if (await connection.hasAnyTable()) throw new OperatorError(isNotEmpty);
    await connection.createHistory();
  }
  const rows = await connection.query(
    `SELECT migration_name, finished_at FROM ${historyTable} WHERE rolled_back_at IS NULL`,
  );
  const unfinished = rows.find(([, finishedAt]) => finishedAt === null);
  if (unfinished) throw new OperatorError(isUnfinished(String(unfinished[0])));
  const applied = new Set(rows.map(([name]) => name));
  const missing = migrations.filter(({ name }) => !applied.has(name));
  for (const migration of missing) await apply(connection, migration);
  return missing.map(({ name }) => name);
}

/** Notes migrations as applied whose effects are there already, in a history that is made where there is none. */
export async function noteApplied(connection: MigrationConnection, migrations: Migration[]): Promise<void> {
  if (!(await connection.hasTable(historyTable))) await connection.createHistory();
  for (const migration of migrations) await note(connection, migration, new Date());
}

/**
 * Tells whether every migration is applied, which spares a start the transaction.
 *
 * @throws OperatorError for a database with users that another program keeps.
 */
async function isUpToDate(connection: MigrationConnection, migrations: Migration[]): Promise<boolean> {
  // In this order: somebody else may be migrating, and makes both visible at once.
  const hasUsers = await connection.hasTable('User');
  const names = (await connection.hasTable(historyTable)) ? await appliedNames(connection) : new Set();
  if (hasUsers && !names.has(migrations[0]?.name)) throw new OperatorError(isSomebodyElses);
  return migrations.every(({ name }) => names.has(name));
}

async function appliedNames(connection: MigrationConnection): Promise<Set<unknown>> {
  const rows = await connection.query(
    `SELECT migration_name FROM ${historyTable} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  return new Set(rows.map(([name]) => name));
}

async function apply(connection: MigrationConnection, migration: Migration): Promise<void> {
  const startedAt = new Date();
  try {
    await connection.runScript(migration.sql);
    await note(connection, migration, startedAt);
  } catch (error) {
    throw failed(`The migration ${migration.name}`, error);
  }
}

async function note(connection: MigrationConnection, { name, sql }: Migration, startedAt: Date): Promise<void> {
  await connection.query(
    `INSERT INTO ${historyTable} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, $4, $5, 1)`,
    [randomUUID(), hash('sha256', sql), name, startedAt, new Date()],
  );
}

const historyTable = '_prisma_migrations';

const isSomebodyElses =
  'The database has users that another application keeps, and nothing was changed. "npm run cli -- adopt" ' +
  'says whether it can be taken over, and what that does. Otherwise let DATABASE_URL name another database.';

const isNotEmpty =
  'The database has tables that another application keeps, and nothing was changed. Let DATABASE_URL name another one.';

function isUnfinished(name: string): string {
  return (
    `The migration ${name} failed earlier, and nothing was changed: its row in ${historyTable} has neither ` +
    'finished_at nor rolled_back_at. Repair what it left behind, and set one of the two.'
  );
}

/** Returns what whoever started the server is told, in the database's own words. */
function failed(what: string, error: unknown): OperatorError {
  const words = isDriverAdapterError(error) ? error.cause.originalMessage : undefined;
  return new OperatorError(`${what} failed, and nothing was changed: ${words ?? (error as Error).message}`);
}
