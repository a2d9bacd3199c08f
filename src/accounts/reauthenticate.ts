import type { Database } from '../database/database.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import type { UserScope } from '../scope.ts';
import { type RotatedSession, rotateToken } from '../sessions/rotate.ts';
import { inTransactionOf, type Policies, provePassword } from './prove-password.ts';

/**
 * Records that the user of a session has proved the password again, rotates the session's token, and returns the
 * session with the new one.
 *
 * @throws RateLimitedError after too many wrong passwords.
 * @throws InvalidCredentialsError for a wrong password, and if the session has ended meanwhile.
 * @throws RequestError if another request has replaced the token meanwhile.
 */
export async function reauthenticate(
  database: Database,
  scope: UserScope,
  password: string,
  policies: Policies,
): Promise<RotatedSession> {
  const proven = await provePassword(database, scope, password, policies);
  return inTransactionOf(database, proven, async (db, user) => {
    const rotated = await rotateToken(db, scope, ['password']);
    if (!rotated) throw new InvalidCredentialsError();
    const rotatedScope = { ...scope, session: { ...rotated.session, user } };
    await recordEvent(db, rotatedScope, { type: 'REAUTHENTICATED', userId: user.id });
    return rotated;
  });
}
