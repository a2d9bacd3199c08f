import type { Prisma, PrismaClient } from '../generated/sqlite/client.ts';
import type { Clock } from './clock.ts';
import type { DatabaseFacts, Dialect, MigrateOptions, OpenOptions, Release, Restored } from './dialect.ts';
import type { PreparedReads, SessionWithUser } from './hot/prepared-reads.ts';
import { type Ids, largestIds } from './ids.ts';
import type { HasStorage } from './observe/storage.ts';
import type { PlannedMigration } from './plan/plan.ts';
import { postgresqlDialect } from './postgresql/dialect.ts';
import type { HasDriver } from './raw-sql.ts';
import type { HasProbe } from './readiness/probe.ts';
import { sqliteDialect } from './sqlite/dialect.ts';

/**
 * An open database: Prisma's client, and the operations that bypass it. The type is that of SQLite's client, the
 * smaller of the two, so that code that compiles runs on both.
 */
export type Database = PrismaClient & PreparedReads & Ids & HasDriver & HasStorage & HasProbe;

/** A database, or a transaction on one. Domain functions take it as their first parameter. */
export type Db = Prisma.TransactionClient;

export type { DatabaseFacts, OpenOptions, PlannedMigration, Release, Restored, SessionWithUser };

function dialectOf(url: string): Dialect {
  return /^postgres(ql)?:/.test(url) ? postgresqlDialect : sqliteDialect;
}

/** Opens the database of a URL. It must have been migrated. Close it with `$disconnect`. */
export function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  return dialectOf(url).open(url, options);
}

/**
 * Applies the missing migrations, and creates the SQLite file if it does not exist. Returns the names of the applied
 * migrations. Of several concurrent callers, one applies them. Servers of an earlier version can run meanwhile.
 *
 * @throws OperatorError that names the failed migration. Nothing of that migration is applied. The reason of
 *   `options.signal`, if it ended a wait.
 */
export function migrateDatabase(url: string, options: MigrateOptions = {}): Promise<string[]> {
  return dialectOf(url).migrate(url, options);
}

/**
 * Returns the missing migrations, oldest first, and how `migrateDatabase` would apply each. Changes nothing, and
 * creates no file.
 *
 * @throws OperatorError as `migrateDatabase` does for a database that it would refuse
 */
export function planMigrations(url: string): Promise<PlannedMigration[]> {
  return dialectOf(url).plan(url);
}

/**
 * Gives the ids of a PostgreSQL database of an earlier version 64 bits, and returns whether it did: not where they have
 * them. `migrateDatabase` does so too, where it finds no server connected: those of earlier versions cannot read them.
 *
 * @throws OperatorError if something is in the way. The database is then unchanged.
 */
export function widenIds(url: string): Promise<boolean> {
  return dialectOf(url).widenIds(url);
}

/** Returns whether ids still have 32 bits. */
export function hasNarrowIds(database: Database): boolean {
  return database.$largestId() === largestIds.of32Bits;
}

/**
 * Makes this process a server of the database. An SQLite file has one server at a time, and commands may work on it
 * beside the server. A PostgreSQL database has any number of servers. The returned function releases the claim.
 *
 * @throws OperatorError if another server has the file.
 */
export function claimDatabase(url: string): Promise<Release> {
  return dialectOf(url).claim(url);
}

/**
 * Copies an SQLite database to a new file, as it is at one moment, also while a server runs. Returns what the copy
 * holds.
 *
 * @throws OperatorError if the file exists, or the database is not healthy. For PostgreSQL, it names the right tools.
 */
export function backUpDatabase(url: string, file: string): Promise<DatabaseFacts> {
  return dialectOf(url).backup(url, file);
}

/**
 * Replaces an SQLite database by a backup, at once and as a whole: with everything that `prepare` changed, or not at
 * all.
 *
 * @throws OperatorError if a server or a command has the database open, or the backup is not healthy. The database is
 *   then unchanged. For PostgreSQL, it names the right tools.
 */
export function restoreDatabase(
  url: string,
  file: string,
  prepare: (database: Database) => Promise<void>,
): Promise<Restored> {
  return dialectOf(url).restore(url, file, prepare);
}

/** Opens the clock by which the sessions of a database end: the database's own if several machines may use it. */
export function openClock(url: string, database: Database): Promise<Clock> {
  return dialectOf(url).clock(database);
}

/** Returns whether the database exists. Always true for PostgreSQL. */
export function databaseExists(url: string): Promise<boolean> {
  return dialectOf(url).exists(url);
}

/**
 * Returns the filter option for a substring search that ignores case. SQLite always ignores the case of ASCII letters,
 * and Prisma's types for SQLite do not have this option.
 */
export function regardlessOfCase(url: string): object {
  return dialectOf(url) === postgresqlDialect ? { mode: 'insensitive' } : {};
}
