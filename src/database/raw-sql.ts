/**
 * Statements past Prisma's client, over the connection that it uses: those of a login, of which there are many. Prisma
 * sends one of a transaction when the one before it is answered; these are sent when they are asked for, and take a
 * third of the time of a model's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SqlQueryable, Transaction } from '@prisma/driver-adapter-utils';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Database, Db } from './database.ts';
import type { OnQuery } from './dialect.ts';
import { columnTables, type RecordOf } from './hot/columns.ts';

/** What sends statements, and is told of them. */
export type Driver = { queryable: SqlQueryable; onQuery: OnQuery | undefined };

/** A database's own driver, for what is no part of a transaction. */
export type HasDriver = { $driver: Driver };

type WithId<Tables> = { [name in keyof Tables]: Tables[name] extends { id: 'id' } ? name : never }[keyof Tables];

/** The tables whose rows get their ids from the database. */
type Table = WithId<typeof columnTables>;

/** A row that is to be inserted: every column but the id. */
export type NewRow<Of extends Table> = Omit<RecordOf<(typeof columnTables)[Of]>, 'id'>;

/** A row that does not compile with properties that are no columns, also where it is no literal. */
type NothingElse<Row, Of extends Table> = Row & Record<Exclude<keyof Row, keyof NewRow<Of>>, never>;

type Begun = { transaction?: Transaction };

const beginning = new AsyncLocalStorage<Begun>();

const drivers = new WeakMap<Db, Driver>();

/** To be told by an adapter of every transaction that it begins. */
export function registerTransaction(transaction: Transaction): void {
  const begun = beginning.getStore();
  if (begun) begun.transaction = transaction;
}

/** Runs a transaction in which `run` can be used. */
export function transact<T>(database: Database, act: (db: Db) => Promise<T>): Promise<T> {
  const begun: Begun = {};
  return beginning.run(begun, () =>
    database.$transaction((db) => {
      if (!begun.transaction) throw new Error('A transaction began that its adapter does not know of.');
      drivers.set(db, { queryable: begun.transaction, onQuery: database.$driver.onQuery });
      return act(db);
    }),
  );
}

/** Carries a statement out, and returns the rows of its answer, with the columns in their order. */
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
 * @throws Error for a row that lacks one of the columns, or has another one: spread objects can hold more than their
 *   types say.
 */
function valuesOf(table: Table, columns: string[], row: object): unknown[] {
  const values = new Map<string, unknown>(Object.entries(row));
  const missing = columns.filter((column) => values.get(column) === undefined);
  const unknown = [...values.keys()].filter((column) => !columns.includes(column));
  if (missing.length > 0) throw new Error(`A row for ${table} has no ${missing.join(', ')}.`);
  if (unknown.length > 0) throw new Error(`A row for ${table} has ${unknown.join(', ')}, which is no column of it.`);
  return columns.map((column) => values.get(column));
}

/** A time, as it is in the rows of either database. */
export function toDate(time: unknown): Date {
  return new Date(time as string | number);
}

/** What a parameter is, is told by its value. */
const untyped = { scalarType: 'unknown', arity: 'scalar' } as const;

function driverOf(db: Db): Driver {
  const driver = drivers.get(db);
  if (driver) return driver;
  const database = db as Database;
  // Prisma's clients of transactions have everything that the database's has, but for this.
  if (!database.$extends) throw new Error('Only what inTransaction begins can be used here.');
  return database.$driver;
}
