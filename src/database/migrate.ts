import { hash, randomUUID } from 'node:crypto';
import { isDriverAdapterError } from '@prisma/driver-adapter-utils';
import { OperatorError } from '../errors.ts';
import type { Migration } from './migrations.ts';

/** A connection for migrations, with the operations that differ between SQLite and PostgreSQL. */
export type MigrationConnection = {
  /** Sends one statement with the parameters `$1`, `$2` and so on, and returns the rows of the answer. */
  query(sql: string, values?: unknown[]): Promise<unknown[][]>;
  /** Runs all statements of a script. */
  runScript(sql: string): Promise<void>;
  /** Returns whether a statement finds a table by this name without a schema. */
  hasTable(name: string): Promise<boolean>;
  /** Returns whether the schema for new tables contains any table. */
  hasAnyTable(): Promise<boolean>;
  /** Creates `_prisma_migrations` by the exact statement of Prisma's schema engine. */
  createHistory(): Promise<void>;
};

/** The operations of a connection that read a history. */
export type HistoryReader = Pick<MigrationConnection, 'query' | 'hasTable' | 'hasAnyTable'>;

/** `isNew` is a database without any table. */
export type Missing = { isNew: boolean; missing: Migration[] };

/** A connection that can apply all migrations in one transaction. */
export type TransactionalConnection = MigrationConnection & {
  /** Begins a transaction that excludes other migrations, and waits for a running one. */
  begin(): Promise<void>;
};

/**
 * Applies the missing migrations in one transaction, and returns their names.
 *
 * A failure or a crash at any point leaves the database unchanged. Of several concurrent callers, the others wait for
 * the first, and then find nothing to do.
 *
 * @throws OperatorError that names the failed migration, or says that the database belongs to another application.
 */
export async function migrate(connection: TransactionalConnection, migrations: Migration[]): Promise<string[]> {
  if (await isUpToDate(connection, migrations)) return [];
  try {
    await connection.begin();
    const applied = await applyMissing(connection, migrations);
    await connection.runScript('COMMIT');
    return applied;
  } catch (error) {
    // The database may have rolled back by itself, or be gone. The first error is the cause.
    await connection.runScript('ROLLBACK').catch(() => {});
    throw error instanceof OperatorError ? error : failed('Migrating', error);
  }
}

/**
 * Applies the missing migrations in an open transaction, which the caller begins and ends. Returns their names. Rows of
 * migrations that are not in the list are ignored: they belong to a newer version, which may run beside this one.
 * Checksums that differ are ignored too, as by Prisma's schema engine.
 *
 * @throws OperatorError, after which the transaction can only be rolled back.
 */
export async function applyMissing(connection: MigrationConnection, migrations: Migration[]): Promise<string[]> {
  const { isNew, missing } = await findMissing(connection, migrations);
  if (isNew) await connection.createHistory();
  for (const migration of missing) await apply(connection, migration);
  return missing.map(({ name }) => name);
}

/**
 * Returns the migrations that a database lacks, oldest first. Changes nothing.
 *
 * @throws OperatorError for a failed migration, and for a database with tables of another application.
 */
export async function findMissing(connection: HistoryReader, migrations: Migration[]): Promise<Missing> {
  if (!(await connection.hasTable(historyTable))) {
    if (await connection.hasAnyTable()) throw new OperatorError(isNotEmpty);
    return { isNew: true, missing: migrations };
  }
  const rows = await connection.query(
    `SELECT migration_name, finished_at FROM ${historyTable} WHERE rolled_back_at IS NULL`,
  );
  const unfinished = rows.find(([, finishedAt]) => finishedAt === null);
  if (unfinished) throw new OperatorError(isUnfinished(String(unfinished[0])));
  const applied = new Set(rows.map(([name]) => name));
  return { isNew: false, missing: migrations.filter(({ name }) => !applied.has(name)) };
}

/** Records migrations as applied whose effects are already there. Creates the history if there is none. */
export async function noteApplied(connection: MigrationConnection, migrations: Migration[]): Promise<void> {
  if (!(await connection.hasTable(historyTable))) await connection.createHistory();
  for (const migration of migrations) await note(connection, migration, new Date());
}

/**
 * Returns whether every migration is applied, which saves a start the transaction.
 *
 * @throws OperatorError for a database with users of another application.
 */
export async function isUpToDate(connection: HistoryReader, migrations: Migration[]): Promise<boolean> {
  // In this order, because a concurrent migration makes both visible at once.
  const hasUsers = await connection.hasTable('User');
  const names = (await connection.hasTable(historyTable)) ? await appliedNames(connection) : new Set();
  if (hasUsers && !names.has(migrations[0]?.name)) throw new OperatorError(belongsToAnother);
  return migrations.every(({ name }) => names.has(name));
}

async function appliedNames(connection: HistoryReader): Promise<Set<unknown>> {
  const rows = await connection.query(
    `SELECT migration_name FROM ${historyTable} WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  return new Set(rows.map(([name]) => name));
}

/**
 * Runs a migration and records it, in an open transaction.
 *
 * @throws OperatorError that names the migration. Its cause is the error of the database.
 */
export async function apply(connection: MigrationConnection, migration: Migration): Promise<void> {
  const startedAt = new Date();
  try {
    await connection.runScript(migration.sql);
    await note(connection, migration, startedAt);
  } catch (error) {
    throw failed(`The migration ${migration.name}`, error);
  }
}

/** Records a migration as applied. */
export async function note(connection: MigrationConnection, migration: Migration, startedAt: Date): Promise<void> {
  const { name, sql } = migration;
  await connection.query(
    `INSERT INTO ${historyTable} (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, $4, $5, 1)`,
    [randomUUID(), hash('sha256', sql), name, startedAt, new Date()],
  );
}

const historyTable = '_prisma_migrations';

const belongsToAnother =
  'The database contains users of another application, and nothing was changed. "graphql-sessions adopt" shows whether ' +
  'it can be adopted, and what that changes. Otherwise, set DATABASE_URL to another database.';

const isNotEmpty =
  'The database contains tables of another application, and nothing was changed. Set DATABASE_URL to another database.';

function isUnfinished(name: string): string {
  return (
    `The migration ${name} failed earlier, and nothing was changed: its row in ${historyTable} has neither ` +
    'finished_at nor rolled_back_at. Repair its partial changes, then set one of the two.'
  );
}

/** Returns the error for the operator, with the database's own message. Its cause is the error of the database. */
export function failed(what: string, error: unknown): OperatorError {
  const words = (isDriverAdapterError(error) && error.cause.originalMessage) || (error as Error).message;
  const advice = (error as { code?: unknown }).code === insufficientPrivilege ? `. ${asOwner}` : '';
  return new OperatorError(`${what} failed, and changed nothing: ${words}${advice}`, { cause: error });
}

/** The SQLSTATE of PostgreSQL for a role that may not do what it tries. */
const insufficientPrivilege = '42501';

const asOwner = 'Run "graphql-sessions migrate" as the role that owns the tables.';
