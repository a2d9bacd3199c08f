/**
 * Statements that bypass Prisma's client, on the connection that it uses: those of a login, which are many.
 * Prisma sends a statement of a transaction only after the answer to the one before. These are sent at once, and take a
 * third of the time of a model's statement.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SqlDriverAdapter, SqlQueryable, Transaction } from '@prisma/driver-adapter-utils';
import { Prisma } from '../generated/sqlite/client.ts';
import type { Database, Db } from './database.ts';
import { type OnQuery, transactionOptions } from './dialect.ts';
import { transactionIsOver } from './failures.ts';
import { columnTables, type RecordOf } from './hot/columns.ts';

/** A connection that sends statements, and the listener for their SQL. */
export type Driver = { queryable: Queryable; onQuery: OnQuery | undefined };

/** An adapter, or a transaction of it, that may keep statements prepared. */
type Queryable = SqlQueryable & { runPrepared?(sql: string, values: readonly unknown[]): Promise<unknown[][]> };

/** The driver of a database, for statements outside Prisma's transactions. */
export type HasDriver = { $driver: Driver & { queryable: SqlDriverAdapter } };

/** A transaction past Prisma's client, which takes statements by the functions of this file only. */
export type RawTransaction = { readonly isRaw: true };

/** A connection for the functions of this file. */
export type Statements = Db | RawTransaction;

type WithId<Tables> = { [name in keyof Tables]: Tables[name] extends { id: 'id' } ? name : never }[keyof Tables];

/** The tables whose rows get their ids from the database. */
type Table = WithId<typeof columnTables>;

/** A row to insert: every column but the id. */
export type NewRow<Of extends Table> = Omit<RecordOf<(typeof columnTables)[Of]>, 'id'>;

/** A row type that rejects properties that are not columns at compile time, also if the row is not a literal. */
type NothingElse<Row, Of extends Table> = Row & Record<Exclude<keyof Row, keyof NewRow<Of>>, never>;

type Begun = { transaction?: Transaction };

const beginning = new AsyncLocalStorage<Begun>();

const drivers = new WeakMap<Statements, Driver>();

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

/** Runs a transaction without Prisma's client, which takes more processor time than a few short statements. */
export async function transactRaw<T>(database: Database, act: (db: RawTransaction) => Promise<T>): Promise<T> {
  const { queryable, onQuery } = database.$driver;
  const transaction = await beginInTime(queryable);
  const db: RawTransaction = { isRaw: true };
  drivers.set(db, { queryable: transaction, onQuery });
  try {
    const result = await act(db);
    await send(transaction, 'COMMIT');
    await transaction.commit();
    return result;
  } catch (error) {
    await rollBack(transaction);
    throw error;
  }
}

/** Sends the statement that ends a transaction, where the adapter leaves that to Prisma's engine. */
async function send(transaction: Transaction, sql: 'COMMIT' | 'ROLLBACK'): Promise<void> {
  if (!transaction.options.usePhantomQuery) await transaction.executeRaw({ sql, args: [], argTypes: [] });
}

/** Rolls a transaction back. If its connection is broken, the database has done so already. */
async function rollBack(transaction: Transaction): Promise<void> {
  await send(transaction, 'ROLLBACK').catch(() => {});
  await transaction.rollback().catch(() => {});
}

/** Begins a transaction within the time that Prisma would wait. @throws an error that means 503 */
function beginInTime(queryable: SqlDriverAdapter): Promise<Transaction> {
  const { promise, resolve, reject } = Promise.withResolvers<Transaction>();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    reject(transactionIsOver());
  }, transactionOptions.maxWait);
  queryable.startTransaction().then((transaction) => {
    if (isLate) void rollBack(transaction);
    else resolve(transaction);
  }, reject);
  return promise.finally(() => clearTimeout(timer));
}

/**
 * Sends a statement and returns the rows of its answer, with the columns in their order.
 *
 * @param options.isPrepared - whether the connections to PostgreSQL keep the statement prepared: they then neither parse
 *   nor, mostly, plan it again. For frequent statements, whose text is one of a few: not for lists of any length. SQLite
 *   keeps every statement of this function prepared.
 */
export async function run(
  db: Statements,
  { sql, text, values }: Prisma.Sql,
  { isPrepared = false } = {},
): Promise<unknown[][]> {
  const { queryable, onQuery } = driverOf(db);
  const statement = queryable.provider === 'sqlite' ? sql : text;
  onQuery?.(statement);
  if (queryable.runPrepared) return queryable.runPrepared(statement, values);
  const query = { sql: statement, args: values, argTypes: values.map(() => untyped), isPrepared };
  const { rows } = await queryable.queryRaw(query);
  return rows;
}

/** Returns whether the database of a connection is SQLite. */
export function isSqlite(db: Statements): boolean {
  return driverOf(db).queryable.provider === 'sqlite';
}

/** Inserts a row and returns its id. */
export async function insert<Of extends Table, Row extends NewRow<Of>>(
  db: Db,
  table: Of,
  row: NothingElse<Row, Of>,
): Promise<bigint> {
  const columns = columnsOf(table);
  const values = valuesOf(table, columns, row);
  const list = Prisma.raw(`"${table}" (${quoted(columns)})`);
  const insertion = Prisma.sql`INSERT INTO ${list} VALUES (${Prisma.join(values)}) RETURNING "id"`;
  const [[id] = []] = await run(db, insertion, { isPrepared: true });
  return toId(id);
}

/** Inserts rows by as few statements as their number allows. */
export async function insertAll<Of extends Table>(db: Statements, table: Of, rows: NewRow<Of>[]): Promise<void> {
  const columns = columnsOf(table);
  const list = Prisma.raw(`"${table}" (${quoted(columns)})`);
  for (let from = 0; from < rows.length; from += maxRows) {
    const values = rows
      .slice(from, from + maxRows)
      .map((row) => Prisma.sql`(${Prisma.join(valuesOf(table, columns, row))})`);
    await run(db, Prisma.sql`INSERT INTO ${list} VALUES ${Prisma.join(values)}`, { isPrepared: values.length === 1 });
  }
}

/** Far below the number of parameters that a statement of either database may have. */
const maxRows = 500;

function columnsOf(table: Table): string[] {
  return Object.keys(columnTables[table]).filter((column) => column !== 'id');
}

/** Returns a list of columns for a statement. */
export function quoted(columns: string[]): string {
  return columns.map((column) => `"${column}"`).join(', ');
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

/** Returns an id from a row of either database as a bigint. */
export function toId(id: unknown): bigint {
  // What the drivers return for an id.
  return BigInt(id as bigint | string);
}

/** Returns a time from a row of either database as a `Date`. */
export function toDate(time: unknown): Date {
  // What the drivers return for a time: text, or Unix milliseconds.
  return new Date(typeof time === 'bigint' ? Number(time) : (time as string | number));
}

/** The type of every parameter: the driver derives it from the value. */
const untyped = { scalarType: 'unknown', arity: 'scalar' } as const;

function driverOf(db: Statements): Driver {
  const driver = drivers.get(db);
  if (driver) return driver;
  const database = db as Database;
  // A transaction's client has every property of the database's client except this one.
  if (!database.$extends) throw new Error('This transaction was not begun by inTransaction.');
  return database.$driver;
}
