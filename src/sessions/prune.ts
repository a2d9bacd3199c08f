import type { Db } from '../database/database.ts';

/** Few enough that nobody who waits for the database behind a batch notices. */
const batchSize = 500;

/** How many sessions `pruneSessions` would delete. */
export function countPrunable(db: Db, before: Date): Promise<number> {
  return db.session.count({ where: { expiresAt: { lt: before } } });
}

/**
 * Deletes the sessions that ended or expired before a moment, in small batches, and returns how many they were.
 * A session that was ended has the moment of its ending in `expiresAt`.
 */
export async function pruneSessions(db: Db, before: Date): Promise<number> {
  for (let pruned = 0; ; ) {
    const { count } = await db.session.deleteMany({ where: { expiresAt: { lt: before } }, limit: batchSize });
    pruned += count;
    if (count < batchSize) return pruned;
  }
}
