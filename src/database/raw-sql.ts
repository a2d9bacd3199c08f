/**
 * Statements that bypass Prisma's client, on the connection that it uses: those of a login, of which there are many.
 * Prisma sends a statement of a transaction only after the answer to the one before. These are sent at once, and take a
 * third of the time of a model's statement.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SqlQueryable, Transaction } from '@prisma/driver-adapter-utils';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Database, Db } from './database.ts';
import type { OnQuery } from './dialect.ts';
import { columnTables, type RecordOf } from './hot/columns.ts';

/** A connection that sends statements, and the listener for their SQL. */
export type Driver = { queryable: SqlQueryable; onQuery: OnQuery | undefined };

/** The driver of a database, for statements outside transactions. */
export type HasDriver = { $driver: Driver };

type WithId<Tables> = { [name in keyof Tables]: Tables[name] extends { id: 'id' } ? name : never }[keyof Tables];

/** The tables whose rows get their ids from the database. */
type Table = WithId<typeof columnTables>;

/** A row to insert: every column but the id. */
export type NewRow<Of extends Table> = Omit<RecordOf<(typeof columnTables)[Of]>, 'id'>;

/** A row type that rejects properties that are not columns at compile time, also if the row is not a literal. */
type NothingElse<Row, Of extends Table> = Row & Record<Exclude<keyof Row, keyof NewRow<Of>>, never>;

type Begun = { transaction?: Transaction };

const beginning = new AsyncLocalStorage<Begun>();

const drivers = new WeakMap<Db, Driver>();

/** Registers a transaction. Adapters call it for every transaction that they begin. */
export function registerTransaction(transaction: Transaction): void {
  const begun = beginning.getStore();
  if (begun) begun.transaction = transaction;
}

/** Runs a transaction in which `run` can be used. */
export function transact<T>(database: Database, act: (db: Db) => Promise<T>): Promise<T> {
  const begun: Begun = {};
  return beginning.run(begun, () =>
    database.$transaction((db) => {
      if (!begun.transaction) throw new Error('The adapter did not register the transaction.');
      drivers.set(db, { queryable: begun.transaction, onQuery: database.$driver.onQuery });
      return act(db);
    }),
  );
}

/** Sends a statement and returns the rows of its answer, with the columns in their order. */
export async function run(db: Db, { sql, text, values }: Prisma.Sql): Promise<unknown[][]> {
  const { queryable, onQuery } = driverOf(db);
  const statement = queryable.provider === 'sqlite' ? sql : text;
  onQuery?.(statement);
  const query = { sql: statement, args: values, argTypes: values.map(() => untyped) };
  const { rows } = await queryable.queryRaw(query);
  return rows;
}

/** Inserts a row and returns its id. */
export async function insert<Of extends Table, Row extends NewRow<Of>>(
  db: Db,
  table: Of,
  row: NothingElse<Row, Of>,
): Promise<number> {
  const columns = Object.keys(columnTables[table]).filter((column) => column !== 'id');
  const values = valuesOf(table, columns, row);
  const list = Prisma.raw(`"${table}" (${columns.map((column) => `"${column}"`).join(', ')})`);
  const [[id] = []] = await run(db, Prisma.sql`INSERT INTO ${list} VALUES (${Prisma.join(values)}) RETURNING "id"`);
  return Number(id);
}

/**
 * Returns the values of a row in the order of the columns.
 *
 * @throws Error for a row with a missing or an unknown column: spread objects can hold more than their types say.
 */
function valuesOf(table: Table, columns: string[], row: object): unknown[] {
  const values = new Map<string, unknown>(Object.entries(row));
  const missing = columns.filter((column) => values.get(column) === undefined);
  const unknown = [...values.keys()].filter((column) => !columns.includes(column));
  if (missing.length > 0) throw new Error(`A row for ${table} has no ${missing.join(', ')}.`);
  if (unknown.length > 0) throw new Error(`A row for ${table} has ${unknown.join(', ')}, which is not a column of it.`);
  return columns.map((column) => values.get(column));
}

/** Returns a time from a row of either database as a `Date`. */
export function toDate(time: unknown): Date {
  return new Date(time as string | number);
}

/** The type of every parameter: the driver derives it from the value. */
const untyped = { scalarType: 'unknown', arity: 'scalar' } as const;

function driverOf(db: Db): Driver {
  const driver = drivers.get(db);
  if (driver) return driver;
  const database = db as Database;
  // A transaction's client has every property of the database's client except this one.
  if (!database.$extends) throw new Error('This transaction was not begun by inTransaction.');
  return database.$driver;
}
