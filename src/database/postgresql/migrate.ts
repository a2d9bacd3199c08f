import { PrismaPg } from '@prisma/adapter-pg';
import type { SqlQuery, Transaction } from '@prisma/driver-adapter-utils';
import pg from 'pg';
import { OperatorError } from '../../errors.ts';
import { isUpToDate, type Migration, migrationFailed, toMigrationList } from '../migrations.ts';
import { type Connection, noFilters, onConnection, openSchemaEngine } from '../schema-engine.ts';
import { withoutPassword } from '../url.ts';

/** Of `pg_advisory_xact_lock`: chosen at random, so that no application takes it for something else. */
const lockKey = '6146091218476530012';

/**
 * Applies what is missing of the history, all of it in one transaction, and returns the names of what was applied.
 *
 * The lock is one of the transaction and not of the session, so that it holds behind a pooler too. Of several that
 * migrate at once, the others wait for the first and then find nothing to do.
 *
 * @throws OperatorError
 */
export async function migratePostgresql(url: string, migrations: Migration[], datamodel: string): Promise<string[]> {
  const pool = new pg.Pool({ connectionString: url, max: 1, connectionTimeoutMillis: 5_000 });
  const adapter = await new PrismaPg(pool).connect();
  try {
    if (await isUpToDate(adapter, migrations)) return [];
    const transaction = await adapter.startTransaction();
    try {
      const appliedMigrationNames = await applyInTransaction(transaction, migrations, datamodel);
      await run(transaction, 'COMMIT');
      await transaction.commit();
      return appliedMigrationNames;
    } catch (error) {
      await run(transaction, 'ROLLBACK');
      await transaction.rollback();
      throw error;
    }
  } catch (error) {
    throw error instanceof OperatorError ? error : cannotConnect(url, error);
  } finally {
    await pool.end();
  }
}

/**
 * The same in a transaction that is open, for whoever begins and ends it.
 *
 * @throws OperatorError, after which the transaction can only be rolled back.
 */
export async function applyInTransaction(
  transaction: Transaction,
  migrations: Migration[],
  datamodel: string,
): Promise<string[]> {
  const client = clientOf(transaction);
  let applying: string | undefined;
  let scriptError: unknown;
  const connection = inTransaction(transaction, client, (error) => {
    scriptError ??= error;
  });
  const migrationsList = toMigrationList('postgresql', migrations);
  try {
    await run(transaction, `SELECT pg_advisory_xact_lock(${lockKey})`);
    const engine = await openSchemaEngine(datamodel, onConnection(connection, withoutLock), (line) => {
      applying = /Applying `(\w+)`/.exec(line)?.[1] ?? applying;
    });
    const { appliedMigrationNames } = await engine.applyMigrations({ migrationsList, filters: noFilters });
    return appliedMigrationNames;
  } catch (error) {
    // What the engine says of a script that failed is only that the transaction is aborted.
    throw migrationFailed(applying, scriptError ?? error);
  }
}

/** The connection of a transaction, which is in a property that its type does not show. */
export function clientOf(transaction: Transaction): pg.PoolClient {
  return (transaction as unknown as { client: pg.PoolClient }).client;
}

function run(transaction: Transaction, sql: string): Promise<unknown> {
  return transaction.executeRaw({ sql, args: [], argTypes: [] });
}

/** Why a database cannot be used, for whoever named it. */
function cannotConnect(url: string, error: unknown): OperatorError {
  const reason = (error as Error).message;
  return new OperatorError(`DATABASE_URL is "${withoutPassword(url)}", which cannot be used: ${reason}.`);
}

/** Lets the engine work inside a transaction that is open. */
function inTransaction(
  transaction: Transaction,
  client: pg.PoolClient,
  onScriptError: (error: unknown) => void,
): Connection {
  return {
    provider: transaction.provider,
    adapterName: transaction.adapterName,
    queryRaw: (query) => transaction.queryRaw(query),
    executeRaw: (query) => transaction.executeRaw(query),
    async executeScript(script) {
      await client.query(script).catch((error) => {
        onScriptError(error);
        throw error;
      });
    },
  };
}

/** The engine's own lock is one of the session, which a pooler does not keep; that of the transaction makes it needless. */
function withoutLock(query: SqlQuery): SqlQuery {
  return /pg_advisory_lock/i.test(query.sql) ? { ...query, sql: 'SELECT 1' } : query;
}
