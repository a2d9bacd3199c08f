import type { Config } from '../config/config.ts';
import type { Database, Db } from '../database/database.ts';
import { PasswordChangedError, WrongPasswordError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { withHashingSlot } from '../passwords/hashing-queue.ts';
import { requirePassword } from '../passwords/password.ts';
import type { UserScope } from '../scope.ts';
import { withAttempt } from '../throttle/attempts.ts';
import type { User } from '../users/user.ts';

/** By what passwords are judged, and how often somebody may be wrong about one. */
export type Policies = Pick<Config, 'passwords' | 'attempts'>;

/** The same, and how long the session of somebody lives who signs in by it. */
export type SignInPolicies = Policies & Pick<Config, 'sessions'>;

/**
 * Makes sure that the signed-in user, as read just now, knows the password, for what a session alone is not enough for. A session
 * is as good as a device that is known: wrong ones are counted where no stranger's count.
 *
 * @throws InvalidCredentialsError for a wrong password.
 * @throws RateLimitedError if too many were wrong before.
 */
export function provePassword(
  database: Database,
  scope: UserScope,
  { user, password }: { user: User; password: string },
  { passwords, attempts }: Policies,
): Promise<void> {
  const attempt = { email: user.email, isTrustedDevice: true, policy: attempts };
  const prove = () =>
    withAttempt(database, scope, attempt, async () => {
      try {
        await requirePassword(password, user.hashedPassword, passwords);
      } catch (error) {
        const failed = { type: 'PASSWORD_CHECK_FAILED', userId: user.id } as const;
        if (error instanceof WrongPasswordError) await recordEvent(database, scope, failed);
        throw error;
      }
    });
  return withHashingSlot(passwords, prove, { account: user.email, isTrusted: true });
}

/** Of several who prove a password at once, all but one may find a hash that was rewritten since they checked it. */
const tries = 3;

/**
 * Does something that needs a user's password to be unchanged, once more where it is only the hash that is another one:
 * a login has rewritten it, of the same password. Whether it is of the same one is to be seen by who tries again.
 */
export async function overRewrittenHash<T>(db: Db, user: User, act: (user: User) => Promise<T>): Promise<T> {
  let current = user;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act(current);
    } catch (error) {
      if (!(error instanceof PasswordChangedError) || attempt === tries) throw error;
      const reloaded = await db.user.findUnique({ where: { id: user.id } });
      if (!reloaded) throw error;
      current = reloaded;
    }
  }
}
