import { recordEvent, type SessionOrigin } from '../audit/record.ts';
import type { Database } from '../database/database.ts';
import { inTransaction } from '../database/transaction.ts';
import { PasswordChangedError } from '../errors.ts';
import { type Session, whereLive } from '../sessions/session.ts';
import type { User } from '../users/user.ts';
import { type Policies, provePassword } from './prove-password.ts';
import { overRewrittenHash } from './rewritten-hash.ts';

/**
 * Notes that the user of a session has proved the password again, and returns the session as it is then.
 *
 * @throws RateLimitedError if too many passwords were wrong before.
 * @throws InvalidCredentialsError for a wrong password, and where the session has ended meanwhile.
 */
export function reauthenticate(
  database: Database,
  user: User,
  password: string,
  policies: Policies,
  origin: SessionOrigin,
  now: Date,
): Promise<Session> {
  return overRewrittenHash(database, user, async (current) => {
    await provePassword(database, current, password, policies, origin, now);
    return inTransaction(database, async (db) => {
      const [updated] = await db.session.updateManyAndReturn({
        where: { id: origin.session.id, user: { is: { hashedPassword: current.hashedPassword } }, ...whereLive(now) },
        data: { authenticatedAt: now },
      });
      if (!updated) throw new PasswordChangedError();
      await recordEvent(db, { type: 'REAUTHENTICATED', userId: user.id }, origin, now);
      return updated;
    });
  });
}
