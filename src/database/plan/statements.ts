/** Reads the statements of a migration, as far as Prisma writes them: not any SQL. */

/** An index that a migration makes. `definition` is everything after the name: the table, the columns. */
export type NewIndex = { name: string; table: string; isUnique: boolean; definition: string };

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
