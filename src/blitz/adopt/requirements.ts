/** The requirements for an adoption. Each refusal names the one that is not met. */
import { OperatorError } from '../../errors.ts';
import { blitzColumns, optionalColumns, ownColumns, ownTables, type Shape } from './blitz-schema.ts';
import { type AdoptedTable, adoptedTables, countOf, quoted, type Source } from './source.ts';

export type TextTimes = { table: AdoptedTable; column: string; count: number };

/** Checks tables and columns. @throws OperatorError if one differs from Blitz.js. */
export async function requireBlitzSchema(source: Source, { tables, columns }: Shape): Promise<void> {
  for (const table of adoptedTables) {
    for (const [name, { holds, isRequired }] of Object.entries(blitzColumns[table])) {
      const column = columns[table].find((one) => one.name === name);
      if (!column && optionalColumns.includes(name)) continue;
      if (!column) throw refusal(`${table} has no column ${name}: this is not a Blitz.js database`);
      if (column.holds !== holds) throw refusal(wrongType(table, name, column.type));
      if (isRequired && name !== 'expiresAt' && column.isNullable) await requireValues(source, table, name);
    }
    const taken = columns[table].find(({ name }) => ownColumns[table].includes(name));
    if (taken) throw refusal(`${table} has a column ${taken.name} of its own, and this server needs that name`);
  }
  const taken = ownTables.find((table) => tables.has(table));
  if (taken) throw refusal(`There is a table ${taken} that is not this server's, which needs that name`);
  if (!(await source.countsIds()))
    throw refusal('The database does not generate the ids of User and Session by itself');
  if (tables.has('_prisma_migrations')) await requireFinishedMigrations(source);
}

function wrongType(table: AdoptedTable, name: string, type: string): string {
  const what = `${table}.${name} is of the type ${type}`;
  const isId = /^(id|userId)$/.test(name);
  return isId ? `${what}, and the ids of this server are integers` : `${what}, which no version of Blitz.js gives it`;
}

async function requireValues(source: Source, table: AdoptedTable, name: string): Promise<void> {
  const missing = await countOf(source, `${quoted(table)} WHERE ${quoted(name)} IS NULL`);
  if (missing > 0) throw refusal(`${table}.${name} is NULL in ${missing} rows, and this server needs a value`);
}

async function requireFinishedMigrations(source: Source): Promise<void> {
  const [row] = await source.query(
    'SELECT "migration_name" AS "name" FROM "_prisma_migrations" WHERE "finished_at" IS NULL AND "rolled_back_at" IS NULL',
  );
  if (row) throw refusal(`The application's own migration ${row.name} was begun and not finished. Resolve it first`);
}

/** Returns the columns with times as text. @throws OperatorError for a time that cannot be read. */
export async function requireReadableTimes(source: Source): Promise<TextTimes[]> {
  const found: TextTimes[] = [];
  for (const table of adoptedTables) {
    const times = Object.entries(blitzColumns[table]).filter(([, { holds }]) => holds === 'time');
    for (const [column] of times) {
      const unreadable = `${quoted(table)} WHERE ${quoted(column)} IS NOT NULL AND ${source.time(quoted(column))} IS NULL`;
      const [row] = await source.query(
        `SELECT "id", CAST(${quoted(column)} AS TEXT) AS "value" FROM ${unreadable} ORDER BY "id" LIMIT 1`,
      );
      if (row) throw refusal(`${table}.${column} of the id ${row.id} is not a time: ${JSON.stringify(row.value)}`);
      const count = await source.countTextTimes(table, column);
      if (count > 0) found.push({ table, column, count });
    }
  }
  return found;
}

/**
 * Checks text columns of SQLite, which accepts values of any type. @throws OperatorError for a value that is not text.
 */
export async function requireTexts(source: Source): Promise<void> {
  if (source.kind !== 'sqlite') return;
  for (const table of adoptedTables) {
    for (const { name, holds } of await source.columns(table)) {
      if (holds !== 'text' || !(name in blitzColumns[table])) continue;
      const isOther = `typeof(${quoted(name)}) NOT IN ('text', 'null')`;
      const [row] = await source.query(`SELECT "id" FROM ${quoted(table)} WHERE ${isOther} ORDER BY "id" LIMIT 1`);
      if (row) throw refusal(`${table}.${name} of the id ${row.id} is not text`);
    }
  }
}

/** Checks unique columns. @throws OperatorError for duplicates. */
export async function requireNoDuplicates(source: Source): Promise<void> {
  for (const [table, column] of [
    ['User', 'email'],
    ['Session', 'handle'],
  ] as const) {
    const twice = `(SELECT 1 AS "one" FROM "${table}" GROUP BY "${column}" HAVING count(*) > 1) AS "twice"`;
    if ((await countOf(source, twice)) > 0) throw refusal(`Several rows have the same ${table}.${column}`);
  }
}

/** Returns the error for a database that cannot be adopted. */
export function refusal(reason: string): OperatorError {
  return new OperatorError(`This database cannot be adopted, and nothing was changed. ${reason}.`);
}
