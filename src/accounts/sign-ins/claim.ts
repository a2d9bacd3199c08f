import type { Db } from '../../database/database.ts';
import { recordEvent } from '../../events/record.ts';
import { removeFactors } from '../../factors/changes/kept-factors.ts';
import { voidLinks } from '../../mail/outbox.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import { resetFailures, resetSecondFactorFailures } from '../../throttle/attempts.ts';
import { voidChallenges } from '../../tokens/challenge.ts';
import { forgetUnprovedChanges } from '../../users/account-changes.ts';
import { deleteReset } from '../../users/factor-resets.ts';
import type { User } from '../../users/user.ts';

/**
 * Returns whether nobody has proved the address of an account. A stranger may have created it with the address of
 * another person, a password and factors, to share the account later (account pre-hijacking).
 */
export function isUnproved({ emailVerifiedAt }: User): boolean {
  return emailVerifiedAt === null;
}

/**
 * Gives an unproved account to the reader of its mailbox, in the transaction of the sign-in by a mailed link or code:
 * removes every way in from before, which may be those of a stranger. Those are the password, all factors, the links,
 * also those that undo changes, the trusted devices, the sessions, and all authentications that have begun. The address
 * is proved then. Returns the changed user.
 *
 * If an operator has given the account this address, the owner of the proved one from before can still undo that.
 *
 * The factors of a proved account stay: call it with the locked user, whose address nobody has proved meanwhile.
 *
 * @param hashedPassword - the password that the reader of the mailbox has chosen, or null
 */
export async function claimAccount(
  db: Db,
  scope: Scope,
  before: User,
  hashedPassword: string | null = null,
): Promise<User> {
  const { id } = before;
  const data = { hashedPassword, emailVerifiedAt: scope.now, secondFactorSince: null };
  const user = await db.user.update({ where: { id }, data });
  const byUser = actingAs(scope, user);
  await recordEvent(db, byUser, { type: 'EMAIL_VERIFIED', userId: id });
  await forgetUnprovedChanges(db, id);
  // The stranger may have used up the tries at factors, for the owner who adds one.
  await resetSecondFactorFailures(db, user);
  await voidChallenges(db, id);
  // A reset that the stranger has asked for would remove the factors that the owner adds.
  await deleteReset(db, id);
  if (await removeFactors(db, id)) await recordEvent(db, byUser, { type: 'FACTORS_RESET', userId: id });
  const isRemoved = before.hashedPassword !== null && hashedPassword === null;
  if (isRemoved) await recordEvent(db, byUser, { type: 'PASSWORD_REMOVED', userId: id });
  await endOldWaysIn(db, byUser, user);
  return user;
}

/** Ends what the old password of a user has opened, and voids the links and trusted devices from before. */
export async function endOldWaysIn(db: Db, scope: Scope, { id, email }: User): Promise<void> {
  // Trusted devices go too: a thief may have signed in on one.
  await voidLinks(db, id, ['RESET_PASSWORD', 'CHANGE_EMAIL', 'VERIFY_EMAIL', 'KNOWN_DEVICE']);
  await resetFailures(db, email);
  await endSessions(db, scope, sessionsOfUser(id), 'PASSWORD_CHANGED');
}
