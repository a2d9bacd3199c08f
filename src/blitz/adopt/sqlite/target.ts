import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { migrationFolders, readMigrations } from '../../../database/migrations.ts';
import { migrateSqlite } from '../../../database/sqlite/migrate.ts';
import { type AdoptedTable, adoptedTables, type Row } from '../source.ts';

export type TargetColumn = { name: string; type: string; isNullable: boolean; hasDefault: boolean; isKey: boolean };

/** The schema at the end of this server's history, read from a new database. */
export type Target = {
  columns: Record<AdoptedTable, TargetColumn[]>;
  /** `CREATE TABLE` of every table, by name. */
  tables: ReadonlyMap<string, string>;
  /** Every index, with its table. */
  indexes: { name: string; table: string; sql: string }[];
  /** The rows of `_prisma_migrations`. */
  history: Row[];
};

/** Creates a database of this server in a temporary folder, and reads its schema. */
export async function readTarget(): Promise<Target> {
  const folder = await mkdtemp(join(tmpdir(), 'graphql-sessions-'));
  try {
    const file = join(folder, 'target.db');
    await migrateSqlite(file, await readMigrations(migrationFolders.sqlite));
    const database = new BetterSqlite3(file);
    try {
      return describe(database);
    } finally {
      database.close();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

function describe(database: BetterSqlite3.Database): Target {
  const [user, session] = adoptedTables.map((table) => targetColumns(database, table));
  const objects = database
    .prepare<[], { type: string; name: string; table: string; sql: string }>(
      `SELECT "type", "name", "tbl_name" AS "table", "sql" FROM "sqlite_schema" WHERE "sql" IS NOT NULL
         AND "name" NOT LIKE 'sqlite_%'`,
    )
    .all();
  return {
    columns: { User: user ?? [], Session: session ?? [] },
    tables: new Map(objects.filter(({ type }) => type === 'table').map(({ name, sql }) => [name, sql])),
    indexes: objects.filter(({ type }) => type === 'index'),
    history: database.prepare<[], Row>('SELECT * FROM "_prisma_migrations"').all(),
  };
}

type ColumnInfo = { name: string; type: string; notnull: 0 | 1; dflt_value: string | null; pk: number };

/** Returns the columns of a table from `table_info`. */
export function targetColumns(database: BetterSqlite3.Database, table: string): TargetColumn[] {
  return (database.pragma(`table_info("${table}")`) as ColumnInfo[]).map((column) => ({
    name: column.name,
    type: column.type,
    isNullable: column.notnull === 0,
    hasDefault: column.dflt_value !== null,
    isKey: column.pk > 0,
  }));
}
