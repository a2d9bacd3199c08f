import type { Config } from '../config/config.ts';
import type { Clock } from '../database/clock.ts';
import { claimDatabase, type Database, migrateDatabase, openClock, openDatabase } from '../database/database.ts';
import { sharedReads, statementTimes } from '../diagnostics.ts';

/** The migrated databases of a server, and their clock. */
export type Store = {
  database: Database;
  /** The database for listings. It is `database` if no replica is configured. */
  replica: Database;
  clock: Clock;
  /** The names of the migrations that were applied now. */
  appliedMigrations: readonly string[];
  /** Returns whether the files of the database are lost: removed or replaced. Every statement then fails. */
  isLost(): boolean;
  /** Resolves if they are lost, after what is still open was saved. The server cannot continue. */
  lost: Promise<void>;
  close(): Promise<void>;
};

/**
 * Makes this process a server of the configured database, migrates the database and opens it. After a failure, nothing
 * stays open.
 *
 * @throws OperatorError if another server has the SQLite file, or a database cannot be opened or migrated.
 */
export async function openStore(
  config: Config,
  report: (error: unknown) => void,
  signal?: AbortSignal,
): Promise<Store> {
  const { databaseUrl, databaseReplicaUrl } = config;
  const onStatement = config.metrics === null && config.traces === null ? undefined : statementTimes.publish;
  const onSharedRead = config.traces === null ? undefined : sharedReads.publish;
  const closers = [await claimDatabase(databaseUrl)];
  const close = async () => {
    for (const closeOne of closers.splice(0).reverse()) await closeOne();
  };
  const lost = Promise.withResolvers<void>();
  let isLost = false;
  const onLost = (saved: Promise<void>) => {
    isLost = true;
    lost.resolve(saved);
  };
  const open = async (url: string, isReplica = false) => {
    const listeners = { onStatement, onSharedRead, report, onLost };
    const opened = await openDatabase(url, { poolSize: config.databasePoolSize, isReplica, ...listeners });
    closers.push(() => opened.$disconnect());
    return opened;
  };
  try {
    const appliedMigrations = await migrateDatabase(databaseUrl, { report, signal });
    const database = await open(databaseUrl);
    const replica = databaseReplicaUrl === null ? database : await open(databaseReplicaUrl, true);
    const clock = await openClock(databaseUrl, database);
    closers.push(() => clock.stop());
    return { database, replica, clock, appliedMigrations, isLost: () => isLost, lost: lost.promise, close };
  } catch (error) {
    await close();
    throw error;
  }
}
