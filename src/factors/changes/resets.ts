import type { Db } from '../../database/database.ts';
import { recordEvent } from '../../events/record.ts';
import { enqueueMail } from '../../mail/outbox.ts';
import type { Scope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import type { Session } from '../../sessions/session.ts';
import { voidChallenges } from '../../tokens/challenge.ts';
import { endSkips } from '../../tokens/trusted-device.ts';
import { deleteReset } from '../../users/factor-resets.ts';
import type { User } from '../../users/user.ts';
import { keepAccount } from './keep.ts';
import { removeFactors } from './kept-factors.ts';
import { undoing } from './notices.ts';

/**
 * Resets the factors of a locked user: removes all of them but the password, so that sign-ins need no second one, unless
 * the role does. Devices that skip the second factor ask for it again, no authentication that has begun can be finished,
 * and all sessions end. Mails the user, with a link to undo it.
 */
export async function resetFactors(db: Db, scope: Scope, before: User): Promise<{ user: User; sessions: Session[] }> {
  const { id, email } = before;
  const { now } = scope;
  const type = 'FACTORS_RESET';
  const change = await keepAccount(db, before, type, now);
  await removeFactors(db, id);
  await deleteReset(db, id);
  const user = await db.user.update({ where: { id }, data: { secondFactorSince: null } });
  await endSkips(db, id, now);
  await voidChallenges(db, id);
  await recordEvent(db, scope, { type, userId: id });
  const sessions = await endSessions(db, scope, sessionsOfUser(id), 'REVOKED_BY_ADMIN');
  await enqueueMail(db, { name: 'factors-reset', recipient: email, userId: id, data: undoing(change) }, now);
  return { user, sessions };
}

/**
 * Why a pending reset does not take effect:
 * - `SIGNED_IN`: the user signed in with a second factor, and so has not lost it.
 * - `REFUSED`: the user refused it by the mailed link.
 * - `CANCELLED`: the user in a session, an administrator or an operator cancelled it.
 * - `NO_ADMINISTRATOR`: the one who requested it is no administrator any more, or is suspended.
 */
export type ResetCancellation = 'SIGNED_IN' | 'REFUSED' | 'CANCELLED' | 'NO_ADMINISTRATOR';

/** Cancels the pending reset of a user, and records that. Returns whether there was one. */
export async function cancelReset(db: Db, scope: Scope, userId: bigint, detail: ResetCancellation): Promise<boolean> {
  if (!(await deleteReset(db, userId))) return false;
  await recordEvent(db, scope, { type: 'FACTOR_RESET_CANCELLED', userId, detail });
  return true;
}
