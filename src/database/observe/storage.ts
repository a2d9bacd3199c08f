import { stat } from 'node:fs/promises';
import type { SqlQueryable } from '@prisma/driver-adapter-utils';
import type pg from 'pg';
import { largestIds } from '../ids.ts';

/** The facts about the storage of a database that an operator watches. */
export type StorageFacts = {
  /** The size of the database, in bytes. */
  databaseBytes: number;
  /** The size of SQLite's write-ahead log, in bytes. Null on PostgreSQL, which has one log for all of its databases. */
  logBytes: number | null;
  /** The share of the ids that a table has given out, from 0 to 1, by the name of the table. Without tables never used. */
  usedIds: Map<string, number>;
  /**
   * The age of the oldest transaction that writes to the log of events, in milliseconds. A reader of the log waits for
   * its end (`$settledId`). 0 without one, and on SQLite, where transactions write one after the other.
   */
  oldestEventWriterMs: number;
};

/** The storage of an open database. */
export type HasStorage = {
  /** Reads facts about the storage, by a few short statements that read no rows of the models. */
  $storage(): Promise<StorageFacts>;
};

/** The tables whose ids the database gives out. */
const tables = ['User', 'Session', 'UserToken', 'Mail', 'AuditEvent', 'ServiceClient'];

/** Returns the reader of the storage of an SQLite file. */
export function sqliteStorage(file: string, queryable: SqlQueryable): HasStorage {
  const sizeOf = (name: string) =>
    stat(name).then(
      ({ size }) => size,
      () => 0,
    );
  return {
    async $storage() {
      const sql = 'SELECT "name", "seq" FROM "sqlite_sequence"';
      const { rows } = await queryable.queryRaw({ sql, args: [], argTypes: [] });
      const used = rows.map(([name, last]): [string, number] => [
        String(name),
        Number(last) / Number(largestIds.of64Bits),
      ]);
      return {
        databaseBytes: await sizeOf(file),
        logBytes: await sizeOf(`${file}-wal`),
        usedIds: new Map(used.filter(([name]) => tables.includes(name))),
        oldestEventWriterMs: 0,
      };
    },
  };
}

/** `last_value` is null before the first id, and for a role that may not read the sequence. */
const sequences = `SELECT sequencename AS name, last_value AS last, max_value AS max FROM pg_sequences
  WHERE schemaname = current_schema() AND sequencename = ANY($1) AND last_value IS NOT NULL`;

/** The start of a transaction of another role is null, unless the role of this server may read all statistics. */
const sizeAndWriters = `SELECT pg_database_size(current_database()) AS bytes,
  (SELECT coalesce(extract(epoch FROM max(clock_timestamp() - activity.xact_start)) * 1000, 0)
    FROM pg_locks AS locks JOIN pg_stat_activity AS activity ON activity.pid = locks.pid
    WHERE locks.locktype = 'relation' AND locks.relation = '"AuditEvent"'::regclass AND locks.granted
      AND locks.mode = 'RowExclusiveLock' AND activity.datname = current_database()) AS writer`;

/** Returns the reader of the storage of a PostgreSQL database. */
export function postgresqlStorage(pool: pg.Pool, largestId: () => bigint): HasStorage {
  return {
    async $storage() {
      const names = tables.map((table) => `${table}_id_seq`);
      const ids = await pool.query<{ name: string; last: string; max: string }>(sequences, [names]);
      const { rows } = await pool.query<{ bytes: string; writer: string }>(sizeAndWriters);
      const used = ids.rows.map(({ name, last, max }): [string, number] => [
        name.replace(/_id_seq$/, ''),
        Number(last) / Math.min(Number(max), Number(largestId())),
      ]);
      return {
        databaseBytes: Number(rows[0]?.bytes ?? 0),
        logBytes: null,
        usedIds: new Map(used),
        oldestEventWriterMs: Number(rows[0]?.writer ?? 0),
      };
    },
  };
}
