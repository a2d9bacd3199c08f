import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';
import { largestIds } from '../ids.ts';
import type { DatabaseFiles } from '../sqlite/database-files.ts';
import { requireWritable } from '../sqlite/open.ts';
import { retryWhileBusy, type SerializedAdapter } from '../sqlite/serialized-adapter.ts';
import { type DatabaseProbe, probeRow, tablesWithIds } from './probe.ts';

/** The time for which the probe waits for a lock of another process, in milliseconds. */
const busyTimeoutMs = 1_000;

/** Opens each table that writers need. It is not valid if one is missing. */
const openTables = [...tablesWithIds, 'RateLimit']
  .map((table) => `SELECT 1 FROM "${table}" WHERE 0`)
  .join(' UNION ALL ');

/** The minimum room on the disk, in bytes. A small write may still succeed below, in a part of the log that is free. */
const minRoom = 1_000_000;

type Connections = {
  file: string;
  files: DatabaseFiles;
  /** The connection of the prepared reads, which waits for no writer. */
  reader: BetterSqlite3.Database;
  writer: SerializedAdapter;
};

/** Returns the probe of an SQLite file. */
export function sqliteProbe({ file, files, reader, writer }: Connections): DatabaseProbe {
  return {
    async isMigrated(newest) {
      files.requireKnown();
      const sql = `SELECT 1 FROM "_prisma_migrations" WHERE "migration_name" = ? AND "finished_at" IS NOT NULL`;
      return retryWhileBusy(async () => reader.prepare<[string]>(sql).get(newest) !== undefined, busyTimeoutMs);
    },

    async write() {
      files.requireKnown();
      // A server that has the file open can still write to it, but could not start again.
      await requireWritable(file).catch((cause: unknown) => {
        throw Object.assign(new Error('attempt to write a readonly database', { cause }), { code: 'SQLITE_READONLY' });
      });
      await requireRoom(dirname(file));
      reader.prepare(openTables).get();
      const sql = `INSERT INTO "ClockReading" ("name", "at") VALUES (?, ?)
        ON CONFLICT ("name") DO UPDATE SET "at" = excluded."at"`;
      await writer.runPrepared(sql, [probeRow, new Date()], busyTimeoutMs);
    },

    async idUsage() {
      const sql = 'SELECT "name", "seq" FROM "sqlite_sequence"';
      const rows = reader.prepare<[], { name: string; seq: bigint }>(sql).safeIntegers().all();
      const last = new Map(rows.map(({ name, seq }) => [name, seq]));
      return tablesWithIds.map((table) => ({ table, last: last.get(table) ?? 0n, largest: largestIds.of64Bits }));
    },
  };
}

/** @throws Error if the disk is full */
async function requireRoom(folder: string): Promise<void> {
  const { bsize, bavail, bfree } = await statfs(folder);
  // Only root may use the reserve.
  const room = bsize * (process.getuid?.() === 0 ? bfree : bavail);
  if (room < minRoom) throw Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
}
