import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import type { Ids } from '../ids.ts';

const pollMs = 5;

/**
 * Tells which ids are settled by the locks of the writers. A transaction locks the table before it takes an id from the
 * sequence, and until it ends. So each id up to that which the sequence has given out belongs to a transaction that has
 * ended, or whose lock is seen afterwards; once those have ended too, none of these ids can appear any more. Works
 * behind a pooler, and waits for writers of this table only.
 */
export function settledIds(pool: pg.Pool): Pick<Ids, '$settledId'> {
  async function writersOf(table: string): Promise<Set<string>> {
    const { rows } = await pool.query<{ writer: string }>(
      `SELECT virtualtransaction AS writer FROM pg_locks
         WHERE locktype = 'relation' AND relation = $1::regclass AND mode = 'RowExclusiveLock' AND granted
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [`"${table}"`],
    );
    return new Set(rows.map(({ writer }) => writer));
  }

  return {
    async $settledId(table) {
      const { rows } = await pool.query<{ id: string }>(
        `SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS id FROM "${table}_id_seq"`,
      );
      const id = BigInt(rows[0]?.id ?? 0);
      // Read after the id: a writer that begins later takes a higher one.
      let writers = await writersOf(table);
      while (writers.size > 0) {
        await sleep(pollMs);
        const now = await writersOf(table);
        writers = new Set([...writers].filter((writer) => now.has(writer)));
      }
      return id;
    },
  };
}
