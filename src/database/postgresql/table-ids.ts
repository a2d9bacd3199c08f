import type pg from 'pg';
import type { Ids } from '../ids.ts';

/**
 * Tells the ids of a table by its sequence, and its writers by their locks: a transaction locks the table before it takes
 * an id from the sequence, and until it ends. Works behind a pooler.
 */
export function tableIds(pool: pg.Pool): Pick<Ids, '$newestId' | '$writersOf'> {
  return {
    async $newestId(table) {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS id FROM "${table}_id_seq"`,
      );
      return BigInt(rows[0]?.id ?? 0);
    },

    async $writersOf(table) {
      const { rows } = await pool.query<{ writer: string }>(
        `SELECT virtualtransaction AS writer FROM pg_locks
           WHERE locktype = 'relation' AND relation = $1::regclass AND mode = 'RowExclusiveLock' AND granted
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        [`"${table}"`],
      );
      return new Set(rows.map(({ writer }) => writer));
    },
  };
}
