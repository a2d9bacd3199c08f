import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { cancelReset, resetFactors } from '../factors/changes/resets.ts';
import { commandScope } from '../scope.ts';
import { type FactorReset, findReset, listDueResets } from '../users/factor-resets.ts';
import { findAndLockUser } from '../users/lock.ts';
import type { ShouldContinue } from './prune.ts';

type ResetPolicy = Pick<Config, 'adminRoles'>;

/** Carries out the resets of factors whose delay is over. */
export async function carryOutFactorResets(
  database: Database,
  now: Date,
  policy: ResetPolicy,
  shouldContinue: ShouldContinue,
): Promise<void> {
  for (const due of await listDueResets(database, now)) {
    if (!(await shouldContinue())) return;
    await inTransaction(database, (db) => carryOut(db, now, due, policy));
  }
}

/**
 * Carries out a reset, unless it was cancelled meanwhile. It is cancelled if the administrator who requested it is none
 * any more: a thief may have had their account.
 */
async function carryOut(db: Db, now: Date, { id, userId, requestedById }: FactorReset, policy: ResetPolicy) {
  const user = await findAndLockUser(db, userId);
  // Read after the lock: a sign-in with the second factor, which cancels the reset, locks the user too.
  const reset = await findReset(db, userId);
  if (user === null || reset?.id !== id) return;
  if (requestedById !== null && !(await isAdministrator(db, requestedById, policy))) {
    await cancelReset(db, commandScope(now), userId, 'NO_ADMINISTRATOR');
    return;
  }
  await resetFactors(db, { ...commandScope(now), actorId: requestedById }, user);
}

async function isAdministrator(db: Db, id: bigint, { adminRoles }: ResetPolicy): Promise<boolean> {
  const administrator = { id, suspendedAt: null, role: { in: [...adminRoles] } };
  return (await db.user.findFirst({ where: administrator, select: { id: true } })) !== null;
}
