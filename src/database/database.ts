import type { Prisma, PrismaClient } from '../generated/sqlite/client.ts';
import type { Clock } from './clock.ts';
import type { Dialect, OpenOptions, Release } from './dialect.ts';
import type { PreparedReads, SessionWithUser } from './hot/prepared-reads.ts';
import { postgresqlDialect } from './postgresql/dialect.ts';
import type { HasDriver } from './raw-sql.ts';
import { sqliteDialect } from './sqlite/dialect.ts';

/**
 * An open database: Prisma's client, and what goes past it. The client's type is SQLite's, the smaller of the two: what
 * compiles runs on both.
 */
export type Database = PrismaClient & PreparedReads & HasDriver;

/** A database, or a transaction on one. Domain functions take it first. */
export type Db = Prisma.TransactionClient;

export type { OpenOptions, Release, SessionWithUser };

function dialectOf(url: string): Dialect {
  return /^postgres(ql)?:/.test(url) ? postgresqlDialect : sqliteDialect;
}

/** Opens the database that the URL names. It must have been migrated. End it with `$disconnect`. */
export function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  return dialectOf(url).open(url, options);
}

/**
 * Brings the database up to the newest migration, creating an SQLite file where there is none. Returns the names of
 * what was applied. Of several that ask at once, one applies it.
 *
 * @throws OperatorError that names the migration which failed. The database is then as it was.
 */
export function migrateDatabase(url: string): Promise<string[]> {
  return dialectOf(url).migrate(url);
}

/**
 * Makes this process a server of the database. An SQLite file has one server at a time, beside which commands may work
 * on it; a PostgreSQL database has as many as one likes. The returned function gives it up.
 *
 * @throws OperatorError when another server has the file.
 */
export function claimDatabase(url: string): Promise<Release> {
  return dialectOf(url).claim(url);
}

/** The clock by which the sessions of a database end: the database's own, where more than one machine uses it. */
export function openClock(url: string, database: Database): Promise<Clock> {
  return dialectOf(url).clock(database);
}

/** Whether there is a database already. */
export function databaseExists(url: string): Promise<boolean> {
  return dialectOf(url).exists(url);
}

/**
 * What makes a filter for a part of a text pay no regard to case. SQLite's never does, for ASCII; Prisma's types for it
 * do not know this option.
 */
export function regardlessOfCase(url: string): object {
  return dialectOf(url) === postgresqlDialect ? { mode: 'insensitive' } : {};
}
