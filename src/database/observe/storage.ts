import { stat } from 'node:fs/promises';
import type pg from 'pg';

/** The facts about the storage of a database that an operator watches. */
export type StorageFacts = {
  /** The size of the database, in bytes. */
  databaseBytes: number;
  /** The size of SQLite's write-ahead log, in bytes. Null on PostgreSQL, which has one log for all of its databases. */
  logBytes: number | null;
  /**
   * The age of the oldest transaction that writes to the log of events, in milliseconds. A reader of the log waits for
   * its end (`settledId`). 0 without one, and on SQLite, where transactions write one after the other.
   */
  oldestEventWriterMs: number;
};

/** The storage of an open database. */
export type HasStorage = {
  /** Reads facts about the storage, by a few short statements that read no rows of the models. */
  $storage(): Promise<StorageFacts>;
};

/** Returns the reader of the storage of an SQLite file. */
export function sqliteStorage(file: string): HasStorage {
  const sizeOf = (name: string) =>
    stat(name).then(
      ({ size }) => size,
      () => 0,
    );
  return {
    async $storage() {
      return { databaseBytes: await sizeOf(file), logBytes: await sizeOf(`${file}-wal`), oldestEventWriterMs: 0 };
    },
  };
}

/** The start of a transaction of another role is null, unless the role of this server may read all statistics. */
const sizeAndWriters = `SELECT pg_database_size(current_database()) AS bytes,
  (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - activity.xact_start)) * 1000, 0)
    FROM pg_locks AS locks JOIN pg_stat_activity AS activity ON activity.pid = locks.pid
    WHERE locks.locktype = 'relation' AND locks.relation = '"AuditEvent"'::regclass AND locks.granted
      AND locks.mode = 'RowExclusiveLock' AND activity.datname = current_database()) AS writer`;

/** Returns the reader of the storage of a PostgreSQL database. */
export function postgresqlStorage(pool: pg.Pool): HasStorage {
  return {
    async $storage() {
      const { rows } = await pool.query<{ bytes: string; writer: string }>(sizeAndWriters);
      return {
        databaseBytes: Number(rows[0]?.bytes ?? 0),
        logBytes: null,
        oldestEventWriterMs: Number(rows[0]?.writer ?? 0),
      };
    },
  };
}
