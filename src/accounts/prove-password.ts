import type { Config } from '../config/config.ts';
import type { Database } from '../database/database.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { type Origin, recordEvent } from '../events/record.ts';
import { type HashingSlot, withHashingSlot } from '../passwords/hashing-queue.ts';
import { verifyPassword } from '../passwords/password.ts';
import { withAttempt } from '../throttle/attempts.ts';
import type { User } from '../users/user.ts';

/** By what passwords are judged, and how often somebody may be wrong about one. */
export type Policies = Pick<Config, 'passwords' | 'attempts'>;

/**
 * Makes sure that somebody who is signed in knows the password, for what a session alone is not enough for. A session
 * is as good as a device that is known: wrong ones are counted where no stranger's count.
 *
 * @throws InvalidCredentialsError for a wrong password.
 * @throws RateLimitedError if too many were wrong before.
 */
export function provePassword(
  database: Database,
  user: User,
  password: string,
  { passwords, attempts }: Policies,
  origin: Origin,
  now: Date,
): Promise<void> {
  const attempt = { email: user.email, device: origin.device, isKnownDevice: true };
  const prove = (slot: HashingSlot) =>
    withAttempt(database, attempt, attempts, now, async () => {
      if (await verifyPassword(password, user.hashedPassword, passwords, slot)) return;
      await recordEvent(database, { type: 'PASSWORD_CHECK_FAILED', userId: user.id }, origin, now);
      throw new InvalidCredentialsError();
    });
  return withHashingSlot(passwords, prove, { account: user.email, isTrusted: true });
}
