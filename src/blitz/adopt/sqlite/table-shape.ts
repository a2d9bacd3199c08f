/** Changes the columns and indexes of User and Session in place to those of this server. */
import type BetterSqlite3 from 'better-sqlite3';
import { refusal } from '../requirements.ts';
import { type AdoptedTable, adoptedTables, quoted } from '../source.ts';
import { indexesOf, tableSql } from './source.ts';
import { columnNameOf, foreignKeyOf, parseTable, printTable, withType } from './table-sql.ts';
import { type Target, type TargetColumn, targetColumns } from './target.ts';

type IsNullable = (column: TargetColumn) => boolean;

/** Changes the columns of Blitz.js to the types of this server, and adds the foreign key of Session. */
export function rewriteTables(database: BetterSqlite3.Database, target: Target, isNullable: IsNullable): void {
  database.unsafeMode(true);
  database.pragma('writable_schema = ON');
  const write = database.prepare(`UPDATE "sqlite_schema" SET "sql" = ? WHERE "type" = 'table' AND "name" = ?`);
  for (const table of adoptedTables) write.run(rewritten(table, tableSql(database, table), target, isNullable), table);
  database.pragma('writable_schema = RESET');
  database.unsafeMode(false);
}

function rewritten(table: AdoptedTable, sql: string, target: Target, isNullable: IsNullable): string {
  const parsed = parseTable(sql);
  const ofTarget = parseTable(target.tables.get(table) ?? '');
  const isOurKey = (element: string) => foreignKeyOf(element)?.join().toLowerCase() === 'userid';
  const key = table === 'Session' ? ofTarget.elements.find(isOurKey)?.trim() : undefined;
  const columns = parsed.elements
    .filter((element) => !(key && isOurKey(element)))
    .map((element) => {
      const column = target.columns[table].find(({ name }) => name === columnNameOf(element));
      if (!column || column.isKey) return element;
      // A foreign key in the column itself would exist beside ours.
      const isOwnKey = key && column.name === 'userId' && /\bREFERENCES\b/i.test(element);
      if (isOwnKey) requireNoOther(element);
      return withType(isOwnKey ? '"userId"' : element, column.type, isNullable(column));
    });
  return printTable({ ...parsed, elements: key ? [...columns, key] : columns });
}

/**
 * Checks that a column has no other clause than its foreign key, because they would be lost with it. @throws
 * OperatorError
 */
function requireNoOther(element: string): void {
  if (!/\b(?:DEFAULT|CHECK|UNIQUE|COLLATE|AS)\b/i.test(element.replace(/\bSET\s+DEFAULT\b/gi, ''))) return;
  throw refusal(
    'Session.userId has a default, a check or the like beside its foreign key. Write the foreign key as a constraint of ' +
      'the table first',
  );
}

export function addColumns(database: BetterSqlite3.Database, table: AdoptedTable, target: Target): void {
  const there = new Set(targetColumns(database, table).map(({ name }) => name));
  const { elements } = parseTable(target.tables.get(table) ?? '');
  for (const element of elements) {
    const name = columnNameOf(element);
    if (name !== null && !there.has(name)) database.exec(`ALTER TABLE ${quoted(table)} ADD COLUMN ${element.trim()}`);
  }
}

/**
 * Creates the indexes of this server. An index on the same columns is replaced: it had another name in every version.
 */
export function renameIndexes(database: BetterSqlite3.Database, target: Target): void {
  for (const table of adoptedTables) {
    const there = indexesOf(database, table);
    for (const { name, sql } of target.indexes.filter((index) => index.table === table)) {
      const [, unique, columns = ''] = /^CREATE (UNIQUE )?INDEX "\w+" ON "\w+"\((.*)\)$/.exec(sql) ?? [];
      const same = there.filter(
        (index) => index.isUnique === Boolean(unique) && index.columns.map(quoted).join(', ') === columns,
      );
      if (same.some((index) => index.name === name)) continue;
      const [old] = same;
      if (old) database.exec(`DROP INDEX ${quoted(old.name)}`);
      database.exec(sql);
    }
  }
}

/** Verifies that SQLite reads the edited definitions as intended. */
export function requireSound(database: BetterSqlite3.Database, target: Target): void {
  for (const table of adoptedTables) {
    const columns = new Map(targetColumns(database, table).map((column) => [column.name, column]));
    for (const { name, type, isNullable, isKey } of target.columns[table]) {
      const column = columns.get(name);
      if (isKey || (column?.type === type && column.isNullable === isNullable)) continue;
      throw new Error(`${table}.${name} does not have the definition that it must have. Nothing was changed.`);
    }
    const found = database.pragma(`integrity_check(${quoted(table)})`) as { integrity_check: string }[];
    if (found[0]?.integrity_check !== 'ok') {
      throw new Error(`SQLite finds ${table} damaged, and nothing was changed: ${found[0]?.integrity_check}`);
    }
  }
}
