import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { PasswordChangedError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import type { UserScope } from '../scope.ts';
import { type RotatedSession, rotateToken } from '../sessions/rotate.ts';
import { overRewrittenHash, type Policies, provePassword } from './prove-password.ts';

/**
 * Notes that the user of a session has proved the password again, and returns the session as it is then, with the new
 * token that it gets by that.
 *
 * @throws RateLimitedError if too many passwords were wrong before.
 * @throws InvalidCredentialsError for a wrong password, and where the session has ended meanwhile.
 * @throws RequestError where another request has replaced the token meanwhile.
 */
export function reauthenticate(
  database: Database,
  scope: UserScope,
  password: string,
  policies: Policies,
): Promise<RotatedSession> {
  const { user } = scope.session;
  return overRewrittenHash(database, user, async (current) => {
    await provePassword(database, scope, { user: current, password }, policies);
    return inTransaction(database, async (db) => {
      const rotated = await rotateToken(db, scope, { user: { is: { hashedPassword: current.hashedPassword } } });
      if (!rotated) throw new PasswordChangedError();
      const rotatedScope = { ...scope, session: { ...rotated.session, user } };
      await recordEvent(db, rotatedScope, { type: 'REAUTHENTICATED', userId: user.id });
      return rotated;
    });
  });
}
