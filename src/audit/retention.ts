import type { Db } from '../database/database.ts';

/** Deletes at most so many of the events from before a moment, the oldest first, and returns how many they were. */
export async function pruneAuditEvents(db: Db, before: Date, limit: number): Promise<number> {
  const { count } = await db.auditEvent.deleteMany({ where: { at: { lt: before } }, limit });
  return count;
}
