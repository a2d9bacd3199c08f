import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { PasswordChangedError, RequestError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { enqueueMail, voidLinks } from '../mail/outbox.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { hashPassword, requireAcceptablePassword } from '../passwords/password.ts';
import type { UserScope } from '../scope.ts';
import { endSessionsWith } from '../sessions/end.ts';
import { type RotatedSession, rotateToken } from '../sessions/rotate.ts';
import { revokeOtherTrustedDevices } from '../tokens/trusted-device.ts';
import type { User } from '../users/user.ts';
import { overRewrittenHash, type Policies, provePassword } from './prove-password.ts';

/**
 * Gives a user a new password and ends, in the same transaction, every live session of theirs but that which asks:
 * whoever knew the old password is out, with every link that they asked for and every device that was known. That one
 * session counts as having proved the password, gets a new token, and its device stays known. The user is told by mail.
 *
 * @throws ValidationError for a new password that may not be chosen.
 * @throws RateLimitedError if too many passwords were wrong before.
 * @throws InvalidCredentialsError for a wrong current one, and where it was changed meanwhile.
 * @throws RequestError where the session that asks has ended meanwhile, or another request has replaced its token: it
 *   must not change anything any more.
 */
export function changePassword(
  database: Database,
  scope: UserScope,
  passwords: { current: string; new: string },
  policies: Policies,
): Promise<RotatedSession & { user: User }> {
  const { user } = scope.session;
  return overRewrittenHash(database, user, async (current) => {
    await provePassword(database, scope, { user: current, password: passwords.current }, policies);
    await requireAcceptablePassword(passwords.new, user, policies.passwords, 'newPassword');
    const hash = () => hashPassword(passwords.new, policies.passwords);
    const hashedPassword = await withHashingSlot(policies.passwords, hash, { account: user.email, isTrusted: true });
    return inTransaction(database, async (db) => {
      const [changed] = await db.user.updateManyAndReturn({
        where: { id: user.id, hashedPassword: current.hashedPassword },
        data: { hashedPassword },
      });
      if (!changed) throw new PasswordChangedError();
      const rotated = await rotateToken(db, scope, { userId: user.id });
      if (!rotated) throw new RequestError('UNAUTHENTICATED', 'This session has ended. Log in first.');
      const rotatedScope = { ...scope, session: { ...rotated.session, user: changed } };
      await recordEvent(db, rotatedScope, { type: 'PASSWORD_CHANGED', userId: user.id });
      await endSessionsWith(db, rotatedScope, user.id, rotated.session.id);
      await voidLinks(db, user.id, ['RESET_PASSWORD', 'CHANGE_EMAIL']);
      await revokeOtherTrustedDevices(db, user.id, scope.deviceToken);
      await enqueueMail(db, { name: 'password-changed', recipient: changed.email, userId: user.id }, scope.now);
      return { ...rotated, user: changed };
    });
  });
}
