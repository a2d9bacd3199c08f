import type { SqlQuery } from '@prisma/driver-adapter-utils';
import { isUpToDate, type Migration, migrationFailed, toMigrationList } from '../migrations.ts';
import { noFilters, onConnection, openSchemaEngine } from '../schema-engine.ts';
import { sqliteAdapter } from './open.ts';
import { retryWhileBusy } from './serialized-adapter.ts';

/**
 * Applies what is missing of the history, all of it in one transaction, and returns the names of what was applied.
 *
 * A failure or a crash at any point leaves the database as it was. Of two that migrate at once, the second waits for
 * the first and then finds nothing to do.
 *
 * @throws OperatorError that names the migration which failed.
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
      const engine = await openSchemaEngine(datamodel, onConnection(connection, withoutExclusiveLock), noteWhich);
      const { appliedMigrationNames } = await engine.applyMigrations({
        migrationsList: toMigrationList('sqlite', migrations),
        filters: noFilters,
      });
      await connection.executeScript('COMMIT');
      return appliedMigrationNames;
    } catch (error) {
      await connection.executeScript('ROLLBACK');
      throw migrationFailed(applying, error);
    }
  } finally {
    await connection.dispose();
  }
}

/** The engine's own lock would shut out every other connection; the transaction already keeps writers away. */
function withoutExclusiveLock(query: SqlQuery): SqlQuery {
  return /locking_mode/i.test(query.sql) ? { ...query, sql: 'PRAGMA main.locking_mode' } : query;
}
