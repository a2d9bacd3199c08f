import type { Db } from '../../database/database.ts';
import { recordEvent } from '../../events/record.ts';
import { removeFactors } from '../../factors/changes/kept-factors.ts';
import { voidLinks } from '../../mail/outbox.ts';
import { actingAs, type Scope } from '../../scope.ts';
import { endSessions, sessionsOfUser } from '../../sessions/end.ts';
import { resetFailures } from '../../throttle/attempts.ts';
import { forgetChanges } from '../../users/account-changes.ts';
import type { User } from '../../users/user.ts';

/**
 * Returns whether nobody has proved the address of an account, nor protects it with a second factor. A stranger may have
 * created it with the address of another person, and a password, to share the account later (account pre-hijacking).
 *
 * With a second factor, a sign-in by email asks for it, and only the person who created the account can go on.
 */
export function isUnclaimed({ emailVerifiedAt, secondFactorSince }: User): boolean {
  return emailVerifiedAt === null && secondFactorSince === null;
}

/** Returns whether a sign-in by email removes the password of an account. */
export function losesPassword(user: User): boolean {
  return isUnclaimed(user) && user.hashedPassword !== null;
}

/**
 * Gives an unclaimed account to the reader of its mailbox, in the transaction of the sign-in: removes every way in from
 * before, which may be those of a stranger. Ends the sessions, and voids the password, the passkeys, the links and the
 * trusted devices. Returns the changed user. A password reset does the same, with a new password.
 */
export async function claimAccount(db: Db, scope: Scope, { id, hashedPassword }: User): Promise<User> {
  const user = await db.user.update({ where: { id }, data: { hashedPassword: null } });
  const byUser = actingAs(scope, user);
  await forgetChanges(db, id);
  await removeFactors(db, id);
  await voidLinks(db, id, ['RESET_PASSWORD', 'VERIFY_EMAIL', 'CHANGE_EMAIL', 'KNOWN_DEVICE']);
  await resetFailures(db, user.email);
  if (hashedPassword !== null) await recordEvent(db, byUser, { type: 'PASSWORD_REMOVED', userId: id });
  await endSessions(db, byUser, sessionsOfUser(id), 'PASSWORD_CHANGED');
  return user;
}
