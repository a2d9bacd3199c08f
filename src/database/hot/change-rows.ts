import { Prisma } from '../../generated/sqlite/client.ts';
import { isSqlite, quoted, run, type Statements, toDate } from '../raw-sql.ts';
import { type ColumnTable, columnTables, type RecordOf } from './columns.ts';
import { type Row, readerOf } from './select.ts';

type Table = 'Session' | 'User';

type RowOf<Of extends Table> = RecordOf<(typeof columnTables)[Of]>;

export type Update<Of extends Table> = {
  /** The new values of columns: values, or expressions on the row before. */
  set: { [column in keyof RowOf<Of>]?: RowOf<Of>[column] | Prisma.Sql };
  /** A condition on the alias `s`. */
  where: Prisma.Sql;
  /** True if connections to PostgreSQL keep the statement prepared. False for a text that differs between values. */
  isPrepared: boolean;
};

export type Change<Of extends Table> = Update<Of> & {
  /**
   * An INSERT INTO … SELECT … FROM `changed`, the relation of the changed rows. It has the columns that `set` does not
   * set to a value.
   */
  insertion: Prisma.Sql;
};

/** Changes rows of a table, and returns them as they are then. */
export async function updateRows<Of extends Table>(
  db: Statements,
  table: Of,
  { isPrepared, ...change }: Update<Of>,
): Promise<RowOf<Of>[]> {
  const { update, toRecord } = updateOf(table, change);
  return (await run(db, update, { isPrepared })).map(toRecord);
}

/**
 * Changes rows of a table, inserts rows into another one for them, and returns the changed rows. On PostgreSQL this is
 * one statement, and so a transaction if it is in none. SQLite has no such statement: there it needs a transaction, such
 * as that of `inShortTransaction`.
 */
export async function changeRows<Of extends Table>(
  db: Statements,
  table: Of,
  { insertion, isPrepared, ...change }: Change<Of>,
): Promise<RowOf<Of>[]> {
  const { update, list, toRecord } = updateOf(table, change);
  const rows = isSqlite(db)
    ? await inTwo(db, table, update, insertion)
    : await run(db, inOne(list, update, insertion), { isPrepared });
  return rows.map(toRecord);
}

/** Returns the statement, the list of the columns that it returns, and the reader of its rows. */
function updateOf<Of extends Table>(table: Of, { set, where }: Pick<Update<Of>, 'set' | 'where'>) {
  const known = Object.fromEntries(Object.entries(set).filter(([, value]) => !(value instanceof Prisma.Sql)));
  const { list, read } = othersOf(table, Object.keys(known));
  const update = Prisma.sql`UPDATE ${Prisma.raw(`"${table}"`)} AS s SET ${assignmentsOf(set)} WHERE ${where}
    RETURNING ${list}`;
  // `read` leaves out the columns of `known`.
  const toRecord = (row: unknown[]) => ({ ...read(row as Row), ...known }) as RowOf<Of>;
  return { update, list, toRecord };
}

function assignmentsOf(set: object): Prisma.Sql {
  const assignments = Object.entries(set).map(([column, value]) => {
    const name = Prisma.raw(`"${column}"`);
    return value === null ? Prisma.sql`${name} = NULL` : Prisma.sql`${name} = ${value}`;
  });
  return Prisma.join(assignments);
}

function inOne(list: Prisma.Sql, update: Prisma.Sql, insertion: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`WITH changed AS (${update}), inserted AS (${insertion}) SELECT ${list} FROM changed`;
}

async function inTwo(db: Statements, table: Table, update: Prisma.Sql, insertion: Prisma.Sql): Promise<unknown[][]> {
  const rows = await run(db, update);
  // The id is the first column of each column table.
  const ids = `[${rows.map(([id]) => id).join()}]`;
  const changed = Prisma.sql`SELECT * FROM ${Prisma.raw(`"${table}"`)}
    WHERE "id" IN (SELECT "value" FROM json_each(${ids}))`;
  if (rows.length > 0) await run(db, Prisma.sql`WITH changed AS (${changed}) ${insertion}`);
  return rows;
}

type Others = { list: Prisma.Sql; read: (row: Row) => object };

const othersByKey = new Map<string, Others>();

/** Returns the list of the columns of a table that are not among these, and the reader of their values. */
function othersOf(table: Table, columns: string[]): Others {
  const key = [table, ...columns].join();
  const found = othersByKey.get(key);
  if (found) return found;
  const others: ColumnTable = Object.fromEntries(
    Object.entries(columnTables[table]).filter(([column]) => !columns.includes(column)),
  );
  const made = { list: Prisma.raw(quoted(Object.keys(others))), read: readerOf(others, 0, toDate) };
  othersByKey.set(key, made);
  return made;
}
