import type { PasswordPolicy } from '../config.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { InvalidCredentialsError, RequestError, ValidationError } from '../errors.ts';
import { hashPassword, passwordProblem, verifyPassword } from './password.ts';
import type { User } from './user.ts';

/**
 * Gives a user a new password and ends, in the same transaction, every live session of theirs but one: whoever knew
 * the old password is out. That one session counts as having proved the password.
 *
 * @throws ValidationError for a new password that may not be chosen.
 * @throws InvalidCredentialsError for a wrong current one, and where it was changed meanwhile.
 * @throws RequestError where the session that asks has ended meanwhile: it must not change anything any more.
 */
export async function changePassword(
  database: Database,
  user: User,
  passwords: { current: string; new: string },
  keepSessionId: number,
  policy: PasswordPolicy,
  now: Date,
): Promise<User> {
  if (!(await verifyPassword(passwords.current, user.hashedPassword, policy))) throw new InvalidCredentialsError();
  const problem = passwordProblem(passwords.new, policy);
  if (problem !== null) throw new ValidationError([{ path: ['newPassword'], message: problem }]);
  const hashedPassword = await hashPassword(passwords.new, policy);
  return inTransaction(database, async (db) => {
    const [changed] = await db.user.updateManyAndReturn({
      where: { id: user.id, hashedPassword: user.hashedPassword },
      data: { hashedPassword },
    });
    if (!changed) throw new InvalidCredentialsError();
    const isLive = { userId: user.id, hashedSessionToken: { not: null }, expiresAt: { gt: now } };
    const { count } = await db.session.updateMany({
      where: { id: keepSessionId, ...isLive },
      data: { authenticatedAt: now },
    });
    if (count === 0) throw new RequestError('UNAUTHENTICATED', 'This session has ended. Log in first.');
    await db.session.updateMany({
      where: { id: { not: keepSessionId }, ...isLive },
      data: { hashedSessionToken: null, expiresAt: now },
    });
    return changed;
  });
}
