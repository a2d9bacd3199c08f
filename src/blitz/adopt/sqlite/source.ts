import BetterSqlite3 from 'better-sqlite3';
import { cannotOpen } from '../../../database/sqlite/open.ts';
import { adoptedTables, type Column, type Index, quoted, type Row, type Source } from '../source.ts';
import { isTime, parseTime } from '../time.ts';
import { columnNameOf, parseTable } from './table-sql.ts';
import { targetColumns } from './target.ts';

/** The maximum wait for another writer, in milliseconds. */
const timeoutMs = 5_000;

/**
 * Opens an existing SQLite file. `look` changes nothing, not even the journal mode. It still opens the file for
 * writing, so that SQLite can roll back an interrupted transaction: without that, no program can read the file.
 */
export function openFile(file: string, purpose: 'look' | 'change'): BetterSqlite3.Database {
  try {
    const database = new BetterSqlite3(file, { fileMustExist: true, timeout: timeoutMs });
    if (purpose === 'look') database.pragma('query_only = ON');
    // Otherwise, a file that is not a database would be detected only in the middle.
    database.pragma('schema_version');
    // As 64-bit integers: a REAL would become text in a column of another kind.
    database.function('milliseconds', { deterministic: true }, (value) => toMilliseconds(value));
    return database;
  } catch (error) {
    throw cannotOpen(file, error);
  }
}

function toMilliseconds(value: unknown): bigint | null {
  const time = typeof value === 'string' ? parseTime(value) : value;
  return typeof time === 'number' && Number.isInteger(time) && isTime(time) ? BigInt(time) : null;
}

export function sqliteSource(database: BetterSqlite3.Database): Source {
  const query = async (sql: string) => database.prepare<[], Row>(sql).all();
  return {
    kind: 'sqlite',
    query,
    async tables() {
      const rows = await query(
        `SELECT "name" FROM "sqlite_schema" WHERE "type" = 'table' AND "name" NOT LIKE 'sqlite_%' ORDER BY "name"`,
      );
      return rows.map(({ name }) => String(name));
    },
    async columns(table) {
      return targetColumns(database, table).map(({ name, type, isNullable }) => ({
        name,
        type,
        isNullable,
        holds: whatHolds(type),
      }));
    },
    async indexes(table) {
      return indexesOf(database, table);
    },
    async countsIds() {
      return adoptedTables.every((table) => /AUTOINCREMENT/i.test(elementOf(database, table, 'id')));
    },
    time: (column) => `milliseconds(${column})`,
    async countTextTimes(table, column) {
      const [row] = await query(
        `SELECT count(*) AS "count" FROM ${quoted(table)} WHERE typeof(${quoted(column)}) = 'text'`,
      );
      return Number(row?.count);
    },
    literal: (moment) => String(moment.getTime()),
  };
}

function whatHolds(type: string): Column['holds'] {
  if (/^(DATE|DATETIME|TIMESTAMP)$/i.test(type)) return 'time';
  if (/^INT(EGER)?$/i.test(type)) return 'number';
  return /^(TEXT|(VAR)?CHAR(\(\d+\))?)$/i.test(type) ? 'text' : 'other';
}

/** Returns the definition of a column in its original text. */
function elementOf(database: BetterSqlite3.Database, table: string, column: string): string {
  const { elements } = parseTable(tableSql(database, table));
  return elements.find((element) => columnNameOf(element) === column) ?? '';
}

/** Returns the `CREATE TABLE` statement of a table, as SQLite stores it. */
export function tableSql(database: BetterSqlite3.Database, table: string): string {
  const sql = database
    .prepare<[string], string>(`SELECT "sql" FROM "sqlite_schema" WHERE "type" = 'table' AND "name" = ?`)
    .pluck()
    .get(table);
  return sql ?? '';
}

type IndexInfo = { name: string; unique: 0 | 1; origin: string; partial: 0 | 1 };

/**
 * Returns the indexes that were created by a statement of their own, on whole tables and plain columns, with the BINARY
 * collation. An index that ignores case is another guarantee.
 */
export function indexesOf(database: BetterSqlite3.Database, table: string): Index[] {
  const made = (database.pragma(`index_list(${quoted(table)})`) as IndexInfo[]).filter(
    ({ origin, partial }) => origin === 'c' && partial === 0,
  );
  return made.flatMap(({ name, unique }) => {
    const info = database.pragma(`index_xinfo(${quoted(name)})`) as { name: string | null; coll: string; key: 0 | 1 }[];
    const keys = info.filter(({ key }) => key === 1);
    if (keys.some(({ coll }) => coll !== 'BINARY')) return [];
    return { name, isUnique: unique === 1, columns: keys.map((column) => column.name ?? '(expression)') };
  });
}
