import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory, SqlQuery } from '@prisma/driver-adapter-utils';
import { StartError } from '../../errors.ts';
import { type Migration, toMigrationList } from '../migrations.ts';
import { noFilters, openSchemaEngine } from '../schema-engine.ts';
import { sqliteAdapter } from './open.ts';
import { retryWhileBusy } from './serialized-adapter.ts';

/**
 * Applies what is missing of the history, all of it in one transaction, and returns the names of what was applied.
 *
 * A failure or a crash at any point leaves the database as it was. Of two that migrate at once, the second waits for
 * the first and then finds nothing to do.
 *
 * @throws StartError that names the migration which failed.
 */
export async function migrateSqlite(file: string, migrations: Migration[], datamodel: string): Promise<string[]> {
  const connection = await sqliteAdapter(file).connect();
  try {
    if (await isUpToDate(connection, migrations)) return [];
    // Rebuilding a table drops the old one, which with foreign keys on would delete what refers to it. It cannot be
    // switched off inside a transaction, where the migrations' own statements to that end do nothing.
    await connection.executeScript('PRAGMA foreign_keys = OFF');
    await retryWhileBusy(async () => connection.executeScript('BEGIN IMMEDIATE'));
    let applying: string | undefined;
    const noteWhich = (line: string) => {
      applying = /Applying `(\w+)`/.exec(line)?.[1] ?? applying;
    };
    try {
      const engine = await openSchemaEngine(datamodel, oneConnection(connection), noteWhich);
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: toMigrationList('sqlite', migrations),
        filters: noFilters,
      });
      await connection.executeScript('COMMIT');
      return appliedMigrationNames;
    } catch (error) {
      await connection.executeScript('ROLLBACK');
      const what = applying === undefined ? 'Migrating' : `The migration ${applying}`;
      throw new StartError(`${what} failed, and nothing was changed: ${(error as Error).message}`);
    }
  } finally {
    await connection.dispose();
  }
}

/** Whether every migration is applied, which spares a start the loading of the engine. */
async function isUpToDate(connection: SqlDriverAdapter, migrations: Migration[]): Promise<boolean> {
  const query = (sql: string) => connection.queryRaw({ sql, args: [], argTypes: [] });
  const table = await query(`SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_prisma_migrations'`);
  if (table.rows.length === 0) return false;
  const applied = await query(
    `SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL`,
  );
  const names = new Set(applied.rows.map(([name]) => name));
  return migrations.every(({ name }) => names.has(name));
}

/** Lets the engine work on a connection that is open, perhaps with a transaction, instead of on one of its own. */
export function oneConnection(connection: SqlDriverAdapter): SqlMigrationAwareDriverAdapterFactory {
  const shared: SqlDriverAdapter = {
    provider: connection.provider,
    adapterName: connection.adapterName,
    queryRaw: (query) => connection.queryRaw(withoutExclusiveLock(query)),
    executeRaw: (query) => connection.executeRaw(withoutExclusiveLock(query)),
    executeScript: (script) => connection.executeScript(script),
    startTransaction: () => Promise.reject(new Error('The schema engine is not known to begin transactions.')),
    dispose: () => Promise.resolve(),
  };
  const connect = () => Promise.resolve(shared);
  return { provider: 'sqlite', adapterName: connection.adapterName, connect, connectToShadowDb: connect };
}

/** The engine's own lock would shut out every other connection; the transaction already keeps writers away. */
function withoutExclusiveLock(query: SqlQuery): SqlQuery {
  return /locking_mode/i.test(query.sql) ? { ...query, sql: 'PRAGMA main.locking_mode' } : query;
}
