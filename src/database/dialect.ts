import type { OperatorNotice } from '../errors.ts';
import type { Clock } from './clock.ts';
import type { Database } from './database.ts';
import type { OnStatement } from './observe/statement-times.ts';
import type { PlannedMigration } from './plan/plan.ts';

/**
 * In milliseconds. `maxWait` covers the time for which another transaction may hold a lock. After that, all is quick.
 */
export const transactionOptions = { maxWait: 4_500, timeout: 4_500 };

/** Releases a claim or a lock. */
export type Release = () => void | Promise<void>;

export type OnQuery = (sql: string) => void;

export type OpenOptions = {
  /** The maximum number of open connections, for a database that has more than one. */
  poolSize?: number | undefined;
  /** True if the database may be a standby, which is behind and cannot write. */
  isReplica?: boolean | undefined;
  /** Is called with the SQL of every statement that is sent. */
  onQuery?: OnQuery | undefined;
  /** Is called with the time of each statement. Without it, no time is measured. */
  onStatement?: OnStatement | undefined;
  /** Is called with the time for which one request waited for a read that it shares with others. */
  onSharedRead?: OnStatement | undefined;
  /** Is called with failures outside any request, such as a connection that breaks while it is idle. */
  report?: ((error: unknown) => void) | undefined;
  /**
   * Is called once if the files of the database were removed or replaced. All statements fail from then on. The promise
   * resolves when the operator was told, by `report`, and the data that is still open was saved: then the caller should
   * end. Without this function, nothing is told and saved.
   */
  onLost?: ((saved: Promise<void>) => void) | undefined;
};

export type MigrateOptions = {
  /** Is told in sentences for the operator if a migration waits for a lock, or builds an index on a large table. */
  report?: ((notice: OperatorNotice) => void) | undefined;
  /** Ends a wait for a lock: nothing of the waiting migration is applied then. */
  signal?: AbortSignal | undefined;
};

/** The contents of a database, for the operator. */
export type DatabaseFacts = {
  /** The names of the applied migrations, oldest first. */
  migrations: string[];
  users: number;
  liveSessions: number;
  bytes: number;
};

/** `replaced` is the file that keeps the database from before a restore. Null if there was none. */
export type Restored = DatabaseFacts & { replaced: string | null };

/** The operations that differ between SQLite and PostgreSQL. All other code is written once. */
export type Dialect = {
  open(url: string, options: OpenOptions): Promise<Database>;
  /** Applies the missing migrations, once for any number of concurrent callers, and returns their names. */
  migrate(url: string, options: MigrateOptions): Promise<string[]>;
  /** Returns the missing migrations. Changes nothing. */
  plan(url: string): Promise<PlannedMigration[]>;
  /** Gives ids 64 bits, and returns whether it did: not where they have them. */
  widenIds(url: string): Promise<boolean>;
  /** Makes this process a server of the database. @throws OperatorError if there can be no other server. */
  claim(url: string): Promise<Release>;
  /** Returns whether there is a database to open. */
  exists(url: string): Promise<boolean>;
  /** Copies the database to a new file. @throws OperatorError if that is not possible, or not the way to do it */
  backup(url: string, file: string): Promise<DatabaseFacts>;
  /**
   * Replaces the database by a backup, on which `prepare` is called before.
   *
   * @throws OperatorError if that is not possible, or not the way to do it. The database is then unchanged.
   */
  restore(url: string, file: string, prepare: (database: Database) => Promise<void>): Promise<Restored>;
  /** Opens the clock by which sessions end. */
  clock(database: Database): Promise<Clock>;
};
