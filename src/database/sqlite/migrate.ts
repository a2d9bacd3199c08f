import type { SqlDriverAdapter } from '@prisma/driver-adapter-utils';
import { type HistoryReader, migrate, type TransactionalConnection } from '../migrate.ts';
import type { Migration } from '../migrations.ts';
import { sqliteAdapter } from './open.ts';

/** Applies the missing migrations to a file, as `migrate` describes. */
export async function migrateSqlite(file: string, migrations: Migration[]): Promise<string[]> {
  const adapter = await sqliteAdapter(file).connect();
  try {
    return await migrate(connectionOf(adapter), migrations);
  } finally {
    await adapter.dispose();
  }
}

function connectionOf(adapter: SqlDriverAdapter): TransactionalConnection {
  const query: TransactionalConnection['query'] = async (sql, values = []) => {
    const argTypes = values.map(() => ({ scalarType: 'unknown', arity: 'scalar' }) as const);
    const { rows } = await adapter.queryRaw({ sql: sql.replaceAll(/\$\d/g, '?'), args: values, argTypes });
    return rows;
  };
  return {
    ...readerOf(query),
    runScript: (sql) => adapter.executeScript(sql),
    async begin() {
      // Rebuilding a table drops the old one. With foreign keys on, that would delete the rows that refer to it. They
      // cannot be switched off inside a transaction: there, the migrations' own statements for that have no effect.
      await adapter.executeScript('PRAGMA foreign_keys = OFF');
      await adapter.executeScript('BEGIN IMMEDIATE');
    },
    createHistory: () => adapter.executeScript(createHistory),
  };
}

/** Returns the operations that read a history, on a connection that can send a query. */
export function readerOf(query: HistoryReader['query']): HistoryReader {
  return {
    query,
    async hasTable(name) {
      const sql = `SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND lower(name) = lower($1)`;
      return (await query(sql, [name])).length > 0;
    },
    async hasAnyTable() {
      return (await query(`SELECT 1 FROM sqlite_schema WHERE type = 'table' LIMIT 1`)).length > 0;
    },
  };
}

/** SQLite stores the text of the statement. */
const createHistory = `CREATE TABLE "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
);`;
