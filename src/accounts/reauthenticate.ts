import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { PasswordChangedError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { type RotatedSession, rotateToken, type TokenOrigin } from '../sessions/rotate.ts';
import type { User } from '../users/user.ts';
import { type Policies, provePassword } from './prove-password.ts';
import { overRewrittenHash } from './rewritten-hash.ts';

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
  user: User,
  password: string,
  policies: Policies,
  origin: TokenOrigin,
  now: Date,
): Promise<RotatedSession> {
  return overRewrittenHash(database, user, async (current) => {
    await provePassword(database, current, password, policies, origin, now);
    return inTransaction(database, async (db) => {
      const rotated = await rotateToken(db, origin, { user: { is: { hashedPassword: current.hashedPassword } } }, now);
      if (!rotated) throw new PasswordChangedError();
      const by = { device: origin.device, session: rotated.session };
      await recordEvent(db, { type: 'REAUTHENTICATED', userId: user.id }, by, now);
      return rotated;
    });
  });
}
