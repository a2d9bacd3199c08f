import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { recordEvent } from '../events/record.ts';
import { type HashingSlot, withHashingSlot } from '../passwords/hashing-queue.ts';
import { verifyPassword } from '../passwords/password.ts';
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
  const attempt = { email: user.email, isKnownDevice: true, policy: attempts };
  const prove = (slot: HashingSlot) =>
    withAttempt(database, scope, attempt, async () => {
      if (await verifyPassword(password, user.hashedPassword, passwords, slot)) return;
      await recordEvent(database, scope, { type: 'PASSWORD_CHECK_FAILED', userId: user.id });
      throw new InvalidCredentialsError();
    });
  return withHashingSlot(passwords, prove, { account: user.email, isTrusted: true });
}
