import { open as openDescriptor, rename, rm, stat } from 'node:fs/promises';
import type BetterSqlite3 from 'better-sqlite3';
import { blitzColumns } from '../blitz-schema.ts';
import { type AdoptedTable, type Adoption, adoptedTables, quoted, type Row } from '../source.ts';
import { openFile, sqliteSource } from './source.ts';
import { addColumns, renameIndexes, requireSound, rewriteTables } from './table-shape.ts';
import { readTarget, type Target } from './target.ts';

/**
 * Takes an SQLite file over where it lies: the definitions of User and Session are edited, and no row is copied. So
 * nothing that is not known can be lost: columns, indexes, triggers, views, the AUTOINCREMENT memory, the bytes of a
 * value. It is SQLite's own way where a type or a constraint changes that does not change how rows are stored
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
      // Cannot be switched off inside the transaction, and would act on what was always amiss.
      database.pragma('foreign_keys = OFF');
      // Or a password in plain text would stay in the file, where nothing refers to it.
      database.pragma('secure_delete = ON');
      database.exec('BEGIN IMMEDIATE');
    },
    async backUp() {
      // Over a second connection, beside the transaction that keeps others from writing: exactly what it begins with.
      await backUpTo(file, backupName);
      backup = backupName;
      return backup;
    },
    async relaxConstraints() {
      triggers = dropTriggers(database);
      // SQLite looks for no null where there can be none.
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
      // A copy of what is as it was is of no use.
      if (backup) await rm(backup);
    },
    async close() {
      database.close();
    },
  };
}

/**
 * Copies a database into a file that is there as a whole or not at all, which whoever may read the database may read,
 * and nobody else.
 */
async function backUpTo(file: string, backup: string): Promise<void> {
  const part = `${backup}.part`;
  const { mode } = await stat(file);
  const empty = await openDescriptor(part, 'wx', mode & 0o777);
  await empty.close();
  const reader = openFile(file, 'change');
  try {
    reader.prepare('VACUUM INTO ?').run(part);
    // SQLite does not wait for the disk here.
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

/** Takes the triggers of the tables away, so that a time that is written otherwise is no news to the application. */
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

/** Writes times that are text as Unix milliseconds, which is how this server compares them. */
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

/** Notes that every migration of this server is done, beside those of the application. */
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
