import { type Origin, recordEvent } from '../audit/record.ts';
import type { PasswordPolicy } from '../config.ts';
import type { Db } from '../database/database.ts';
import { InvalidCredentialsError } from '../errors.ts';
import { verifyPassword } from '../users/password.ts';
import type { User } from '../users/user.ts';

/**
 * Makes sure that somebody who is signed in knows the password, for what a session alone is not enough for.
 *
 * @throws InvalidCredentialsError for a wrong password.
 */
export async function provePassword(
  db: Db,
  user: User,
  password: string,
  policy: PasswordPolicy,
  origin: Origin,
  now: Date,
): Promise<void> {
  if (await verifyPassword(password, user.hashedPassword, policy)) return;
  await recordEvent(db, { type: 'PASSWORD_CHECK_FAILED', userId: user.id }, origin, now);
  throw new InvalidCredentialsError();
}
