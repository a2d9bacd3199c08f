import type pg from 'pg';
import { type DatabaseProbe, probeRow, tablesWithIds } from './probe.ts';

const tables = [...tablesWithIds, 'RateLimit'].map((table) => `"${table}"`).join(', ');

/** Fails if a table is locked against writers. The lock of a writer stops no other writer. */
const writeRow = `BEGIN;
  SET LOCAL lock_timeout = '1s';
  LOCK TABLE ${tables} IN ROW EXCLUSIVE MODE;
  INSERT INTO "ClockReading" ("name", "at") VALUES ('${probeRow}', now())
    ON CONFLICT ("name") DO UPDATE SET "at" = excluded."at";
  COMMIT`;

/** Fails if the disk is full: more rows than fit into the memory of a statement go into a temporary file. */
const fillTemporaryFile = `BEGIN;
  SET LOCAL work_mem = '64kB';
  SELECT count(*) FROM generate_series(1, 20000);
  COMMIT`;

/** PostgreSQL's code for a temporary file beyond `temp_file_limit`. */
const limitCode = '53400';

const readUsage = `SELECT c."relname" AS "table", coalesce(pg_sequence_last_value(s."seqrelid"), 0)::text AS "last",
    least(s."seqmax", CASE a."attlen" WHEN 8 THEN 9223372036854775807 ELSE 2147483647 END)::text AS "largest"
  FROM pg_class c
    JOIN pg_attribute a ON a."attrelid" = c."oid" AND a."attname" = 'id'
    JOIN pg_sequence s ON s."seqrelid" = pg_get_serial_sequence(format('%I', c."relname"), 'id')::regclass
  WHERE c."relnamespace" = 'public'::regnamespace AND c."relname" = ANY ($1)`;

/** Returns the probe of a PostgreSQL database. */
export function postgresqlProbe(pool: pg.Pool): DatabaseProbe {
  return {
    async isMigrated(newest) {
      // Each connection was checked when it was opened, but a pooler may have put another server behind it.
      const { rows } = await pool.query<{ isStandby: boolean; isMigrated: boolean }>(
        `SELECT pg_is_in_recovery() AS "isStandby", EXISTS (
            SELECT 1 FROM "_prisma_migrations" WHERE "migration_name" = $1 AND "finished_at" IS NOT NULL
          ) AS "isMigrated"`,
        [newest],
      );
      if (rows[0]?.isStandby) throw Object.assign(new Error('The database is a standby.'), { code: '25006' });
      return rows[0]?.isMigrated === true;
    },

    async write() {
      await pool.query(writeRow);
      await pool.query(fillTemporaryFile).catch((error: { code?: string }) => {
        if (error.code !== limitCode) throw error;
      });
    },

    async idUsage() {
      const { rows } = await pool.query<{ table: string; last: string; largest: string }>(readUsage, [tablesWithIds]);
      return rows.map(({ table, last, largest }) => ({ table, last: BigInt(last), largest: BigInt(largest) }));
    },
  };
}
