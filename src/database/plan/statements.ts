/** Reads the statements of a migration, as far as Prisma writes them: not any SQL. */

/** An index that a migration makes. `definition` is everything after the name: the table, the columns. */
export type NewIndex = { name: string; table: string; isUnique: boolean; definition: string };

/**
 * The strongest lock that a migration needs on a table, by PostgreSQL's names. `NEW` is a table that it creates. `FILE`
 * is SQLite's lock, which lets others read.
 */
export type TableLock =
  | 'FILE'
  | 'ACCESS EXCLUSIVE'
  | 'SHARE ROW EXCLUSIVE'
  | 'SHARE'
  | 'SHARE UPDATE EXCLUSIVE'
  | 'ROW EXCLUSIVE'
  | 'NEW';

/** From the weakest to the strongest. `NEW` outranks all: a lock on a new table delays no server. */
const strength: TableLock[] = ['ROW EXCLUSIVE', 'SHARE UPDATE EXCLUSIVE', 'SHARE', 'SHARE ROW EXCLUSIVE'];
const rank = (lock: TableLock) => (lock === 'NEW' ? 9 : lock === 'ACCESS EXCLUSIVE' ? 8 : strength.indexOf(lock));

const patterns: [RegExp, TableLock][] = [
  [/^CREATE TABLE (?:IF NOT EXISTS )?"(\w+)"/, 'NEW'],
  [/^(?:ALTER|DROP) TABLE (?:IF EXISTS )?"(\w+)"/, 'ACCESS EXCLUSIVE'],
  [/\bREFERENCES "(\w+)"/, 'SHARE ROW EXCLUSIVE'],
  [/^CREATE (?:UNIQUE )?INDEX .*? ON "(\w+)"/, 'SHARE'],
  [/^(?:UPDATE|INSERT INTO|DELETE FROM) "(\w+)"/, 'ROW EXCLUSIVE'],
];

/** Returns the statements of a script, without comments. */
export function statementsOf(sql: string): string[] {
  const withoutComments = sql.replace(/^\s*--.*$/gm, '');
  // A semicolon at the end of a line ends a statement, except inside a body between `$$`.
  return (withoutComments.match(/(?:\$\$[\s\S]*?\$\$|[\s\S])*?(?:;[ \t]*(?:\n|$)|$)/g) ?? [])
    .map((statement) => statement.trim().replace(/;$/, ''))
    .filter((statement) => statement !== '');
}

/** Returns the indexes of a migration that does nothing but make indexes. Null for any other. */
export function onlyIndexes(sql: string): NewIndex[] | null {
  const indexes: NewIndex[] = [];
  for (const statement of statementsOf(sql)) {
    const [, unique, name = '', definition = '', table = ''] =
      /^CREATE (UNIQUE )?INDEX (?:IF NOT EXISTS )?"(\w+)" (ON "(\w+)".*)$/s.exec(statement) ?? [];
    if (name === '') return null;
    indexes.push({ name, table, isUnique: unique !== undefined, definition });
  }
  return indexes.length === 0 ? null : indexes;
}

/** Returns the tables that a migration touches, with the strongest lock on each. Code in functions is not read. */
export function locksOf(sql: string): Map<string, TableLock> {
  const locks = new Map<string, TableLock>();
  for (const statement of statementsOf(sql)) {
    for (const [pattern, lock] of patterns) {
      const [, table] = pattern.exec(statement) ?? [];
      if (table === undefined) continue;
      const known = locks.get(table);
      if (known === undefined || rank(lock) > rank(known)) locks.set(table, lock);
    }
  }
  return locks;
}

/** Returns whether a migration has code whose effect cannot be read. */
export function hasCode(sql: string): boolean {
  return sql.includes('$$');
}
