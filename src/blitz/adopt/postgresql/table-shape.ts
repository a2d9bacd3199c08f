/** Changes User and Session in place to their form in the second of this server's migrations. */
import { blitzColumns } from '../blitz-schema.ts';
import { type AdoptedTable, adoptedTables, type Column, quoted, type Row, type Source } from '../source.ts';

export type Run = (sql: string) => Promise<unknown>;

/** Converts the columns of Blitz.js to their types in this server's second migration. */
export async function convertColumns(source: Source, table: AdoptedTable, run: Run): Promise<void> {
  const there = await source.columns(table);
  for (const [name, { holds, isRequired }] of Object.entries(blitzColumns[table])) {
    const column = there.find((one) => one.name === name);
    const alter = alterColumn(table, name);
    if (!column) await run(`ALTER TABLE ${quoted(table)} ADD COLUMN ${quoted(name)} TEXT`);
    else if (holds === 'time') await convertTime(column, alter, run);
    else if (holds === 'text' && column.type !== 'text') await convertText(source, table, column, run);
    if (column && !isRequired) await run(`${alter} DROP NOT NULL`);
  }
}

function alterColumn(table: string, name: string): string {
  return `ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(name)}`;
}

/**
 * Converts a column to `TIMESTAMP(3)` in UTC. Finer digits are cut off, since rounding could move a time into the next
 * day.
 */
async function convertTime({ name, type }: Column, alter: string, run: Run): Promise<void> {
  if (type === 'timestamp(3) without time zone') return;
  const utc = /with time zone/.test(type) ? `${quoted(name)} AT TIME ZONE 'UTC'` : `${quoted(name)}::timestamp`;
  await run(`${alter} TYPE TIMESTAMP(3) USING date_trunc('milliseconds', ${utc})`);
}

/** Converts a column to `TEXT`. The default of an enum is one of its values, and must be converted separately. */
async function convertText(source: Source, table: string, { name }: Column, run: Run): Promise<void> {
  const alter = alterColumn(table, name);
  const [row]: Row[] = await source.query(
    `SELECT "column_default" AS "value" FROM information_schema.columns
       WHERE "table_schema" = current_schema() AND "table_name" = '${table}' AND "column_name" = '${name}'`,
  );
  const value = typeof row?.value === 'string' ? /^('(?:[^']|'')*')::/.exec(row.value)?.[1] : undefined;
  if (row?.value) await run(`${alter} DROP DEFAULT`);
  await run(`${alter} TYPE TEXT USING ${quoted(name)}::text`);
  if (value) await run(`${alter} SET DEFAULT ${value}`);
}

/** Restores NOT NULL on required columns. */
export async function restoreConstraints(run: Run): Promise<void> {
  for (const table of adoptedTables) {
    const required = Object.entries(blitzColumns[table]).filter(([, { isRequired }]) => isRequired);
    for (const [name] of required) await run(`ALTER TABLE ${quoted(table)} ALTER COLUMN ${quoted(name)} SET NOT NULL`);
  }
}

/** Replaces the foreign key of Session. The session of a deleted user stays, without a user. */
export async function setForeignKey(source: Source, run: Run): Promise<void> {
  const keys = await source.query(
    `SELECT k."conname" AS "name" FROM pg_constraint k
       JOIN pg_attribute a ON a."attrelid" = k."conrelid" AND a."attnum" = ANY (k."conkey") AND a."attname" = 'userId'
       WHERE k."conrelid" = '"Session"'::regclass AND k."contype" = 'f' AND array_length(k."conkey", 1) = 1`,
  );
  for (const { name } of keys) await run(`ALTER TABLE "Session" DROP CONSTRAINT ${quoted(String(name))}`);
  await run(
    `ALTER TABLE "Session" ADD CONSTRAINT "Session_userId_fkey"
       FOREIGN KEY ("userId") REFERENCES "User"("id") ON DELETE SET NULL ON UPDATE CASCADE`,
  );
}

/** Renames the unique index, which had another name in every version, or creates it. */
export async function renameIndex(source: Source, table: AdoptedTable, column: string, run: Run): Promise<void> {
  const wanted = `${table}_${column}_key`;
  const same = (await source.indexes(table)).filter((index) => index.isUnique && index.columns.join() === column);
  if (same.some(({ name }) => name === wanted)) return;
  const [old] = same;
  if (old) await run(`ALTER INDEX ${quoted(old.name)} RENAME TO ${quoted(wanted)}`);
  else await run(`CREATE UNIQUE INDEX ${quoted(wanted)} ON ${quoted(table)}(${quoted(column)})`);
}
