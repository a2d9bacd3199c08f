import { existsSync } from 'node:fs';
import BetterSqlite3 from 'better-sqlite3';
import type { HistoryReader } from '../migrate.ts';
import type { Migration } from '../migrations.ts';
import { readerOf } from '../sqlite/migrate.ts';
import { cannotOpen } from '../sqlite/open.ts';
import { type PlannedMigration, readMissing } from './plan.ts';
import { hasCode, locksOf } from './statements.ts';

/** Returns what `migrateSqlite` would do. Changes nothing, and creates no file. @throws OperatorError as it does */
export async function planSqlite(file: string, migrations: Migration[]): Promise<PlannedMigration[]> {
  const missing = existsSync(file) ? await missingIn(file, migrations) : migrations;
  return missing.map(({ name, sql }) => ({
    name,
    mode: 'TRANSACTION',
    hasCode: hasCode(sql),
    tables: [...locksOf(sql)]
      .filter(([table]) => !table.startsWith('new_'))
      .map(([table, lock]) => ({ name: table, lock: lock === 'NEW' ? lock : 'FILE', rows: null, bytes: null })),
    sql,
  }));
}

async function missingIn(file: string, migrations: Migration[]): Promise<Migration[]> {
  try {
    // A connection that may only read would leave the files of the log behind.
    const connection = new BetterSqlite3(file, { fileMustExist: true });
    connection.pragma('query_only = ON');
    const query: HistoryReader['query'] = async (sql, values = []) =>
      connection
        .prepare<unknown[], unknown[]>(sql.replaceAll(/\$\d/g, '?'))
        .raw()
        .all(...values);
    try {
      return (await readMissing(readerOf(query), migrations)).missing;
    } finally {
      connection.close();
    }
  } catch (error) {
    throw error instanceof BetterSqlite3.SqliteError ? cannotOpen(file, error) : error;
  }
}
