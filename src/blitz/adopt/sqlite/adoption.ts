import { open as openDescriptor, rename, rm, stat } from 'node:fs/promises';
import type BetterSqlite3 from 'better-sqlite3';
import { blitzColumns } from '../blitz-schema.ts';
import { type AdoptedTable, type Adoption, adoptedTables, quoted, type Row } from '../source.ts';
import { openFile, sqliteSource } from './source.ts';
import { addColumns, renameIndexes, requireSound, rewriteTables } from './table-shape.ts';
import { readTarget, type Target } from './target.ts';

/**
 * Opens an adoption of an SQLite file in place: it edits the definitions of User and Session, and copies no row. So
 * unknown parts cannot be lost: columns, indexes, triggers, views, the AUTOINCREMENT counter, the bytes of a value.
 * This is SQLite's own procedure for a change of a type or constraint that does not change how rows are stored
 * (sqlite.org/lang_altertable.html, section 7).
 */
export async function openSqliteAdoption(file: string, backupName: string): Promise<Adoption> {
  const target = await readTarget();
  const database = openFile(file, 'change');
  let triggers: string[] = [];
  let backup: string | null = null;
  return {
    ...sqliteSource(database),
    async begin() {
      // Foreign keys cannot be switched off inside the transaction, and would act on references that were always
      // broken.
      database.pragma('foreign_keys = OFF');
      // Otherwise, a plain-text password would stay in unreferenced pages of the file.
      database.pragma('secure_delete = ON');
      database.exec('BEGIN IMMEDIATE');
    },
    async backUp() {
      // A second connection, beside the transaction that blocks other writers, sees exactly the state at its beginning.
      await backUpTo(file, backupName);
      backup = backupName;
      return backup;
    },
    async relaxConstraints() {
      triggers = dropTriggers(database);
      // SQLite does not look for nulls in a NOT NULL column.
      rewriteTables(database, target, () => true);
      for (const table of adoptedTables) {
        addColumns(database, table, target);
        writeTimes(database, table);
      }
    },
    async write(sql, values = []) {
      database.prepare(sql).run(...values);
    },
    async finish() {
      rewriteTables(database, target, ({ isNullable }) => isNullable);
      renameIndexes(database, target);
      createOwnTables(database, target);
      writeHistory(database, target.history);
      for (const sql of triggers) database.exec(sql);
      requireSound(database, target);
    },
    async commit() {
      database.exec('COMMIT');
      backup = null;
    },
    async rollback() {
      if (database.inTransaction) database.exec('ROLLBACK');
      // A backup of an unchanged database is useless.
      if (backup) await rm(backup);
    },
    async close() {
      database.close();
    },
  };
}

/** Copies a database into a file that appears complete or not at all, with the permissions of the database. */
async function backUpTo(file: string, backup: string): Promise<void> {
  const part = `${backup}.part`;
  const { mode } = await stat(file);
  const empty = await openDescriptor(part, 'wx', mode & 0o777);
  await empty.close();
  const reader = openFile(file, 'change');
  try {
    reader.prepare('VACUUM INTO ?').run(part);
    // SQLite does not sync the file to the disk here.
    const descriptor = await openDescriptor(part, 'r+');
    await descriptor.sync().finally(() => descriptor.close());
    await rename(part, backup);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  } finally {
    reader.close();
  }
}

/** Drops the triggers of the tables, so that the application does not react to a converted time. Returns their SQL. */
function dropTriggers(database: BetterSqlite3.Database): string[] {
  const triggers = database
    .prepare<[], { name: string; sql: string }>(
      `SELECT "name", "sql" FROM "sqlite_schema" WHERE "type" = 'trigger' AND lower("tbl_name") IN ('user', 'session')
         ORDER BY "rowid"`,
    )
    .all();
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${quoted(name)}`);
  return triggers.map(({ sql }) => sql);
}

/** Converts times in text to Unix milliseconds, which this server compares. */
function writeTimes(database: BetterSqlite3.Database, table: AdoptedTable): void {
  for (const [name, { holds }] of Object.entries(blitzColumns[table])) {
    if (holds !== 'time') continue;
    const column = quoted(name);
    database.exec(
      `UPDATE ${quoted(table)} SET ${column} = milliseconds(${column}) WHERE typeof(${column}) NOT IN ('integer', 'null')`,
    );
  }
}

function createOwnTables(database: BetterSqlite3.Database, target: Target): void {
  const there = new Set(
    database.prepare<[], string>(`SELECT "name" FROM "sqlite_schema" WHERE "type" = 'table'`).pluck().all(),
  );
  const missing = [...target.tables].filter(([name]) => !there.has(name));
  for (const [, sql] of missing) database.exec(sql);
  const names = new Set(missing.map(([name]) => name));
  for (const { table, sql } of target.indexes) if (names.has(table)) database.exec(sql);
}

/** Records every migration of this server as applied, beside those of the application. */
function writeHistory(database: BetterSqlite3.Database, history: Row[]): void {
  for (const row of history) {
    const names = Object.keys(row);
    database
      .prepare(
        `INSERT INTO "_prisma_migrations" (${names.map(quoted).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
      )
      .run(...Object.values(row));
  }
}
