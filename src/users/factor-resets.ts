/** Resets of the factors of users that administrators have requested, and that have not taken effect. */
import type { Db } from '../database/database.ts';
import type { FactorReset } from '../generated/sqlite/client.ts';

export type { FactorReset };

/** The reasons for a reset. No text of a person: the log of events keeps the reason, and holds none. */
export const resetReasons = ['LOST', 'STOLEN', 'BROKEN', 'OTHER'] as const;

export type ResetReason = (typeof resetReasons)[number];

/** Returns the pending reset of a user, or null. */
export function findReset(db: Db, userId: bigint): Promise<FactorReset | null> {
  return db.factorReset.findUnique({ where: { userId } });
}

/** Returns the pending reset with this id if it has not taken effect at a time, or null. */
export function findResetById(db: Db, id: bigint, now: Date): Promise<FactorReset | null> {
  return db.factorReset.findFirst({ where: { id, dueAt: { gt: now } } });
}

/** The maximum number of resets that one run of the maintenance carries out. There are few. */
const maxDue = 1_000;

/** Returns the resets that are due, the oldest first. */
export function listDueResets(db: Db, now: Date): Promise<FactorReset[]> {
  return db.factorReset.findMany({ where: { dueAt: { lte: now } }, orderBy: { dueAt: 'asc' }, take: maxDue });
}

/** Deletes the pending reset of a user. Returns whether there was one. */
export async function deleteReset(db: Db, userId: bigint): Promise<boolean> {
  const { count } = await db.factorReset.deleteMany({ where: { userId } });
  return count > 0;
}
