/**
 * Statements past Prisma's client, over the connection that it uses: those of a login, of which there are many. Prisma
 * sends one of a transaction when the one before it is answered; these are sent when they are asked for, and take a
 * third of the time of a model's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { SqlQueryable, Transaction } from '@prisma/driver-adapter-utils';
import { type AuditEvent, Prisma, type Session, type UserToken } from '../generated/sqlite/client.ts';
import type { Database, Db } from './database.ts';
import type { OnQuery } from './provider.ts';

/** What sends statements, and is told of them. */
export type Driver = { queryable: SqlQueryable; onQuery: OnQuery | undefined };

/** A database's own driver, for what is no part of a transaction. */
export type HasDriver = { $driver: Driver };

/** The tables that are written to so often, and what their rows hold. */
type Rows = { Session: Session; AuditEvent: AuditEvent; UserToken: UserToken };

type Begun = { transaction?: Transaction };

const beginning = new AsyncLocalStorage<Begun>();

const drivers = new WeakMap<Db, Driver>();

/** To be told by an adapter of every transaction that it begins. */
export function hasBegun(transaction: Transaction): void {
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
  const query = { sql: statement, args: values, argTypes: values.map(() => asItIs) };
  const { rows } = await queryable.queryRaw(query);
  return rows;
}

/** Adds a row, with every column but the id, and returns that. */
export async function insert<Table extends keyof Rows>(
  db: Db,
  table: Table,
  row: Omit<Rows[Table], 'id'>,
): Promise<number> {
  const columns = Object.keys(row).map((column) => `"${column}"`);
  const [[id] = []] = await run(
    db,
    Prisma.sql`INSERT INTO ${Prisma.raw(`"${table}" (${columns.join(', ')})`)} VALUES (${Prisma.join(Object.values(row))})
      RETURNING "id"`,
  );
  return Number(id);
}

/** A time, as it is in the rows of either database. */
export function toDate(time: unknown): Date {
  return new Date(time as string | number);
}

/** What a parameter is, is told by its value. */
const asItIs = { scalarType: 'unknown', arity: 'scalar' } as const;

function driverOf(db: Db): Driver {
  const driver = drivers.get(db);
  if (driver) return driver;
  const database = db as Database;
  // Prisma's clients of transactions have everything that the database's has, but for this.
  if (!database.$extends) throw new Error('Only what inTransaction begins can be used here.');
  return database.$driver;
}
