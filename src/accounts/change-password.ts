import type { Database } from '../database/database.ts';
import { sessionEnded } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { countChange, keepAccount } from '../factors/changes/keep.ts';
import { voidLinks } from '../mail/outbox.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { hashPassword, requireAcceptablePassword } from '../passwords/password.ts';
import type { UserScope } from '../scope.ts';
import { endSessions, sessionsOfUser } from '../sessions/end.ts';
import { type RotatedSession, rotateToken } from '../sessions/rotate.ts';
import { revokeOtherTrustedDevices } from '../tokens/trusted-device.ts';
import { requireUnrestored } from '../users/account-changes.ts';
import type { User } from '../users/user.ts';
import { inTransactionOf, type Policies, provePassword, trustOfSession } from './prove-password.ts';
import { mailPasswordChange } from './undo/notices.ts';

/**
 * Gives a user a new password. In the same transaction, ends every other live session of theirs, voids the links that
 * were asked for, and revokes every other trusted device: all access by the old password ends. The session that asks
 * counts as having proved the password and gets a new token, and its device stays trusted. Mails the user.
 *
 * @throws ValidationError for a new password that the policy refuses.
 * @throws RateLimitedError after too many wrong passwords, and after 40 changes in a day.
 * @throws InvalidCredentialsError for a wrong current password, and if it has changed meanwhile.
 * @throws RequestError if the session that asks has ended meanwhile, or another request has replaced its token: it must
 *   not change anything any more.
 */
export async function changePassword(
  database: Database,
  scope: UserScope,
  passwords: { current: string; new: string },
  policies: Policies,
): Promise<RotatedSession & { user: User }> {
  const { user } = scope.session;
  const proven = await provePassword(database, scope, passwords.current, policies);
  await requireAcceptablePassword(passwords.new, user, policies.passwords, 'newPassword');
  const hash = () => hashPassword(passwords.new, policies.passwords);
  const hashedPassword = await withHashingSlot(policies.passwords, hash, trustOfSession(user));
  return inTransactionOf(database, proven, async (db, before) => {
    await requireUnrestored(db, user.id, scope.now);
    await countChange(db, 'password-changes', before, scope.now);
    const change = await keepAccount(db, before, 'PASSWORD_CHANGED', scope.now);
    const changed = await db.user.update({ where: { id: user.id }, data: { hashedPassword } });
    const rotated = await rotateToken(db, scope, ['password']);
    if (!rotated) throw sessionEnded();
    const rotatedScope = { ...scope, session: { ...rotated.session, user: changed } };
    await recordEvent(db, rotatedScope, { type: 'PASSWORD_CHANGED', userId: user.id });
    await endSessions(db, rotatedScope, sessionsOfUser(user.id, rotated.session.id), 'PASSWORD_CHANGED');
    await voidLinks(db, user.id, ['RESET_PASSWORD', 'CHANGE_EMAIL']);
    await revokeOtherTrustedDevices(db, user.id, scope.deviceToken);
    await mailPasswordChange(db, changed, change, scope.now);
    return { ...rotated, user: changed };
  });
}
